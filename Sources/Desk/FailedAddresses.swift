internal import DeskModel

/// Finds in the words of a mail system the addresses that failed.
///
/// Looks for the places in which all of them stand: alone on a line, in front of a colon, after `RCPT TO`, on a line with
/// words of failure; and only when there is none, anywhere.
struct FailedAddresses {
    private(set) var found: [String] = []

    private static let labels = [
        "recipient", "to", "address", "user", "failed", "final-recipient", "original-recipient", "unknown user",
        "undeliverable address", "rcpt to", "for", "intended recipient", "mail to", "empfänger", "destinataire",
        "user unknown", "invalid", "unknown recipient",
    ]
    private static let words = PhraseSet([
        "could not be delivered to", "not be delivered to", "deliver", "unknown", "no such", "did not reach", "failed",
        "rejected", "unavailable", "does not exist", "not found", "over quota", "quota", "full", "refused", "disabled",
        "invalid", "doesn't have", "not exist", "rcpt to", "recipient", "undeliverable", "returned", "not listed",
        "not a valid", "unrouteable", "user", "550", "553", "554", "551", "552", "450", "intended", "gateway", "reach",
        "address",
    ])

    init(_ text: String, subject: String, excluded: Set<String>) {
        var seen: Set<String> = []
        var strong: [String] = []
        var weak: [String] = []
        var any: [String] = []
        let lines = text.lines(upTo: 400).prefix(400)
        for (number, line) in lines.enumerated() {
            guard line.utf8.contains(0x40) else { continue }
            let short = Substring(line.utf8.prefix(1_000))
            let addresses = Self.addresses(in: short).map { $0.lowercased() }.filter {
                !excluded.contains($0) && !Self.isSystem($0)
            }
            guard !addresses.isEmpty else { continue }
            let lower = short.lowercased()
            if Self.isSenderLine(lower) || Self.describesOriginal(lower, lines[(number + 1)...].prefix(2)) { continue }
            if Self.standsAlone(lower, addresses[0]) || lower.holds("expanded from") {
                strong.append(addresses[0])
            } else if Self.words.matches(lower) {
                weak += addresses
            } else {
                any += addresses
            }
        }
        if strong.isEmpty, weak.isEmpty {
            weak = Self.addresses(in: subject).map { $0.lowercased() }.filter {
                !excluded.contains($0) && !Self.isSystem($0)
            }
        }
        let chosen = strong.isEmpty ? weak.isEmpty ? any : weak : strong
        self.found = chosen.filter { seen.insert($0).inserted }
    }

    /// The line starts with the address, or with a label and the address.
    private static func standsAlone(_ lower: String, _ address: String) -> Bool {
        guard let range = Self.range(of: address, in: lower) else { return false }
        var before = lower[..<range.lowerBound].drop { !$0.isLetter && !$0.isNumber }
        while let last = before.last, !last.isLetter, !last.isNumber, last != ")" { before.removeLast() }
        if before.isEmpty { return true }
        if before.hasSuffix("smtp") || before.hasSuffix("rfc822") { return true }
        return Self.labels.contains(String(before))
    }

    /// `To:` in a short description of the mail: its subject or date follows.
    private static func describesOriginal(_ lower: String, _ next: ArraySlice<Substring>) -> Bool {
        let bare = lower.drop { !$0.isLetter }
        guard bare.hasPrefix("to:") || bare.hasPrefix("cc:") else { return false }
        return next.contains { line in
            let bare = line.lowercased().drop { !$0.isLetter }
            return bare.hasPrefix("subject:") || bare.hasPrefix("sent:") || bare.hasPrefix("cc:")
        }
    }

    private static func range(of wanted: String, in text: String) -> Range<String.Index>? {
        guard let first = wanted.first else { return nil }
        var start = text.startIndex
        while let index = text[start...].firstIndex(of: first) {
            if text[index...].hasPrefix(wanted) { return index..<text.index(index, offsetBy: wanted.count) }
            start = text.index(after: index)
        }
        return nil
    }

    private static func isSenderLine(_ lower: String) -> Bool {
        let bare = lower.drop { !$0.isLetter }
        return bare.hasPrefix("from:") || bare.hasPrefix("reply-to:") || bare.hasPrefix("message-id:")
            || bare.hasPrefix("sender:") || bare.hasPrefix("return-path:") || bare.hasPrefix("mail from")
            || lower.holds("please contact") || lower.holds("system contact") || lower.holds("for assistance")
            || lower.holds("further assistance") || lower.holds("send mail to") || lower.holds("contact your")
    }

    private static func isSystem(_ address: String) -> Bool {
        let local = address.prefix { $0 != "@" }
        return local == "postmaster" || local.hasPrefix("mailer-daemon") || local == "abuse" || local == "hostmaster"
            || local == "support"
    }

    /// All addresses in a text: `local@domain.tld`, as they stand.
    static func addresses(in text: some StringProtocol) -> [String] {
        let bytes = Array(text.utf8)
        var result: [String] = []
        for index in bytes.indices where bytes[index] == 0x40 {
            var start = index
            while start > 0, Self.isLocal(bytes[start - 1]), index - start < 128 { start -= 1 }
            var end = index + 1
            while end < bytes.count, Self.isDomain(bytes[end]), end - index < 254 { end += 1 }
            while end > index, bytes[end - 1] == 0x2E || bytes[end - 1] == 0x2D { end -= 1 }
            while start < index, bytes[start] == 0x2E || bytes[start] == 0x27 { start += 1 }
            if let mark = bytes[start..<index].lastIndex(where: { $0 == 0x3D || $0 == 0x3A }),
                Self.isLabel(bytes[start..<mark])
            {
                start = mark + 1
            }
            guard start < index, end > index + 1,
                bytes[(index + 1)..<end].contains(0x2E) || bytes[(index + 1)..<end].count > 2
            else { continue }
            result.append(String(decoding: bytes[start..<end], as: UTF8.self))
            if result.count >= 200 { break }
        }
        return result
    }

    /// `SMTP=user@…`, `mailto:user@…`, `RFC822:user@…`
    private static func isLabel(_ bytes: ArraySlice<UInt8>) -> Bool {
        let lower = String(decoding: bytes, as: UTF8.self).lowercased()
        return ["smtp", "mailto", "rfc822", "to", "for", "dda", "user", "recipient", "addr", "orcpt"].contains {
            lower.hasSuffix($0)
        }
    }

    private static func isLocal(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case 0x2E, 0x2D, 0x5F, 0x2B, 0x3D, 0x27, 0x26, 0x25, 0x21, 0x23, 0x24, 0x2A, 0x2F, 0x3F, 0x5E, 0x60, 0x7B, 0x7C,
            0x7D, 0x7E, 0x3A:
            true
        default: byte >= 0x80
        }
    }

    private static func isDomain(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2E, 0x2D, 0x5F: true
        default: byte >= 0x80
        }
    }
}
