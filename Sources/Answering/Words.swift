/// Words of a text in the form that is compared: folded to plain lower-case letters and cut to a light stem.
package enum Words {
    /// Every word and number of `text` in order; marks are dropped. Letters of Latin script lose their accents.
    package static func all(in text: some StringProtocol) -> [String] {
        var words: [String] = []
        var word = ""
        for scalar in text.unicodeScalars {
            if Self.isWordScalar(scalar) {
                Self.fold(scalar, into: &word)
            } else if scalar == "'" || scalar == "’" || scalar.properties.generalCategory == .nonspacingMark {
                continue  // `don't` and a letter with a separate accent stay one word
            } else if !word.isEmpty {
                words.append(word)
                word = ""
            }
        }
        if !word.isEmpty { words.append(word) }
        return words
    }

    /// Words that carry meaning, stemmed: what the lexical leg matches.
    package static func terms(in text: some StringProtocol) -> [String] {
        let words = Self.all(in: text)
        let common = StopWords.byLanguage[StopWords.language(of: words) ?? "en"] ?? []
        return words.filter { !common.contains($0) && ($0.utf8.count > 1 || $0.allSatisfy(\.isNumber)) }.map(Self.stem)
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

    private static func isWordScalar(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII {
            return ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar)
        }
        return scalar.properties.isAlphabetic || scalar.properties.numericType != nil
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

    private static func fold(_ scalar: Unicode.Scalar, into word: inout String) {
        if scalar.isASCII {
            let isUpper = ("A"..."Z").contains(scalar)
            word.unicodeScalars.append(isUpper ? Unicode.Scalar(UInt8(scalar.value) + 32) : scalar)
            return
        }
        for lower in scalar.properties.lowercaseMapping.unicodeScalars {
            if let plain = Self.foldings[lower] {
                word += plain
            } else if lower.properties.generalCategory != .nonspacingMark {
                word.unicodeScalars.append(lower)
            }
        }
    }
}
