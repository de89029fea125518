/// Shouting: words in capitals, rows of exclamation marks.
enum Emphasis {
    static func isStrong(_ text: String) -> Bool {
        Self.capitals(text) >= 2 || zip(text.utf8, text.utf8.dropFirst()).contains { $0 == 0x21 && $1 == 0x21 }
    }

    /// Words of four letters or more that are all capitals; codes with digits do not count.
    static func capitals(_ text: String) -> Int {
        var count = 0
        var length = 0
        var isCapital = true
        func endWord() {
            if length >= 4, isCapital { count += 1 }
            (length, isCapital) = (0, true)
        }
        for scalar in text.unicodeScalars {
            switch scalar {
            case "A"..."Z": length += 1
            case "a"..."z", "0"..."9": (length, isCapital) = (length + 1, false)
            case _ where !scalar.isASCII && scalar.properties.isAlphabetic:
                length += 1
                isCapital = isCapital && scalar.properties.isUppercase
            default: endWord()
            }
        }
        endWord()
        return count
    }
}

/// Sums of money in a text, in whatever currency.
enum Amounts {
    private static let symbols: Set<Unicode.Scalar> = ["€", "$", "£"]
    private static let words: Set<String> = [
        "eur", "euro", "euros", "usd", "dollar", "dollars", "gbp", "pound", "pounds", "chf", "franken", "zł", "pln",
    ]

    /// The largest sum beside a currency sign or word; nil when there is none.
    static func largest(in text: String) -> Double? {
        // Most mails name no number at all.
        guard text.utf8.contains(where: { (0x30...0x39).contains($0) }) else { return nil }
        var largest: Double?
        let scalars = Array(text.unicodeScalars.prefix(20_000))
        var index = 0
        while index < scalars.count {
            guard Self.isDigit(scalars[index]) else {
                index += 1
                continue
            }
            let start = index
            while index < scalars.count,
                Self.isDigit(scalars[index])
                    || ((scalars[index] == "." || scalars[index] == ",")
                        && index + 1 < scalars.count && Self.isDigit(scalars[index + 1]))
            {
                index += 1
            }
            guard index - start <= 15, Self.isMoney(scalars, start..<index) else { continue }
            if let value = Self.value(Self.string(scalars[start..<index])) { largest = max(largest ?? 0, value) }
        }
        return largest
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

    private static func string(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        String(String.UnicodeScalarView(scalars))
    }

    private static func isMoney(_ text: [Unicode.Scalar], _ range: Range<Int>) -> Bool {
        var before = range.lowerBound - 1
        if before >= 0, text[before] == " " { before -= 1 }
        if before >= 0, Self.symbols.contains(text[before]) { return true }
        var after = range.upperBound
        if after < text.count, text[after] == " " { after += 1 }
        if after < text.count, Self.symbols.contains(text[after]) { return true }
        let word = text[min(after, text.count)...].prefix(8).prefix { $0.properties.isAlphabetic }
        if Self.words.contains(Self.string(word).lowercased()) { return true }
        let preceding = Self.string(text[max(0, before - 2)..<max(0, before + 1)]).lowercased()
        return Self.words.contains(preceding)
    }

    /// `1.299,00`, `1,299.00`, `1299`: the last separator followed by one or two digits is the decimal point.
    private static func value(_ digits: String) -> Double? {
        var plain = digits.filter(\.isNumber)
        if let separator = digits.lastIndex(where: { $0 == "." || $0 == "," }) {
            let decimals = digits.distance(from: separator, to: digits.endIndex) - 1
            if decimals <= 2 { plain.insert(".", at: plain.index(plain.endIndex, offsetBy: -decimals)) }
        }
        return Double(plain)
    }
}
