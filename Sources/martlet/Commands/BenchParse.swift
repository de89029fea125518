import ArgumentParser
import Desk
import Foundation
import Glibc
import MIME

/// `martlet bench parse`: how fast mails are read, split into reply and quotation, and classified, for Scripts/bench.
struct BenchParse: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parse", abstract: "Processor seconds to read many mails, one JSON line a round.",
        discussion: "Reads paths on standard input, one a line; each line `go` measures one round over all of them.")

    private struct Figure: Encodable {
        var mails: Int
        var seconds: Double
        /// Octets of text that came out, so that nothing can be left out unseen.
        var decoded: Int
    }

    func run() throws {
        var mails: [[UInt8]] = []
        while let line = readLine() {
            guard line == "go" else {
                if let data = FileManager.default.contents(atPath: line) { mails.append([UInt8](data)) }
                continue
            }
            let begun = clock()
            var decoded = 0
            for mail in mails {
                let message = MIMEParser.parse(mail)
                let classification = AutomaticMail.classify(message, own: [], authservIDs: [])
                decoded += message.bodyText.utf8.count + classification.reasons.count
            }
            let figure = Figure(
                mails: mails.count, seconds: Double(clock() - begun) / 1_000_000, decoded: decoded)
            Terminal.write(try JSONOutput.line(figure) + Data("\n".utf8))
        }
    }
}
