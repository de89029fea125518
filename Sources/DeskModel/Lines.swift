extension String {
    /// The lines, without their LF; cut at bytes, which is many times faster than at characters.
    package func lines(upTo limit: Int = .max) -> [Substring] {
        var lines: [Substring] = []
        let text = self.utf8
        let bytes = self.utf8Span.span
        var start = text.startIndex
        var offset = 0
        for position in 0..<bytes.count where bytes[position] == 0x0A && lines.count < limit {
            let end = text.index(start, offsetBy: position - offset)
            lines.append(Substring(text[start..<end]))
            start = text.index(after: end)
            offset = position + 1
        }
        lines.append(Substring(text[start...]))
        return lines
    }

    /// Whether the octets of `needle` stand in the text.
    package func holds(_ needle: String) -> Bool { self.utf8Span.span.holds(needle.utf8Span.span) }

    /// Lower case of the ASCII letters; other bytes stay, which is enough for protocol words and many times faster.
    package func lowercasedASCII() -> String {
        guard self.utf8.contains(where: { $0 >= 0x41 && $0 <= 0x5A }) else { return self }
        return String(decoding: self.utf8.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }, as: UTF8.self)
    }

    /// Whether the text is `name` (lower-case ASCII) but for the case of ASCII letters.
    package func isSameName(as name: String) -> Bool {
        guard self.utf8.count == name.utf8.count else { return false }
        return zip(self.utf8, name.utf8).allSatisfy { $0 == $1 || ($0 >= 0x41 && $0 <= 0x5A && $0 | 0x20 == $1) }
    }
}

extension Substring {
    /// Whether the octets of `needle` stand in the text.
    package func holds(_ needle: String) -> Bool { self.utf8Span.span.holds(needle.utf8Span.span) }
}

extension Span<UInt8> {
    fileprivate func holds(_ needle: borrowing Span<UInt8>) -> Bool {
        guard needle.count > 0 else { return true }
        guard self.count >= needle.count else { return false }
        let first = needle[0]
        for position in 0...(self.count - needle.count) where self[position] == first {
            var offset = 1
            while offset < needle.count, self[position + offset] == needle[offset] { offset += 1 }
            if offset == needle.count { return true }
        }
        return false
    }
}
