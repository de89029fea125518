import ArgumentParser
import Encoder
import Foundation

/// `martlet bench encode`: the encoder's own speed, for Scripts/bench.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure one part by itself.", shouldDisplay: false,
        subcommands: [BenchEncode.self, BenchIdle.self])
}

struct BenchEncode: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encode", abstract: "Texts a second of one length, as one JSON line.")

    @Option(help: "Tokens of each text, the two marks included.")
    var tokens = 128

    @Option(help: "A file with a JSON array of texts to encode instead of made-up ones.")
    var texts: String?

    @Option(help: "Texts of one call.")
    var batch = 16

    @Option(help: "Worker threads.")
    var workers = 1

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
    }

    func run() async throws {
        let encoder = try ShippedData().encoder(workers: self.workers)
        let calls = try self.calls()
        for call in calls.prefix(2) { _ = try await encoder.encode(call) }
        let clock = ContinuousClock()
        let started = clock.now
        var next = 0
        var count = 0
        while clock.now - started < .seconds(self.seconds) {
            count += try await encoder.encode(calls[next % calls.count]).count
            next += 1
        }
        let passed = (clock.now - started) / .seconds(1)
        let lengths = calls.joined().map { encoder.tokenIDs($0).count }
        let figure = Figure(
            kernels: encoder.kernels, tokens: lengths.reduce(0, +) / max(1, lengths.count), batch: self.batch,
            workers: self.workers, perSecond: Double(count) / passed)
        Terminal.write(try JSONOutput.line(figure) + Data("\n".utf8))
    }

    private func calls() throws -> [[String]] {
        let batch = max(1, self.batch)
        guard let path = self.texts else {
            let text = Array(repeating: "parcel", count: max(1, self.tokens - 2)).joined(separator: " ")
            return [Array(repeating: text, count: batch)]
        }
        guard let bytes = FileManager.default.contents(atPath: path),
            let texts = try? JSONDecoder().decode([String].self, from: bytes), !texts.isEmpty
        else {
            throw CommandError(.usage, "\(path) holds no texts", remedy: "name a file with a JSON array of strings")
        }
        return stride(from: 0, to: texts.count, by: batch).map { Array(texts[$0..<min($0 + batch, texts.count)]) }
    }
}
