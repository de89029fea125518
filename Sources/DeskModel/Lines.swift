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

    package var isASCII: Bool { self.utf8Span.span.isASCII }

    /// Whether `name` (lower-case ASCII) stands in the text, whatever the case of its ASCII letters.
    package func holdsName(_ name: StaticString) -> Bool {
        let bytes = self.utf8Span.span
        let wanted = name.description.utf8Span.span
        guard wanted.count > 0, bytes.count >= wanted.count else { return wanted.count == 0 }
        for position in 0...(bytes.count - wanted.count) where bytes[position] | 0x20 == wanted[0] {
            var offset = 1
            while offset < wanted.count, bytes[position + offset].lowercasedASCII == wanted[offset] { offset += 1 }
            if offset == wanted.count { return true }
        }
        return false
    }

    /// Lower case of the ASCII letters; other bytes stay, which is enough for protocol words and many times faster.
    package func lowercasedASCII() -> String {
        let bytes = self.utf8Span.span
        guard bytes.holdsCapitals else { return self }
        var lower = [UInt8](self.utf8)
        for position in lower.indices { lower[position] = lower[position].lowercasedASCII }
        return String(decoding: lower, as: UTF8.self)
    }

    /// Whether the text is `name` (lower-case ASCII) but for the case of ASCII letters.
    package func isSameName(as name: String) -> Bool {
        let own = self.utf8Span.span
        let wanted = name.utf8Span.span
        guard own.count == wanted.count else { return false }
        for position in 0..<own.count where own[position].lowercasedASCII != wanted[position] { return false }
        return true
    }
}

extension UInt8 {
    /// The small letter of a capital one; any other octet itself.
    package var lowercasedASCII: UInt8 { self >= 0x41 && self <= 0x5A ? self | 0x20 : self }
}

extension Substring {
    /// Whether the text starts with the octets of `prefix`; many times faster than comparing characters.
    package func begins(with prefix: String) -> Bool {
        self.utf8Span.span.holds(prefix.utf8Span.span, at: 0)
    }

    /// Whether the text ends with the octets of `suffix`.
    package func ends(with suffix: String) -> Bool {
        let own = self.utf8Span.span
        let wanted = suffix.utf8Span.span
        return own.count >= wanted.count && own.holds(wanted, at: own.count - wanted.count)
    }

    /// Whether the octets of `needle` stand in the text.
    package func holds(_ needle: String) -> Bool { self.utf8Span.span.holds(needle.utf8Span.span) }
}

extension Span<UInt8> {
    fileprivate var isASCII: Bool {
        for position in 0..<self.count where self[position] >= 0x80 { return false }
        return true
    }

    fileprivate var holdsCapitals: Bool {
        for position in 0..<self.count where self[position] >= 0x41 && self[position] <= 0x5A { return true }
        return false
    }

    fileprivate func holds(_ text: borrowing Span<UInt8>, at position: Int) -> Bool {
        guard position + text.count <= self.count else { return false }
        for offset in 0..<text.count where self[position + offset] != text[offset] { return false }
        return true
    }

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
