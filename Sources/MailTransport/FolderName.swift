/// The name of a folder: as people read it and as it stands on the wire (modified UTF-7, RFC 3501 §5.1.3).
///
/// The name of a server is data: any octets are possible, and it is always quoted or sent as a literal.
package struct FolderName: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
    package static let inbox = FolderName("INBOX")

    /// Decoded; the raw name where it is no valid modified UTF-7.
    package let text: String
    /// What is sent. Servers that use UTF-8 names get theirs back as they wrote them.
    package let raw: String

    /// A name that a person or the configuration gave.
    package init(_ text: String) {
        self.text = text
        self.raw = text.uppercased() == "INBOX" ? "INBOX" : Self.encode(text)
    }

    package init(stringLiteral value: String) { self.init(value) }

    /// A name as a server sent it.
    package init(raw: String) {
        self.raw = raw.uppercased() == "INBOX" ? "INBOX" : raw
        self.text = raw.utf8.allSatisfy({ $0 < 0x80 }) ? Self.decode(raw) ?? raw : raw
    }

    package var description: String { self.text }
    package static func == (left: Self, right: Self) -> Bool { left.raw == right.raw }
    package func hash(into hasher: inout Hasher) { hasher.combine(self.raw) }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,".utf8)

    private static func encode(_ text: String) -> String {
        var result: [UInt8] = []
        var pending: [UInt16] = []
        func flush() {
            guard !pending.isEmpty else { return }
            result.append(0x26)
            var bits = 0
            var buffer: UInt32 = 0
            for unit in pending {
                buffer = buffer << 16 | UInt32(unit)
                bits += 16
                while bits >= 6 {
                    bits -= 6
                    result.append(Self.alphabet[Int(buffer >> UInt32(bits) & 0x3F)])
                }
                buffer &= (1 << UInt32(bits)) - 1
            }
            if bits > 0 { result.append(Self.alphabet[Int(buffer << UInt32(6 - bits) & 0x3F)]) }
            result.append(0x2D)
            pending = []
        }
        for unit in text.utf16 {
            if (0x20...0x7E).contains(unit) {
                flush()
                result.append(UInt8(unit))
                if unit == 0x26 { result.append(0x2D) }
            } else {
                pending.append(unit)
            }
        }
        flush()
        return String(decoding: result, as: UTF8.self)
    }

    private static func decode(_ raw: String) -> String? {
        var units: [UInt16] = []
        var bytes = Array(raw.utf8)[...]
        while let byte = bytes.popFirst() {
            guard byte == 0x26 else {
                units.append(UInt16(byte))
                continue
            }
            guard let end = bytes.firstIndex(of: 0x2D) else { return nil }
            let run = bytes[..<end]
            bytes = bytes[(end + 1)...]
            if run.isEmpty {
                units.append(0x26)
                continue
            }
            var bits = 0
            var buffer: UInt32 = 0
            for character in run {
                guard let value = Self.alphabet.firstIndex(of: character) else { return nil }
                buffer = (buffer << 6 | UInt32(value)) & 0x3F_FFFF
                bits += 6
                if bits >= 16 {
                    bits -= 16
                    units.append(UInt16(truncatingIfNeeded: buffer >> UInt32(bits)))
                }
            }
        }
        return String(validating: units, as: UTF16.self)
    }
}

/// A folder as LIST shows it.
package struct IMAPFolder: Sendable, Hashable {
    package enum SpecialUse: String, Sendable, CaseIterable {
        case all = "\\all"
        case archive = "\\archive"
        case drafts = "\\drafts"
        case flagged = "\\flagged"
        case junk = "\\junk"
        case sent = "\\sent"
        case trash = "\\trash"
    }

    package let name: FolderName
    /// Separates levels of the hierarchy; nil when names are flat.
    package let delimiter: String?
    /// Lower case, with backslash: `\noselect`, `\haschildren`, …
    package let attributes: Set<String>

    package var rawName: String { self.name.raw }
    /// RFC 6154; nil when the server does not say.
    package var specialUse: SpecialUse? { SpecialUse.allCases.first { self.attributes.contains($0.rawValue) } }
    package var isSelectable: Bool {
        !self.attributes.contains("\\noselect") && !self.attributes.contains("\\nonexistent")
    }
}
