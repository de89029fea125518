internal import Crypto
package import DeskModel

internal import struct Foundation.Data

/// What a Message-ID of ours proves: that we wrote that message of that ticket. It does not prove who answers.
///
/// `mt.<key id>.<ticket>.<message>.<mac>@<domain>`, numbers in base 32, the MAC HMAC-SHA-256 truncated to 80 bits over
/// everything before it, in lower-case base 32 and compared without case, because some systems change the case.
package struct ThreadToken: Sendable, Hashable {
    package let ticketID: TicketID
    /// Distinguishes the messages of a ticket; any number that is used once.
    package let sequence: Int64

    package init(ticketID: TicketID, sequence: Int64) {
        self.ticketID = ticketID
        self.sequence = sequence
    }
}

/// Makes and checks the tokens in our Message-IDs. RFC 2104.
package struct TokenSigner: Sendable {
    private let keys: [TokenKey]

    /// - Parameter keys: The first one signs, all verify. Without any, ids carry no token and prove nothing.
    package init(keys: [TokenKey]) { self.keys = keys }

    /// A Message-ID of our own for a mail of `token`'s ticket.
    package func messageID(for token: ThreadToken, domain: String) -> MessageID {
        let numbers = "\(Base32.text(token.ticketID.rawValue)).\(Base32.text(token.sequence))"
        let local =
            if let key = self.keys.first {
                "mt.\(key.id).\(numbers).\(Self.mac("\(key.id).\(numbers)", key: key))"
            } else {
                "mt.0.\(numbers).\(String(repeating: "0", count: 16))"
            }
        // A domain that cannot stand in a Message-ID (an address literal, non-ASCII) is replaced.
        return MessageID("\(local)@\(domain)") ?? MessageID("\(local)@martlet.invalid")!
    }

    /// The token of one of our Message-IDs; nil for any other id, a wrong MAC or an unknown key.
    package func verify(_ id: MessageID) -> ThreadToken? {
        let local = id.text.lowercased().prefix { $0 != "@" }
        let parts = local.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0] == "mt", let key = self.keys.first(where: { $0.id == parts[1] }),
            let ticket = Base32.number(parts[2]), let sequence = Base32.number(parts[3])
        else { return nil }
        let expected = Self.mac("\(parts[1]).\(parts[2]).\(parts[3])", key: key)
        guard Self.isEqual(expected, parts[4]) else { return nil }
        return ThreadToken(ticketID: TicketID(ticket), sequence: sequence)
    }

    /// MAC over a briefing note's Message-ID and body: the proof that a note in the mailbox is ours.
    package func noteMAC(messageID: MessageID, body: String) -> String {
        guard let key = self.keys.first else { return "0" }
        return "\(key.id).\(Self.mac("note\n\(messageID.text)\n\(body)", key: key))"
    }

    package func isValidNoteMAC(_ mac: String, messageID: MessageID, body: String) -> Bool {
        let parts = mac.split(separator: ".")
        guard parts.count == 2, let key = self.keys.first(where: { $0.id == parts[0] }) else { return false }
        return Self.isEqual(Self.mac("note\n\(messageID.text)\n\(body)", key: key), parts[1])
    }

    private static func mac(_ text: String, key: TokenKey) -> String {
        let code = HMAC<SHA256>.authenticationCode(
            for: Data(text.utf8), using: SymmetricKey(data: Data(key.secret.reveal().utf8)))
        return Base32.text(bytes: code.prefix(10))
    }

    /// Constant-time comparison.
    private static func isEqual(_ left: some StringProtocol, _ right: some StringProtocol) -> Bool {
        guard left.utf8.count == right.utf8.count else { return false }
        return zip(left.utf8, right.utf8).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}

/// RFC 4648 §6 alphabet in lower case, without padding.
enum Base32 {
    private static let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)

    static func text(bytes: some Sequence<UInt8>) -> String {
        var result: [UInt8] = []
        var buffer: UInt32 = 0
        var bits = 0
        for byte in bytes {
            buffer = buffer << 8 | UInt32(byte)
            bits += 8
            while bits >= 5 {
                result.append(Self.alphabet[Int(buffer >> UInt32(bits - 5) & 31)])
                bits -= 5
            }
            buffer &= (1 << UInt32(bits)) - 1
        }
        if bits > 0 { result.append(Self.alphabet[Int(buffer << UInt32(5 - bits) & 31)]) }
        return String(decoding: result, as: UTF8.self)
    }

    static func text(_ number: Int64) -> String {
        var number = UInt64(bitPattern: number)
        var result: [UInt8] = []
        repeat {
            result.append(Self.alphabet[Int(number & 31)])
            number >>= 5
        } while number > 0
        return String(decoding: result.reversed(), as: UTF8.self)
    }

    static func number(_ text: some StringProtocol) -> Int64? {
        guard !text.isEmpty, text.utf8.count <= 13 else { return nil }
        var number: UInt64 = 0
        for byte in text.utf8 {
            guard let digit = Self.alphabet.firstIndex(of: byte) else { return nil }
            let (product, overflow) = number.multipliedReportingOverflow(by: 32)
            guard !overflow else { return nil }
            number = product | UInt64(digit)
        }
        return Int64(exactly: number)
    }
}
