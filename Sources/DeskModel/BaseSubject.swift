/// The base subject of RFC 5256 §2.1, widened by the reply and forward prefixes of other languages.
package enum BaseSubject {
    private static let prefixes: Set<String> = [
        "re", "fw", "fwd", "aw", "wg", "antw", "sv", "vs", "vb", "ref", "res", "enc", "tr", "rv", "odp", "pd", "r", "i",
        "doorst", "ynt", "ilt", "回复", "转发", "答复", "返信",
    ]

    /// Subject without `Re:`, `Fwd:`, `[list]` blobs and trailing `(fwd)`, white space folded.
    package static func of(_ subject: String) -> String {
        var text = Self.folded(subject)[...]
        while true {
            let before = text
            text = Self.dropPrefix(text)
            if text.utf8.count > 5, String(text.suffix(5)).isSameName(as: "(fwd)") {
                text = Self.trimmed(text.dropLast(5))
            }
            if text == before { return String(text) }
        }
    }

    /// White space as single blanks, none at the ends.
    private static func folded(_ subject: String) -> String {
        var isClean = subject.utf8.first != 0x20 && subject.utf8.last != 0x20
        var previous: UInt8 = 0
        for byte in subject.utf8 {
            // What blanks outside ASCII start with.
            let mayBeBlank = byte == 0xC2 || (byte >= 0xE1 && byte <= 0xE3)
            if byte < 0x20 || mayBeBlank || (byte == 0x20 && previous == 0x20) { isClean = false }
            previous = byte
        }
        return isClean ? subject : subject.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    /// Whether the subject starts as a reply does.
    package static func isReply(_ subject: String) -> Bool {
        let text = Self.trimmed(subject[...])
        return Self.dropPrefix(text) != text && !text.hasPrefix("[")
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }

    private static func dropPrefix(_ text: Substring) -> Substring {
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            let rest = Self.trimmed(text[text.index(after: end)...])
            return rest.isEmpty ? text : rest
        }
        guard text.utf8.prefix(48).contains(where: { $0 == 0x3A || $0 == 0xEF }),
            let colon = text.prefix(16).firstIndex(where: { $0 == ":" || $0 == "：" })
        else { return text }
        var word = text[..<colon]
        // `Re[2]:` and `Re (2):`
        if let bracket = word.firstIndex(where: { $0 == "[" || $0 == "(" }) { word = word[..<bracket] }
        guard Self.prefixes.contains(Self.trimmed(word).lowercased()) else { return text }
        return Self.trimmed(text[text.index(after: colon)...])
    }
}
