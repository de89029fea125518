import ArgumentParser
import Foundation
import Testing

@testable import martlet

@Suite("TextTable") struct TextTableTests {
    private func table(_ rows: [[String]]) -> TextTable {
        var table = TextTable([.init("ticket"), .init("subject", isElastic: true), .init("score", .right)])
        for row in rows { table.add(row) }
        return table
    }

    @Test func `columns are aligned and nothing is cut in a pipe`() {
        let subject = String(repeating: "long ", count: 40)
        let lines = self.table([["MT-1", subject, "0.5"], ["MT-1000", "x", "10"]]).rendered(width: nil)
            .split(separator: "\n")
        #expect(lines[1].contains(subject))
        #expect(Set(lines.map { DisplayWidth.of(String($0)) }).count == 1)
        #expect(lines[2].hasSuffix("   10"))
    }

    @Test(arguments: [40, 60, 80])
    func `a line is never wider than the terminal`(width: Int) {
        let subjects = [String(repeating: "配達", count: 60), String(repeating: "e\u{301}", count: 200), "👩‍👩‍👧 🚚 late"]
        let table = self.table(subjects.map { ["MT-1042", $0, "0.75"] })
        for line in table.rendered(width: width).split(separator: "\n") {
            #expect(DisplayWidth.of(String(line)) <= width)
        }
        #expect(table.rendered(width: width).contains("…"))
    }

    @Test func `a narrow terminal does without the columns that may be missing, the last one first`() {
        var table = TextTable([
            .init("ticket"), .init("mood", isOptional: true), .init("sure", isOptional: true),
            .init("subject", isElastic: true),
        ])
        table.add(["MT-1042", "-0.50", "0.75", "Where is my parcel?"])
        #expect(table.rendered(width: 80).hasPrefix("TICKET   MOOD   SURE  SUBJECT"))
        #expect(table.rendered(width: 30).hasPrefix("TICKET   MOOD   SUBJECT"))
        #expect(table.rendered(width: 24).hasPrefix("TICKET   SUBJECT"))
        #expect(table.rendered(width: nil).contains("0.75"))
    }

    @Test func `a customer's subject cannot move the cursor`() {
        let text = self.table([["MT-1", "\u{1B}[2Jgone\r\nnew\u{202E}line\u{9B}31m", "1"]]).rendered(width: nil)
        #expect(!text.unicodeScalars.contains { $0.value == 0x1B || $0.value == 0x202E || $0.value == 0x9B })
        #expect(text.split(separator: "\n").count == 2)
    }

    @Test(arguments: [("abc", 3), ("日本", 4), ("é", 1), ("e\u{301}", 1), ("🚚", 2), ("", 0), ("ﬁ", 1), ("한국", 4)])
    func `letters have the width that terminals give them`(text: String, width: Int) {
        #expect(DisplayWidth.of(text) == width)
    }
}

@Suite("JSONLines") struct JSONLinesTests {
    private struct Input: Decodable, Sendable {
        let id: LineID
        let text: String
    }

    private struct Output: Codable, Sendable {
        let id: LineID?
        var length: Int?
        var error: String?
    }

    /// Lines in, lines out.
    private actor Pipe {
        var input: [String]
        private(set) var output: [Output] = []
        init(_ input: [String]) { self.input = input.reversed() }
        func next() -> String? { self.input.popLast() }
    }

    private func run(
        _ lines: [String], batch: Int = 1, width: Int = 4,
        _ work: @escaping @Sendable ([Input]) async -> [Result<Output, any Error>]
    ) async throws -> [Output] {
        let pipe = Pipe(lines)
        let (stream, continuation) = AsyncStream.makeStream(of: Data.self)
        try await JSONLines(batch: batch, width: width).runBatches(
            reading: { await pipe.next() }, writing: { continuation.yield($0) }, work)
        continuation.finish()
        var output: [Output] = []
        for await data in stream {
            for line in data.split(separator: 0x0A) { output.append(try JSONDecoder().decode(Output.self, from: line)) }
        }
        return output
    }

    @Test(arguments: [(1, 1), (1, 4), (8, 3), (100, 2)])
    func `answers come in order, one for each line`(batch: Int, width: Int) async throws {
        let lines = (0..<500).map { #"{"id":\#($0),"text":"\#(String(repeating: "x", count: $0 % 7))"}"# }
        let output = try await self.run(lines, batch: batch, width: width) { inputs in
            for _ in 0..<(inputs[0].text.count * 3) { await Task.yield() }
            return inputs.map { .success(Output(id: $0.id, length: $0.text.count)) }
        }
        #expect(output.map(\.id) == (0..<500).map { .number($0) })
        #expect(output.map(\.length) == (0..<500).map { $0 % 7 })
    }

    @Test func `a line that cannot be read answers an error and the others go on`() async throws {
        struct Refused: Error {}
        let lines = [
            #"{"id":"a","text":"ok"}"#, "", "   ", "not json", #"{"id":7}"#, #"{"text":"no id"}"#,
            #"{"id":8,"text":5}"#,
            #"{"id":"fails","text":"bad"}"#, #"{"id":"z","text":"ok"}"#,
        ]
        let output = try await self.run(lines, batch: 3) { inputs in
            inputs.map { input in
                input.text == "bad" ? .failure(Refused()) : .success(Output(id: input.id, length: input.text.count))
            }
        }
        #expect(output.map(\.id) == [.text("a"), nil, .number(7), nil, .number(8), .text("fails"), .text("z")])
        #expect(output.map { $0.error == nil } == [true, false, false, false, false, false, true])
        #expect(output[2].error == "the key text is missing")
    }

    @Test func `the first answer does not wait for the last line`() async throws {
        let (lines, lineFeed) = AsyncStream.makeStream(of: String.self)
        let (answers, answerFeed) = AsyncStream.makeStream(of: Data.self)
        let source = Source(lines)
        let running = Task {
            try await JSONLines(batch: 16).runBatches(
                reading: { await source.next() }, writing: { answerFeed.yield($0) }
            ) { (inputs: [Input]) in inputs.map { .success(Output(id: $0.id, length: 0)) } }
            answerFeed.finish()
        }
        lineFeed.yield(#"{"id":1,"text":""}"#)
        var iterator = answers.makeAsyncIterator()
        #expect(await iterator.next() != nil)
        lineFeed.finish()
        try await running.value
    }

    private actor Source {
        private let lines: AsyncStream<String>
        private var buffer: [String] = []
        init(_ lines: AsyncStream<String>) { self.lines = lines }
        func next() async -> String? {
            for await line in self.lines { return line }
            return nil
        }
    }

    @Test func `no more than the width is under way`() async throws {
        let counter = Counter()
        let lines = (0..<200).map { #"{"id":\#($0),"text":""}"# }
        _ = try await self.run(lines, width: 3) { inputs in
            await counter.enter()
            for _ in 0..<5 { await Task.yield() }
            await counter.leave()
            return inputs.map { .success(Output(id: $0.id, length: 0)) }
        }
        #expect(await counter.most <= 3)
        #expect(await counter.total == 200)
    }

    private actor Counter {
        private var current = 0
        private(set) var most = 0
        private(set) var total = 0
        func enter() {
            self.current += 1
            self.total += 1
            self.most = max(self.most, self.current)
        }
        func leave() { self.current -= 1 }
    }
}

@Suite("JSONOutput") struct JSONOutputTests {
    private struct Value: Encodable {
        let zebra = 1
        let backFlip = ["asIs": true]
        let apple = "a/b"
        let date = Date(timeIntervalSince1970: 0)
    }

    @Test func `keys are sorted and in snake case, dates are ISO 8601, slashes are plain`() throws {
        let line = String(decoding: try JSONOutput.line(Value()), as: UTF8.self)
        #expect(line == #"{"apple":"a/b","back_flip":{"asIs":true},"date":"1970-01-01T00:00:00Z","zebra":1}"#)
    }
}

@Suite("Wrapping") struct WrappingTests {
    @Test(arguments: [
        ("source     Where is it?: the state of your parcel is at hand", 11),
        ("    quoted words of a customer that are long", 4),
        ("2026-11-23 12:17  triage: draft, Shipping, priority normal", 18),
        ("plain words that surely need more than one line here", 0),
    ])
    func `what follows stands under the text of its line`(line: String, indent: Int) {
        let lines = Wrapping.text(line, to: 40).split(separator: "\n").map(String.init)
        #expect(lines.count > 1)
        for rest in lines.dropFirst() {
            #expect(rest.prefix { $0 == " " }.count == indent)
            #expect(DisplayWidth.of(rest) <= 40)
        }
        func words(_ text: String) -> [Substring] { text.split(whereSeparator: \.isWhitespace) }
        #expect(words(lines.joined(separator: " ")) == words(line))
    }

    @Test func `a pipe gets whole lines, and a figure keeps its unit`() {
        let line = String(repeating: "word ", count: 40)
        #expect(Wrapping.text(line, to: nil) == line)
        #expect(Wrapping.text("the confidence of this draft is at 77 % below", to: 38).hasSuffix("77 % below"))
    }
}

@Suite("Moment") struct MomentTests {
    @Test func `a table has the minute of today, else the day, and in a pipe both`() {
        let now = Date(timeIntervalSince1970: 1_700_000_000)
        let old = now.addingTimeInterval(-3 * 86_400)
        #expect(Moment.brief(now, now: now, isNarrow: true) == String(Moment.text(now).suffix(5)))
        #expect(Moment.brief(old, now: now, isNarrow: true) == String(Moment.text(old).prefix(10)))
        #expect(Moment.brief(old, now: now, isNarrow: false) == Moment.text(old))
    }
}

@Suite("Help") struct HelpTests {
    @Test func `no example is wider than a terminal`() {
        // The parser would break it, and what follows would look like words of the help.
        for command in Martlet.configuration.groupedSubcommands.flatMap(\.subcommands) {
            for line in command.configuration.discussion.split(separator: "\n") where line.hasPrefix("  ") {
                #expect(line.count <= 80, "\(line)")
            }
        }
    }
}
