/// Words of a text in the form that is compared: folded to plain lower-case letters and cut to a light stem.
package enum Words {
    /// Every word and number of `text` in order; marks are dropped. Letters of Latin script lose their accents.
    package static func all(in text: some StringProtocol) -> [String] {
        self.folded(text).split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The words of `text` as UTF-8, one space after each.
    package static func folded(_ text: some StringProtocol) -> [UInt8] {
        let bytes = Array(text.utf8)
        var words: [UInt8] = []
        words.reserveCapacity(bytes.count + 1)
        func endWord() {
            if let last = words.last, last != UInt8(ascii: " ") { words.append(UInt8(ascii: " ")) }
        }
        var position = 0
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): words.append(byte)
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): words.append(byte | 0x20)
            case UInt8(ascii: "'"): break  // `don't` stays one word
            case 0x80...:
                let end = bytes[position...].firstIndex { $0 < 0x80 } ?? bytes.count
                for scalar in String(decoding: bytes[position..<end], as: UTF8.self).unicodeScalars {
                    if Self.isWordScalar(scalar) {
                        Self.fold(scalar, into: &words)
                    } else if scalar != "’", scalar.properties.generalCategory != .nonspacingMark {
                        endWord()
                    }  // a letter with a separate accent stays in its word
                }
                position = end
                continue
            default: endWord()
            }
            position += 1
        }
        endWord()
        return words
    }

    /// Words that carry meaning, stemmed: what the lexical leg matches.
    package static func terms(in text: some StringProtocol) -> [String] { Self.meaningful(in: text).map(Self.stem) }

    /// Words that carry meaning, as `all(in:)` has them.
    static func meaningful(in text: some StringProtocol) -> [String] {
        let words = Self.all(in: text)
        let common = StopWords.byLanguage[StopWords.language(of: words) ?? "en"] ?? []
        return words.filter { !common.contains($0) && ($0.utf8.count > 1 || $0.allSatisfy(\.isNumber)) }
    }

    /// A light stem: plural and common English endings are cut; other languages keep their words but for a final
    /// `e`, `n`, `s` that inflection adds.
    static func stem(_ word: String) -> String {
        let letters = Array(word.utf8)
        guard letters.count > 3, letters.allSatisfy({ $0 >= 0x61 && $0 <= 0x7A }) else { return word }
        var stem = letters[...]
        func ends(_ suffix: String) -> Bool { stem.suffix(suffix.utf8.count).elementsEqual(suffix.utf8) }
        if ends("ies"), stem.count > 4 {
            stem = stem.dropLast(3) + Array("y".utf8)
        } else if ends("sses") || ends("xes") || ends("ches") || ends("shes") {
            stem = stem.dropLast(2)
        } else if ends("s"), !ends("ss"), !ends("us"), !ends("is") {
            stem = stem.dropLast()
        }
        for suffix in ["ingly", "edly", "ing", "ed", "ly"] where ends(suffix) && stem.count - suffix.utf8.count >= 3 {
            let rest = stem.dropLast(suffix.utf8.count)
            guard rest.contains(where: { "aeiouy".utf8.contains($0) }) else { break }
            stem = rest
            // `shipping` → `ship`, but `calling` → `call`
            if let last = stem.last, stem.dropLast().last == last, !"lsz".utf8.contains(last) { stem = stem.dropLast() }
            break
        }
        if stem.count > 3, stem.last == UInt8(ascii: "e") { stem = stem.dropLast() }
        if stem.count > 3, stem.last == UInt8(ascii: "y") { stem = stem.dropLast() + Array("i".utf8) }
        return String(decoding: stem, as: UTF8.self)
    }

    /// Of scalars beyond ASCII.
    private static func isWordScalar(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isAlphabetic || scalar.properties.numericType != nil
    }

    private static let foldings: [Unicode.Scalar: String] = {
        let groups: [(String, String)] = [
            ("àáâãäåāăą", "a"), ("çćčĉċ", "c"), ("ďđð", "d"), ("èéêëēĕėęě", "e"), ("ğĝġģ", "g"), ("ìíîïĩīĭįı", "i"),
            ("ł", "l"), ("ñńņňŋ", "n"), ("òóôõöøōŏő", "o"), ("ŕřŗ", "r"), ("śšşŝș", "s"), ("ťţț", "t"),
            ("ùúûüũūŭůűų", "u"), ("ýÿŷ", "y"), ("źżž", "z"), ("ß", "ss"), ("æ", "ae"), ("œ", "oe"), ("þ", "th"),
        ]
        var table: [Unicode.Scalar: String] = [:]
        for (letters, plain) in groups {
            for scalar in letters.unicodeScalars { table[scalar] = plain }
        }
        return table
    }()

    /// Appends a letter beyond ASCII in its plain form.
    private static func fold(_ scalar: Unicode.Scalar, into words: inout [UInt8]) {
        for lower in scalar.properties.lowercaseMapping.unicodeScalars {
            if let plain = Self.foldings[lower] {
                words += plain.utf8
            } else if lower.properties.generalCategory != .nonspacingMark {
                words += String(lower).utf8
            }
        }
    }
}

/// A phrase that is looked for in folded words, anywhere in them.
struct FoldedPhrase: Sendable {
    private let bytes: [UInt8]

    /// - Parameter phrase: as `Words` folds it.
    init(_ phrase: String) { self.bytes = Array(phrase.utf8) }

    /// - Parameter folded: from `Words.folded`.
    func occurs(in folded: [UInt8]) -> Bool {
        guard folded.count > self.bytes.count else { return false }
        return (0...(folded.count - self.bytes.count)).contains { start in
            folded[start] == self.bytes[0] && folded[start..<(start + self.bytes.count)].elementsEqual(self.bytes)
        }
    }
}
