internal import ConnectionThread

/// An encoder that remembers the texts of the last few calls: several parts look at the same mail, and customers often
/// say the same sentence.
///
/// A part that knows what others will ask for can have it all encoded in one call, which fills the cores better than
/// several small ones.
package final class RememberingEncoder: TextEncoder {
    private let encoder: any TextEncoder
    private let memory = Locked(Memory())

    /// Different texts of a call beyond which it is bulk work: nobody asks for them again soon, and they would push out
    /// what somebody does ask for.
    private static let bulk = 256

    package init(_ encoder: any TextEncoder) { self.encoder = encoder }

    package var model: EncoderModel { self.encoder.model }

    package func encode(_ texts: [String]) async throws -> [[Float]] {
        guard texts.count <= Self.bulk else { return try await self.encoder.encode(texts) }
        var vectors = self.memory.withLock { memory in texts.map { memory.vector(of: $0) } }
        var places: [String: [Int]] = [:]
        for index in texts.indices where vectors[index] == nil { places[texts[index], default: []].append(index) }
        let missing = Array(places.keys)
        if missing.isEmpty { return vectors.map { $0 ?? [] } }
        let made = try await self.encoder.encode(missing)
        self.memory.withLock { memory in
            for (text, vector) in zip(missing, made) { memory.keep(vector, of: text) }
        }
        for (text, vector) in zip(missing, made) {
            for index in places[text] ?? [] { vectors[index] = vector }
        }
        return vectors.map { $0 ?? [] }
    }

    package func prepare(_ texts: [String]) async throws { _ = try await self.encode(texts) }

    /// Two generations: what was not asked for while a whole new one grew is forgotten.
    private struct Memory {
        private static let size = 512

        private var young: [String: [Float]] = [:]
        private var old: [String: [Float]] = [:]

        mutating func vector(of text: String) -> [Float]? {
            if let vector = self.young[text] { return vector }
            guard let vector = self.old[text] else { return nil }
            self.keep(vector, of: text)
            return vector
        }

        mutating func keep(_ vector: [Float], of text: String) {
            if self.young.count >= Self.size { (self.old, self.young) = (self.young, [:]) }
            self.young[text] = vector
        }
    }
}
