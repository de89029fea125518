import ConnectionThread
import Encoder
import Testing

/// Gives the length of each text, and writes down what it was asked.
private final class CountingEncoder: TextEncoder {
    let model = EncoderModel(name: "count", weightsSHA256: "0", dimensions: 1, pooling: "none", tokenizer: "none")
    private let asked = Locked<[[String]]>([])

    var calls: [[String]] { self.asked.withLock { $0 } }

    func encode(_ texts: [String]) async throws -> [[Float]] {
        self.asked.withLock { $0.append(texts) }
        return texts.map { [Float($0.utf8.count)] }
    }
}

@Suite("Remembering encoder") struct RememberingEncoderTests {
    private let base = CountingEncoder()
    private let encoder: RememberingEncoder

    init() { self.encoder = RememberingEncoder(self.base) }

    @Test func `encodes what was prepared in one call and never again`() async throws {
        try await self.encoder.prepare(["a", "bb", "ccc"])
        #expect(try await self.encoder.encode(["ccc", "a"]) == [[3], [1]])
        #expect(try await self.encoder.encode(["bb"]) == [[2]])
        #expect(self.base.calls.map { $0.sorted() } == [["a", "bb", "ccc"]])
    }

    @Test func `encodes a text that stands in a call twice once`() async throws {
        #expect(try await self.encoder.encode(["bb", "a", "bb"]) == [[2], [1], [2]])
        #expect(self.base.calls.map { $0.sorted() } == [["a", "bb"]])
    }

    @Test func `asks only for what it does not remember`() async throws {
        try await self.encoder.prepare(["a"])
        #expect(try await self.encoder.encode(["a", "bb"]) == [[1], [2]])
        #expect(self.base.calls == [["a"], ["bb"]])
    }

    @Test func `hands bulk work through`() async throws {
        let texts = (0..<1000).map { String(repeating: "x", count: $0 % 7) }
        #expect(try await self.encoder.encode(texts) == texts.map { [Float($0.count)] })
        #expect(self.base.calls == [texts])
    }

    @Test func `forgets what nobody asked for in a long time`() async throws {
        try await self.encoder.prepare(["often", "once"])
        for number in 0..<3000 { _ = try await self.encoder.encode(["often", "text \(number)"]) }
        let before = self.base.calls.count
        _ = try await self.encoder.encode(["often"])
        #expect(self.base.calls.count == before)
        _ = try await self.encoder.encode(["once"])
        #expect(self.base.calls.last == ["once"])
    }
}
