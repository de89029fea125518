import Foundation
import Systemd
import Testing

@testable import martlet

@Suite("Parse command") struct ParseCommandTests {
    private struct Row: Decodable {
        let id: LineID?
        let subject: String?
        let error: String?
    }

    private actor Lines {
        private var left: [String]
        init(_ lines: [String]) { self.left = lines.reversed() }
        func next() -> String? { self.left.popLast() }
    }

    @Test func `a bad line and a missing file are rows, and the rest goes on`() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString).eml")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data("From: a@example.org\nSubject: hello\n\nx".utf8).write(to: file)
        let source = Lines([
            #"{"id":"a","path":"\#(file.path)"}"#, "no json", #"{"id":7,"path":"/nonexistent"}"#,
            #"{"id":8,"path":"\#(file.path)"}"#,
        ])
        let (stream, continuation) = AsyncStream.makeStream(of: Data.self)
        try await JSONLines().runBatches(
            reading: { await source.next() }, writing: { continuation.yield($0) },
            { (requests: [ParseCommand.Request]) in
                requests.map { request in Result { try ParseCommand.read(request) } }
            })
        continuation.finish()
        var rows: [Row] = []
        for await data in stream {
            for line in data.split(separator: 0x0A) { rows.append(try JSONDecoder().decode(Row.self, from: line)) }
        }
        #expect(rows.map(\.id) == [.text("a"), nil, .number(7), .number(8)])
        #expect(rows.map(\.subject) == ["hello", nil, nil, "hello"])
        #expect(rows.map { $0.error == nil } == [true, false, false, true])
    }

    private static let hostile: [(name: String, make: @Sendable (Int) -> String)] = [
        ("groups", { "To: \(String(repeating: "g:", count: $0))\n\nx" }),
        ("groups below", { "Content-Type: message/rfc822\n\nTo: \(String(repeating: "g:", count: $0))\n\nx" }),
        ("parts", { "Content-Type: multipart/mixed; boundary=b\n\n\(String(repeating: "--b\n\nx\n", count: $0))" }),
        ("messages", { "\(String(repeating: "Content-Type: message/rfc822\n\n", count: $0))x" }),
        ("fields", { "\(String(repeating: "To: a@example.org\n", count: $0))\nx" }),
        ("one field", { "Subject: \(String(repeating: "x", count: $0 * 100))\n\nx" }),
        ("comments", { "From: \(String(repeating: "(", count: $0))a@example.org\n\nx" }),
    ]

    /// The program that the service starts for a mail it does not trust; time and memory at full size are measured by
    /// Scripts/bench parse.
    @Test(arguments: Self.hostile.map(\.name), [1_000, 20_000])
    func `the isolated reader answers whatever it is given`(name: String, count: Int) async throws {
        let program = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().appending(
            path: "martlet")
        let text = try #require(Self.hostile.first { $0.name == name }).make(count)
        var limits = ChildProcess.Limits()
        limits.processorTime = .seconds(60)
        limits.wallTime = .seconds(120)
        let result = try await ChildProcess(path: program.path, arguments: ["parse-isolated"], limits: limits)
            .run(feeding: Array("From: a@example.org\n\(text)".utf8))
        #expect(result.isSuccess, "\(result.ending) \(result.errorOutput)")
        #expect(result.output.first == 0x7B)
    }
}
