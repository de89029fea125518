/// A mail address that is safe to put on a protocol line: `local@domain`, without CR, LF, NUL or angle brackets.
///
/// RFC 5321 §4.1.2 and RFC 6531 (UTF-8). A local part that needs quotes is kept with its quotes. Nothing else in the
/// product hands an address to SMTP or to a header, so an address cannot smuggle a command.
package struct MailAddress: Hashable, Sendable, Codable, CustomStringConvertible {
    /// The name shown beside the address, decoded; nil when there is none.
    package let displayName: String?
    /// As written, case kept.
    package let localPart: String
    /// Lower case; an address literal keeps its brackets.
    package let domain: String

    /// - Returns: nil unless `address` is one address of at most 254 octets without control characters or spaces
    ///   outside a quoted local part.
    package init?(_ address: Substring, displayName: String? = nil) {
        self.init(String(address), displayName: displayName)
    }

    /// The same of a whole text.
    package init?(_ address: String, displayName: String? = nil) {
        guard address.utf8.count <= 254, let at = address.utf8.lastIndex(of: 0x40) else { return nil }
        let local = address[..<at]
        let domain = address[address.utf8.index(after: at)...]
        guard Self.isPlain(local, domain) || (Self.isLocalPart(local) && Self.isDomain(domain)) else { return nil }
        self.localPart = String(local)
        self.domain = domain.lowercased()
        let name = displayName.map { HeaderValue(sanitizing: $0).text } ?? ""
        self.displayName = name.isEmpty ? nil : name
    }

    /// `local@domain`.
    package var address: String { "\(self.localPart)@\(self.domain)" }

    /// The form that is compared and indexed: lower case throughout. Local parts are case-sensitive by the standard
    /// and in no mailbox that people use.
    package var normalized: String { self.address.lowercased() }

    /// Stands for a customer whose address nobody knows; nothing can be sent there (RFC 6761 §6.4).
    package static let unknown = "unknown@unknown.invalid"

    package var isASCII: Bool { self.address.utf8.allSatisfy { $0 < 0x80 } }

    package var description: String { self.displayName.map { "\($0) <\(self.address)>" } ?? self.address }

    package static func == (left: Self, right: Self) -> Bool { left.normalized == right.normalized }
    package func hash(into hasher: inout Hasher) { hasher.combine(self.normalized) }

    /// What nearly all addresses are: ASCII letters, digits and a few marks on both sides; looked at by bytes.
    private static func isPlain(_ local: Substring, _ domain: Substring) -> Bool {
        guard !local.isEmpty, local.utf8.count <= 128, !domain.isEmpty, domain.utf8.first != 0x2E,
            domain.utf8.first != 0x2D
        else { return false }
        return local.utf8.allSatisfy { Self.isAlphanumeric($0) || $0 == 0x2E || $0 == 0x2D || $0 == 0x5F || $0 == 0x2B }
            && domain.utf8.allSatisfy { Self.isAlphanumeric($0) || $0 == 0x2E || $0 == 0x2D || $0 == 0x5F }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (byte >= 0x30 && byte <= 0x39) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A)
    }

    private static func isLocalPart(_ text: Substring) -> Bool {
        guard !text.isEmpty, text.utf8.count <= 128 else { return false }
        if text.hasPrefix("\""), text.hasSuffix("\""), text.count >= 2 {
            var escaped = false
            for scalar in text.unicodeScalars.dropFirst().dropLast() {
                if Self.isControl(scalar) { return false }
                if escaped {
                    escaped = false
                } else if scalar == "\\" {
                    escaped = true
                } else if scalar == "\"" {
                    return false
                }
            }
            return !escaped
        }
        return text.unicodeScalars.allSatisfy { scalar in
            !Self.isControl(scalar) && scalar != " " && !"<>()[],;:\\\"@".unicodeScalars.contains(scalar)
        }
    }

    private static func isDomain(_ text: Substring) -> Bool {
        guard !text.isEmpty, text.utf8.count <= 255 else { return false }
        if text.hasPrefix("["), text.hasSuffix("]") {
            return text.dropFirst().dropLast().utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || byte == 0x2E || byte == 0x3A
            }
        }
        return !text.hasPrefix(".") && !text.hasPrefix("-")
            && text.unicodeScalars.allSatisfy { scalar in
                scalar.value >= 0x80
                    ? !Self.isControl(scalar) && !scalar.properties.isWhitespace
                    : ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar)
                        || scalar == "." || scalar == "-" || scalar == "_"
            }
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || scalar.value == 0x7F || scalar.properties.generalCategory == .control
            || scalar.properties.generalCategory == .lineSeparator
            || scalar.properties.generalCategory == .paragraphSeparator
    }
}
