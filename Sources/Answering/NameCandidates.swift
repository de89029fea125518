/// What in a text may name one of the desk's customers, whoever that is: words to ask the list of customers for, and
/// which of the names found there the text really says.
///
/// A name stands in a text reordered, inflected, without its accents, with a particle in it or in small letters; one
/// part of it alone is a name when a capital says so in the middle of a sentence.
package struct NameCandidates: Sendable {
    /// Folded words of which a name may hold two, each in the forms that inflection may have made it from.
    package let words: [String]
    /// Folded words that are a name although they stand alone.
    package let single: [String]

    private let text: FoldedText
    private static let longest = 12_000

    /// - Parameter spoken: what the customer wrote: a word of theirs is no stranger's name by itself.
    package init(in text: String, spoken: [String]) {
        let text = FoldedText(String(text.prefix(Self.longest)))
        let words = text.words()
        let known = Set(spoken.flatMap { FoldedText(String($0.prefix(Self.longest))).words().map(\.text) })
        let inside = zip(words.dropFirst(), words).filter { word, previous in
            let gap = previous.range.upperBound..<word.range.lowerBound
            return word.text.unicodeScalars.count >= 4 && text.isCapital[word.range.lowerBound]
                && !known.contains(word.text) && !NumberScan.months.contains(word.text)
                && !gap.contains { ".!?:\n".unicodeScalars.contains(text.scalars[$0]) }
        }
        self.text = text
        self.words = Set(words.flatMap { Self.forms(of: $0.text) }).sorted()
        self.single = Set(inside.flatMap { Self.forms(of: $0.0.text) })
            .filter { !NameTable.isOrdinary($0) && !NameTable.roles.contains($0) }.sorted()
    }

    /// Those names of which the text says two parts near each other.
    package func said(of names: [String]) -> [String] {
        let words = self.text.words()
        return names.filter { name in
            let parts = FoldedText(name).words().map(\.text).filter { $0.unicodeScalars.count > 1 }
            var last: (part: String, index: Int)?
            for (index, word) in words.enumerated() {
                let forms = Set(Self.forms(of: word.text))
                guard let part = parts.first(where: forms.contains) else { continue }
                if let last, last.part != part, index - last.index <= 3 { return true }
                last = (part, index)
            }
            return false
        }
    }

    /// A word, and what it may be an inflected form of: `kowalskiego`, `kowalski`.
    private static func forms(of word: String) -> [String] {
        let letters = Array(word.unicodeScalars)
        guard letters.count >= 5 else { return letters.count > 1 ? [word] : [] }
        let stems = (max(4, letters.count - 4)..<letters.count).map { FoldedText.text(letters[..<$0]) }
        return [word] + stems.flatMap { [$0, $0 + "a", $0 + "o", $0 + "i"] }
    }
}
