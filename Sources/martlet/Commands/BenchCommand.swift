import ArgumentParser
import Encoder
import Foundation
import Glibc
import Triage

/// `martlet bench encode`: the encoder's own speed, for Scripts/bench.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure one part by itself.", shouldDisplay: false,
        subcommands: [BenchEncode.self, BenchIdle.self, BenchParse.self, BenchRetrieval.self])
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
        /// Mean over the texts.
        var tokens: Int
        var batch: Int
        var workers: Int
        var perSecond: Double
        /// By the process's own processor time, which a busy machine stretches far less than the clock.
        var perProcessorSecond: Double
    }

    private struct Row: Decodable {
        var subject: String?
        var body: String?
    }

    func run() async throws {
        let encoder = try ShippedData().encoder(workers: self.workers)
        let calls = try self.calls()
        _ = try await encoder.encode(calls[0])
        let time = ContinuousClock()
        let started = time.now
        let used = clock()
        var next = 0
        var count = 0
        // Texts of a file are all read at least once.
        while time.now - started < .seconds(self.seconds) || (self.data != nil && next < calls.count) {
            count += try await encoder.encode(calls[next % calls.count]).count
            next += 1
        }
        let processor = Double(clock() - used) / 1_000_000
        let passed = (time.now - started) / .seconds(1)
        let lengths = calls.joined().map { encoder.tokenIDs($0).count }
        let figure = Figure(
            kernels: encoder.kernels, tokens: lengths.reduce(0, +) / max(1, lengths.count), batch: self.batch,
            workers: self.workers, perSecond: Double(count) / passed,
            perProcessorSecond: Double(count) / max(0.001, processor))
        Terminal.write(try JSONOutput.line(figure) + Data("\n".utf8))
    }

    private func calls() throws -> [[String]] {
        let batch = max(1, self.batch)
        guard let path = self.data else {
            let text = Array(repeating: "parcel", count: max(1, self.tokens - 2)).joined(separator: " ")
            return [Array(repeating: text, count: batch)]
        }
        guard let contents = FileManager.default.contents(atPath: path) else {
            throw CommandError(.usage, "\(path) cannot be read", remedy: "name a readable file of JSON lines")
        }
        let texts = try contents.split(separator: 0x0A).map { line in
            let row = try JSONDecoder().decode(Row.self, from: line)
            return TriageInput(subject: row.subject ?? "", body: row.body ?? "").text
        }
        guard !texts.isEmpty else { throw CommandError(.usage, "\(path) is empty", remedy: "name one with lines") }
        return stride(from: 0, to: texts.count, by: batch).map { Array(texts[$0..<min($0 + batch, texts.count)]) }
    }
}
