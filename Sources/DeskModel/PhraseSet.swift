/// A list of phrases that are looked for in a text all at once, in one pass over its bytes.
package struct PhraseSet: Sendable {
    /// All phrases one after another, those with the same first byte together.
    private let bytes: [UInt8]
    /// Where each phrase starts in `bytes`, and the end of the last.
    private let starts: [Int]
    /// The number of the first phrase for each first byte, and the count of all.
    private let firsts: [Int]
    /// One bit for each pair of bytes that a phrase starts with: nearly every place of a text is passed by with one look.
    private let pairs: [UInt64]

    /// - Parameter phrases: lower case, not empty; the texts given later are lower case too.
    package init(_ phrases: [String]) {
        let sorted = phrases.map { Array($0.utf8) }.filter { !$0.isEmpty }.sorted { $0[0] < $1[0] }
        self.bytes = Array(sorted.joined())
        var starts = [0]
        var firsts = [Int](repeating: 0, count: 257)
        var pairs = [UInt64](repeating: 0, count: 1_024)
        for phrase in sorted {
            starts.append(starts[starts.count - 1] + phrase.count)
            firsts[Int(phrase[0]) + 1] += 1
            for second in phrase.count > 1 ? Int(phrase[1])...Int(phrase[1]) : 0...255 {
                let pair = Int(phrase[0]) << 8 | second
                pairs[pair >> 6] |= 1 << UInt64(pair & 63)
            }
        }
        for byte in 0..<256 { firsts[byte + 1] += firsts[byte] }
        self.starts = starts
        self.firsts = firsts
        self.pairs = pairs
    }

    /// The phrase that comes first in `text`; nil when none does.
    package func first(in text: String) -> String? { self.find(in: text.utf8Span.span).map { self.phrase($0) } }

    /// The phrase that comes first in `text`; nil when none does.
    package func first(in text: Substring) -> String? { self.find(in: text.utf8Span.span).map { self.phrase($0) } }

    /// Whether any phrase stands in `text`.
    package func matches(_ text: String) -> Bool { self.find(in: text.utf8Span.span) != nil }

    /// Whether any phrase stands in `text`.
    package func matches(_ text: Substring) -> Bool { self.find(in: text.utf8Span.span) != nil }

    /// The longest phrase that `text` starts with; nil when it starts with none.
    package func prefix(of text: String) -> String? { self.longest(at: text.utf8Span.span).map { self.phrase($0) } }

    /// The longest phrase that `text` starts with; nil when it starts with none.
    package func prefix(of text: Substring) -> String? { self.longest(at: text.utf8Span.span).map { self.phrase($0) } }

    private func phrase(_ number: Int) -> String {
        String(decoding: self.bytes[self.starts[number]..<self.starts[number + 1]], as: UTF8.self)
    }

    private func find(in text: borrowing Span<UInt8>) -> Int? {
        let pairs = self.pairs.span
        let last = text.count - 1
        guard last >= 0 else { return nil }
        var pair = Int(text[0])
        for position in 0..<last {
            pair = (pair & 0xFF) << 8 | Int(text[position + 1])
            guard pairs[pair >> 6] >> UInt64(pair & 63) & 1 == 1 else { continue }
            if let found = self.phrase(at: position, of: text) { return found }
        }
        return self.phrase(at: last, of: text)
    }

    private func phrase(at position: Int, of text: borrowing Span<UInt8>) -> Int? {
        let byte = Int(text[position])
        for number in self.firsts[byte]..<self.firsts[byte + 1] where self.stands(number, at: position, of: text) {
            return number
        }
        return nil
    }

    private func longest(at text: borrowing Span<UInt8>) -> Int? {
        guard text.count > 0 else { return nil }
        let byte = Int(text[0])
        var best: Int?
        var length = 0
        for number in self.firsts[byte]..<self.firsts[byte + 1] where self.stands(number, at: 0, of: text) {
            let own = self.starts[number + 1] - self.starts[number]
            if own > length { (best, length) = (number, own) }
        }
        return best
    }

    private func stands(_ number: Int, at position: Int, of text: borrowing Span<UInt8>) -> Bool {
        let start = self.starts[number]
        let length = self.starts[number + 1] - start
        guard position + length <= text.count else { return false }
        for offset in 1..<max(length, 1) where text[position + offset] != self.bytes[start + offset] { return false }
        return true
    }
}
