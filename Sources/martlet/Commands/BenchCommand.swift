import ArgumentParser
import Encoder
import Foundation

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
}
