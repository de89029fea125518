internal import Yams

/// Words in order, as a person writes them: `money .. taken|gone`.
///
/// `a|b` either, `charge*` any ending, `..` up to four words between, `...` up to twelve, `?` behind a word: may be
/// missing. Matching takes time in proportion to text and pattern; no pattern can make it explode.
package struct PhrasePattern: Sendable, Hashable {
    private struct Step: Sendable, Hashable {
        enum Word: Sendable, Hashable {
            case whole(String)
            case prefix(String)

            func matches(_ word: String) -> Bool {
                switch self {
                case .whole(let text): word == text
                case .prefix(let text): word.hasPrefix(text)
                }
            }
        }

        var words: [Word]
        var isOptional: Bool
        /// Words that may lie before this step.
        var gap: Int
    }

    private static let gap = 4
    private static let wideGap = 12

    package let source: String
    private let steps: [Step]

    /// nil when `source` names no word.
    package init?(_ source: String) {
        self.source = source
        var steps: [Step] = []
        var gap = 0
        for part in source.lowercased().split(separator: " ") {
            if part == ".." || part == "..." {
                gap = part == ".." ? Self.gap : Self.wideGap
                continue
            }
            let isOptional = part.hasSuffix("?")
            let words = (isOptional ? part.dropLast() : part).split(separator: "|").map { word in
                word.hasSuffix("*") ? Step.Word.prefix(String(word.dropLast())) : .whole(String(word))
            }
            guard !words.isEmpty else { return nil }
            steps.append(Step(words: words, isOptional: isOptional, gap: steps.isEmpty ? 0 : gap))
            gap = 0
        }
        guard !steps.isEmpty, steps.contains(where: { !$0.isOptional }) else { return nil }
        self.steps = steps
    }

    /// The first place of the phrase in `words` (see `WordList`); nil when it does not occur.
    package func firstMatch(in words: WordList) -> Range<Int>? {
        for start in words.all.indices {
            if let end = self.match(words.all, at: start) { return start..<end }
        }
        return nil
    }

    /// The nearest end of the phrase when it starts at `start`.
    ///
    /// Keeps the set of all places where the steps so far can end; it never holds more than a few for each step.
    private func match(_ words: [String], at start: Int) -> Int? {
        let first = self.steps[0]
        guard first.isOptional || first.words.contains(where: { $0.matches(words[start]) }) else { return nil }
        var ends: Set<Int> = [start]
        for step in self.steps {
            var next = step.isOptional ? ends : []
            for end in ends {
                for place in end..<min(end + step.gap + 1, words.count)
                where !next.contains(place + 1) && step.words.contains(where: { $0.matches(words[place]) }) {
                    next.insert(place + 1)
                }
            }
            if next.isEmpty { return nil }
            ends = next
        }
        return ends.filter { $0 > start }.min()
    }

    /// Whether any word of the text can start the phrase; spares most texts the search.
    func canStart(in words: WordList) -> Bool {
        guard let first = self.steps.first, !first.isOptional else { return true }
        return first.words.contains { word in
            switch word {
            case .whole(let text): words.vocabulary.contains(text)
            case .prefix(let text): words.hasWord(startingWith: text)
            }
        }
    }

    static func list(_ node: Node?, _ reader: inout YAMLReader, at place: String) -> [PhrasePattern] {
        reader.list(node, at: place).compactMap { node in
            guard let text = reader.text(node, at: "each item of \(place)") else { return nil }
            guard let pattern = PhrasePattern(text) else {
                reader.report(node, "\(place): “\(text)” names no word")
                return nil
            }
            return pattern
        }
    }
}

/// The words of a text as patterns see them: lower case, punctuation dropped, `can't` and `e-mail` whole.
package struct WordList: Sendable {
    package let all: [String]
    let vocabulary: Set<String>
    /// The vocabulary, ascending.
    private let sorted: [String]

    package init(_ text: String) {
        let words = Self.plain(text) ?? Self.any(text)
        self.all = words
        self.vocabulary = Set(words)
        self.sorted = self.vocabulary.sorted()
    }

    func hasWord(startingWith start: String) -> Bool {
        var range = self.sorted.startIndex..<self.sorted.endIndex
        while !range.isEmpty {
            let middle = range.lowerBound + range.count / 2
            range = self.sorted[middle] < start ? (middle + 1)..<range.upperBound : range.lowerBound..<middle
        }
        return range.lowerBound < self.sorted.endIndex && self.sorted[range.lowerBound].hasPrefix(start)
    }

    private static func any(_ text: String) -> [String] {
        var words: [String] = []
        var word = ""
        for character in text.lowercased() {
            if character.isLetter || character.isNumber {
                word.append(character)
            } else if (character == "'" || character == "’" || character == "-"), !word.isEmpty {
                word.append(character == "’" ? "'" : character)
            } else if !word.isEmpty {
                words.append(Self.trimmed(word))
                word = ""
            }
        }
        if !word.isEmpty { words.append(Self.trimmed(word)) }
        return words
    }

    /// The same for a text of ASCII alone, which most are, byte by byte; nil for any other.
    private static func plain(_ text: String) -> [String]? {
        var words: [String] = []
        var word: [UInt8] = []
        func finish() {
            while word.last == 0x27 || word.last == 0x2D { word.removeLast() }
            words.append(String(decoding: word, as: UTF8.self))
            word.removeAll(keepingCapacity: true)
        }
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x61...0x7A: word.append(byte)
            case 0x41...0x5A: word.append(byte | 0x20)
            case 0x27, 0x2D:
                if !word.isEmpty { word.append(byte) }
            case 0x80...: return nil
            default:
                if !word.isEmpty { finish() }
            }
        }
        if !word.isEmpty { finish() }
        return words
    }

    private static func trimmed(_ word: String) -> String {
        var word = word[...]
        while let last = word.last, last == "'" || last == "-" { word.removeLast() }
        return String(word)
    }
}
