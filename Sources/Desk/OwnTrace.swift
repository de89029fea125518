internal import DeskModel

/// Finds in a mail something that only our own mail holds: a Message-ID of ours, or a ticket's number.
enum OwnTrace {
    /// Octets of the body that are looked at.
    private static let limit = 64 << 10

    static func isIn(_ message: InboundMessage, signer: TokenSigner) -> Bool {
        if Threading.candidates(of: message).contains(where: { signer.verify($0.id) != nil }) { return true }
        return Self.hasNumber(message.subject) || Self.hasNumber(message.bodyText)
            || Self.hasID(message.bodyText, signer: signer)
    }

    /// `MT-1042`: the prefix at the start of a word, and at least four digits.
    private static func hasNumber(_ text: String) -> Bool {
        let bytes = text.utf8.prefix(Self.limit).map { $0 >= 0x41 && $0 <= 0x5A ? $0 + 32 : $0 }
        let prefix = Array(TicketNumber.prefix.lowercased().utf8)
        guard bytes.count >= prefix.count + 4 else { return false }
        for start in 0...(bytes.count - prefix.count - 4) where bytes[start] == prefix[0] {
            guard start == 0 || !Self.isLetter(bytes[start - 1]), bytes[start...].starts(with: prefix) else { continue }
            if bytes[(start + prefix.count)...].prefix(4).allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) { return true }
        }
        return false
    }

    /// In lower case.
    private static func isLetter(_ byte: UInt8) -> Bool {
        byte >= 0x61 && byte <= 0x7A || byte >= 0x80
    }

    private static func hasID(_ text: String, signer: TokenSigner) -> Bool {
        guard text.utf8.prefix(Self.limit).contains(UInt8(ascii: "@")), text.contains("mt.") else { return false }
        return text.prefix(Self.limit).split { $0.isWhitespace || "<>\"'()[],;".contains($0) }.contains { word in
            word.hasPrefix("mt.") && MessageID(String(word)).map { signer.verify($0) != nil } ?? false
        }
    }
}
