/// The text of one header field that cannot break out of it: no CR, LF, NUL or other control character.
///
/// Decoded text (UTF-8); encoding and folding are the composer's business. RFC 5322 §2.2.
package struct HeaderValue: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    /// - Returns: nil when `text` holds a control character.
    package init?(_ text: String) {
        guard text.unicodeScalars.allSatisfy(Self.isAllowed) else { return nil }
        self.text = text
    }

    /// Replaces each run of control characters and line breaks by one space and trims the ends.
    package init(sanitizing text: String) {
        var previous: UInt8 = 0x20
        let isClean = text.utf8.allSatisfy { byte in
            defer { previous = byte }
            return byte < 0x7F && byte >= 0x20 && !(byte == 0x20 && previous == 0x20)
        }
        if isClean, previous != 0x20 {
            self.text = text
            return
        }
        var result = ""
        var pendingSpace = false
        for scalar in text.unicodeScalars {
            if Self.isAllowed(scalar), scalar != " " {
                if pendingSpace, !result.isEmpty { result.unicodeScalars.append(" ") }
                pendingSpace = false
                result.unicodeScalars.append(scalar)
            } else {
                pendingSpace = true
            }
        }
        self.text = result
    }

    package var description: String { self.text }

    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: false
        default: true
        }
    }
}

/// A Message-ID without its angle brackets. RFC 5322 §3.6.4, read liberally: ids in the wild break the grammar.
package struct MessageID: Hashable, Sendable, Codable, CustomStringConvertible {
    /// Printable ASCII without spaces and angle brackets, 1…995 octets.
    package let text: String

    /// Takes the id with or without angle brackets; nil when it cannot be written into a header as it is.
    package init?(_ text: String) { self.init(text[...]) }

    /// The same of a part of a text.
    package init?(_ text: Substring) {
        var bytes = text.utf8
        if bytes.first == 0x3C, bytes.last == 0x3E { bytes = bytes.dropFirst().dropLast() }
        guard !bytes.isEmpty, bytes.count <= 995 else { return nil }
        guard bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x3C && $0 != 0x3E }) else { return nil }
        self.text = String(Substring(bytes))
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let id = MessageID(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a Message-ID")
        }
        self = id
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(self.text)
    }

    /// As it stands in a header: `<id>`.
    package var bracketed: String { "<\(self.text)>" }
    package var description: String { self.text }
}
