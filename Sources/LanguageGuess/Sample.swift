/// The letters of a text, and what its script gives away.
struct Sample {
    /// Words with single spaces, lower case, without addresses, links and numbers.
    let text: String
    let words: [String]
    private(set) var letters = 0
    /// Set when the script alone decides: `ja`, `zh`, `ko`, `el`, `he`, `th`, `ar`, `hi`, `uk`, `ru`.
    let scriptLanguage: String?

    /// - Parameter limit: bytes that are kept.
    init(_ text: String, limit: Int) {
        var words: [String] = []
        var size = 0
        var counts: [String: Int] = [:]
        var letters = 0
        for chunk in text.unicodeScalars.prefix(limit * 4).split(whereSeparator: Self.isSpace) {
            if size >= limit { break }
            // Addresses and links are in no language.
            if chunk.contains("@") || chunk.contains("/") { continue }
            var word = String.UnicodeScalarView()
            for scalar in chunk {
                if Self.isLetter(scalar) {
                    word.append(scalar)
                    letters += 1
                    if !scalar.isASCII { counts[Self.script(scalar), default: 0] += 1 }
                } else if scalar == "'" || scalar == "’" {
                    word.append(scalar)
                } else if !word.isEmpty {
                    words.append(String(word).lowercased())
                    size += words[words.count - 1].utf8.count + 1
                    word = String.UnicodeScalarView()
                }
                if size >= limit { break }
            }
            if !word.isEmpty {
                words.append(String(word).lowercased())
                size += words[words.count - 1].utf8.count + 1
            }
        }
        self.words = words
        self.text = words.joined(separator: " ")
        self.letters = letters
        self.scriptLanguage = Self.language(of: counts, letters: letters)
    }

    // Nearly all scalars are ASCII, and the tables of Unicode are slow.

    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII
            ? scalar.value == 0x20 || (0x09...0x0D).contains(scalar.value) : scalar.properties.isWhitespace
    }

    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII ? (0x61...0x7A).contains(scalar.value | 0x20) : scalar.properties.isAlphabetic
    }

    private static func language(of counts: [String: Int], letters: Int) -> String? {
        let kana = counts["ja", default: 0]
        let han = counts["zh", default: 0]
        // Japanese is written with both; any share of kana decides.
        if kana + han > letters / 2 { return kana * 10 > han ? "ja" : "zh" }
        // `uk` counts letters that Russian does not have.
        let ukrainian = counts["uk", default: 0]
        if counts["ru", default: 0] + ukrainian > letters / 2 { return ukrainian > 0 ? "uk" : "ru" }
        return counts.first { $0.key != "latin" && $0.value > letters / 2 }?.key
    }

    private static func script(_ scalar: Unicode.Scalar) -> String {
        switch scalar.value {
        case 0x454, 0x456, 0x457, 0x491, 0x404, 0x406, 0x407, 0x490: "uk"
        case 0x400...0x52F: "ru"
        case 0x370...0x3FF, 0x1F00...0x1FFF: "el"
        case 0x590...0x5FF: "he"
        case 0x600...0x6FF, 0x750...0x77F: "ar"
        case 0x900...0x97F: "hi"
        case 0xE00...0xE7F: "th"
        case 0x1100...0x11FF, 0xAC00...0xD7AF: "ko"
        case 0x3040...0x30FF: "ja"
        case 0x3400...0x9FFF, 0xF900...0xFAFF, 0x20000...0x2FA1F: "zh"
        default: "latin"
        }
    }
}
