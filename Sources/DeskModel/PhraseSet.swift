/// A list of phrases that are looked for in a text all at once, in one pass over its bytes.
package struct PhraseSet: Sendable {
    /// Phrases by their first byte.
    private let buckets: [[[UInt8]]]

    /// - Parameter phrases: lower case; the texts given later are lower case too.
    package init(_ phrases: [String]) {
        var buckets = [[[UInt8]]](repeating: [], count: 256)
        for phrase in phrases {
            let bytes = Array(phrase.utf8)
            if let first = bytes.first { buckets[Int(first)].append(bytes) }
        }
        self.buckets = buckets
    }

    /// The phrase that comes first in `text`; nil when none does.
    package func first(in text: some StringProtocol) -> String? {
        let bytes = Array(text.utf8)
        for position in bytes.indices {
            for phrase in self.buckets[Int(bytes[position])] where Self.matches(bytes, position, phrase) {
                return String(decoding: phrase, as: UTF8.self)
            }
        }
        return nil
    }

    /// The longest phrase that `text` starts with; nil when it starts with none.
    package func prefix(of text: some StringProtocol) -> String? {
        guard let first = text.utf8.first else { return nil }
        let candidates = self.buckets[Int(first)]
        guard !candidates.isEmpty else { return nil }
        let bytes = Array(text.utf8.prefix(80))
        let found = candidates.filter { Self.matches(bytes, 0, $0) }.max { $0.count < $1.count }
        return found.map { String(decoding: $0, as: UTF8.self) }
    }

    /// Whether any phrase stands in `text`.
    package func matches(_ text: some StringProtocol) -> Bool { self.first(in: text) != nil }

    private static func matches(_ bytes: [UInt8], _ position: Int, _ phrase: [UInt8]) -> Bool {
        guard position + phrase.count <= bytes.count else { return false }
        for offset in 0..<phrase.count where bytes[position + offset] != phrase[offset] { return false }
        return true
    }
}
