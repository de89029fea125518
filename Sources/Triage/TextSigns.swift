/// Shouting: words in capitals, rows of exclamation marks.
enum Emphasis {
    static func isStrong(_ text: String) -> Bool { Self.capitals(text) >= 2 || text.contains("!!") }

    /// Words of four letters or more that are all capitals; codes with digits do not count.
    static func capitals(_ text: String) -> Int {
        text.unicodeScalars.split { !$0.properties.isAlphabetic && !("0"..."9").contains($0) }.reduce(0) {
            count, word in
            word.count >= 4 && word.allSatisfy { $0.properties.isUppercase } ? count + 1 : count
        }
    }
}

/// Sums of money in a text, in whatever currency.
enum Amounts {
    private static let symbols: Set<Character> = ["€", "$", "£"]
    private static let words: Set<String> = [
        "eur", "euro", "euros", "usd", "dollar", "dollars", "gbp", "pound", "pounds", "chf", "franken", "zł", "pln",
    ]

    /// The largest sum beside a currency sign or word; nil when there is none.
    static func largest(in text: String) -> Double? {
        // Most mails name no number at all.
        guard text.utf8.contains(where: { (0x30...0x39).contains($0) }) else { return nil }
        var largest: Double?
        let characters = Array(text.prefix(20_000))
        var index = 0
        while index < characters.count {
            guard characters[index].isASCII, characters[index].isNumber else {
                index += 1
                continue
            }
            let start = index
            while index < characters.count, characters[index].isASCII,
                characters[index].isNumber
                    || ((characters[index] == "." || characters[index] == ",")
                        && index + 1 < characters.count && characters[index + 1].isNumber)
            {
                index += 1
            }
            guard index - start <= 15, Self.isMoney(characters, start..<index) else { continue }
            if let value = Self.value(String(characters[start..<index])) { largest = max(largest ?? 0, value) }
        }
        return largest
    }

    private static func isMoney(_ text: [Character], _ range: Range<Int>) -> Bool {
        var before = range.lowerBound - 1
        if before >= 0, text[before] == " " { before -= 1 }
        if before >= 0, Self.symbols.contains(text[before]) { return true }
        var after = range.upperBound
        if after < text.count, text[after] == " " { after += 1 }
        if after < text.count, Self.symbols.contains(text[after]) { return true }
        let word = text[min(after, text.count)...].prefix(8).prefix { $0.isLetter }
        if Self.words.contains(String(word).lowercased()) { return true }
        let preceding = String(text[max(0, before - 2)..<max(0, before + 1)]).lowercased()
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
