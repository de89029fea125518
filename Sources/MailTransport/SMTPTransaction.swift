internal import DeskModel

/// The command lines of one delivery, checked against what the server offers before anything is sent.
struct SMTPTransaction {
    let mail: String
    let recipients: [String]

    /// - Parameter data: as it will be sent.
    /// - Throws: `.invalidArgument`, `.needsSMTPUTF8`, `.needs8BITMIME`, `.messageTooLarge`.
    init(_ envelope: SMTPEnvelope, data: [UInt8], capabilities: SMTPCapabilities) throws(MailError) {
        guard !envelope.recipients.isEmpty else { throw MailError(.invalidArgument, "a mail needs a recipient") }
        if let limit = capabilities.maximumSize, data.count > limit {
            throw MailError(.messageTooLarge, "\(data.count) octets; the server takes \(limit)")
        }
        let addresses = envelope.recipients + (envelope.from.map { [$0] } ?? [])
        let needsUTF8 = !addresses.allSatisfy(\.isASCII) || Self.hasEightBitHeader(data)
        if needsUTF8, !capabilities.contains("SMTPUTF8") {
            throw MailError(.needsSMTPUTF8, "an address or header is not ASCII and the server lacks SMTPUTF8")
        }
        let isEightBit = needsUTF8 || data.contains { $0 >= 0x80 }
        if isEightBit, !capabilities.contains("8BITMIME") {
            throw MailError(.needs8BITMIME, "the body holds 8-bit octets and the server lacks 8BITMIME")
        }
        var mail = "MAIL FROM:<\(envelope.from?.address ?? "")>"
        if capabilities.contains("SIZE") { mail += " SIZE=\(data.count)" }
        if isEightBit { mail += " BODY=8BITMIME" }
        if needsUTF8 { mail += " SMTPUTF8" }
        let hasReports = capabilities.contains("DSN")
        if hasReports, let id = envelope.envelopeID { mail += " RET=HDRS ENVID=\(Self.xtext(id))" }
        self.mail = mail
        let notify = hasReports ? Self.notify(envelope.notify) : ""
        self.recipients = envelope.recipients.map { "RCPT TO:<\($0.address)>\(notify)" }
    }

    private static func hasEightBitHeader(_ data: [UInt8]) -> Bool {
        var lineLength = 0
        for byte in data {
            if byte == 0x0A {
                if lineLength == 0 { return false }
                lineLength = 0
            } else if byte != 0x0D {
                if byte >= 0x80 { return true }
                lineLength += 1
            }
        }
        return false
    }

    private static func notify(_ notify: SMTPEnvelope.Notify) -> String {
        switch notify {
        case .standard: return ""
        case .never, .on(success: false, failure: false, delay: false): return " NOTIFY=NEVER"
        case .on(let success, let failure, let delay):
            let events = (success ? ["SUCCESS"] : []) + (failure ? ["FAILURE"] : []) + (delay ? ["DELAY"] : [])
            return " NOTIFY=\(events.joined(separator: ","))"
        }
    }

    /// RFC 3461 §4; at most 100 octets of the original are kept.
    private static func xtext(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF")
        return text.utf8.prefix(100).reduce(into: "") { result, byte in
            if (0x21...0x7E).contains(byte), byte != 0x2B, byte != 0x3D {
                result.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                result += "+\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
    }
}
