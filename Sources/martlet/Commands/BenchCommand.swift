import ArgumentParser
import Encoder
import Foundation
import Triage

/// `martlet bench encode`: the encoder's own speed, for Scripts/bench.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure one part by itself.", shouldDisplay: false,
        subcommands: [BenchEncode.self])
}

struct BenchEncode: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encode", abstract: "Texts a second of one length, as one JSON line.")

    @Option(help: "Tokens of each text, the two marks included.")
    var tokens = 128

    @Option(help: "Texts of one call.")
    var batch = 16

    @Option(help: "Worker threads.")
    var workers = 1

    @Option(help: "Encode the rows {subject, body} of this file once instead, as `triage --jsonl` would.")
    var data: String?

    @Option(help: "How long to measure.")
    var seconds = 3.0

    private struct Figure: Encodable {
        var engine = "martlet"
        var kernels: String
        var tokens: Int
        var batch: Int
        var workers: Int
        var perSecond: Double
    }

    func run() async throws {
        let encoder = try ShippedData().encoder(workers: self.workers)
        if let data = self.data {
            try await self.encodeRows(of: data, encoder)
            return
        }
        let text = Array(repeating: "parcel", count: max(1, self.tokens - 2)).joined(separator: " ")
        let texts = Array(repeating: text, count: self.batch)
        _ = try await encoder.encode(texts)
        let clock = ContinuousClock()
        let started = clock.now
        var count = 0
        while clock.now - started < .seconds(self.seconds) {
            count += try await encoder.encode(texts).count
        }
        let passed = (clock.now - started) / .seconds(1)
        let figure = Figure(
            kernels: encoder.kernels, tokens: encoder.tokenIDs(text).count, batch: self.batch, workers: self.workers,
            perSecond: Double(count) / passed)
        Terminal.write(try JSONOutput.line(figure) + Data("\n".utf8))
    }

    private struct Row: Decodable {
        var subject: String?
        var body: String?
    }

    private func encodeRows(of path: String, _ encoder: SentenceEncoder) async throws {
        guard let contents = FileManager.default.contents(atPath: path) else {
            throw CommandError(.usage, "\(path) cannot be read", remedy: "name a readable file of JSON lines")
        }
        let texts = try contents.split(separator: 0x0A).map { line in
            let row = try JSONDecoder().decode(Row.self, from: line)
            return TriageInput(subject: row.subject ?? "", body: row.body ?? "").text
        }
        let clock = ContinuousClock()
        let started = clock.now
        for start in stride(from: 0, to: texts.count, by: 1024) {
            _ = try await encoder.encode(Array(texts[start..<min(start + 1024, texts.count)]))
        }
        let passed = (clock.now - started) / .seconds(1)
        let figure = Figure(
            kernels: encoder.kernels, tokens: 0, batch: texts.count, workers: self.workers,
            perSecond: Double(texts.count) / passed)
        Terminal.write(try JSONOutput.line(figure) + Data("\n".utf8))
    }
}
