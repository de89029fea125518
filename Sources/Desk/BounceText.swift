internal import DeskModel

/// Reads the reports that mail systems write for people: which addresses failed, for how long, about which mail.
struct BounceText {
    let recipients: [Bounce.Recipient]
    let subjectSaysFailure: Bool
    let textSaysFailure: Bool
    let isRejectedDisposition: Bool
    /// Whether the mail that failed, or its header, is attached.
    let returnsMail: Bool
    /// Whether the words are a program's: codes, lists of recipients, the returned mail.
    let isMachine: Bool

    private static let marks = PhraseSet([
        "following recipient", "following address", "message could not be delivered", "n'a pas pu",
        "delivery of email to", "following user", "delivery report", "returned message",
        "original message", " 550 ", " 554 ", " 553 ", " 552 ", "rcpt to", "recipient:", "message headers",
        "this is an automat", "automatically generated",
    ])

    /// Whether a subject speaks of a failed delivery.
    static func saysFailure(_ subject: String) -> Bool { Self.subjects.matches(subject.lowercased()) }

    private static let subjects = PhraseSet([
        "undeliver", "delivery status", "delivery fail", "delivery has failed", "delivery problem", "delivery error",
        "delivery notification", "delivery report", "delivery warning", "mail delivery", "failure notice",
        "returned mail", "returned to sender", "returning message", "return to sender", "mail failed", "message failed",
        "non-delivery", "nondelivery",
        "could not be delivered", "not be delivered", "not delivered", "mail not delivered", "user unknown",
        "unknown user", "mail error", "processing error", "delayed", "warning: message", "warning: could not",
        "warning from", "unzustellbar", "nicht zugestellt", "zustellung", "unable to deliver", "delivery delayed",
        "bounced", "rejected mail", "mail rejected", "message rejected", "automatically rejected", "permanent error",
        "non remis", "échec", "no se pudo entregar", "devuelto", "mancato recapito", "mancata consegna", "niet bezorgd",
        "onbestelbaar", "rückgabe", "未送達", "退信", "メールエラー", "mail failure", "配信エラー", "failed delivery",
        "permanent delivery", "delayed mail", "email delivery failure", "mail system error", "fallo en la entrega",
        "не доставлено", "недоставлен",
    ])
    private static let failures = PhraseSet([
        "could not be delivered", "couldn't be delivered", "cannot be delivered", "can't be delivered",
        "not be delivered", "was not delivered", "not been delivered", "wasn't able to deliver", "unable to deliver",
        "could not deliver", "couldn't deliver", "cannot deliver", "did not reach", "delivery failed",
        "delivery has failed", "delivery to the following", "delivery failure", "failed to deliver",
        "failed permanently", "undeliverable", "undelivered",
        "user unknown", "unknown user", "no such user", "mailbox unavailable", "mailbox is full", "mailbox full",
        "over quota", "quota exceeded", "permanent error", "fatal error", "permanent failure", "returned to sender",
        "recipient address rejected", "recipients failed", "address(es) failed", "addresses failed", "addresses had",
        "has been returned", "rejected your message", "not receive a copy", "delivery error", "intended recipient",
        "has been postponed", "still being retried", "delivery attempts",
        "nicht zugestellt", "konnte nicht", "unzustellbar", "n'a pas pu être", "no se pudo entregar", "no se ha podido",
        "non è stato possibile", "kon niet worden", "does not exist", "host unknown", "unknown host", "unrouteable",
        "was automatically rejected", "delevery to", "is no longer valid", "no valid recipients", "投递失败", "できませんでした",
        "invalid user address", "incorrectly constructed", "无法", "配信", "宛先", "delivery of email to", "address is wrong",
        "failed recipient", "delivery delayed", "was rejected", "unable to be delivered", "message was undeliverable",
        "error occurred",
    ])
    private static let temporary = PhraseSet([
        "not yet been delivered", "has been delayed", "is delayed", "was delayed", "delayed", "will be retried",
        "will continue", "still trying", "still being retried", "keep trying", "has been postponed",
        "warning: could not send", "could not send message for past", "temporary", "transient", "deferred",
        "will retry", "no action is required", "you do not need to resend", "do not need to resend",
        "wird weiter versucht", "advisory-only",
    ])
    private static let finals = PhraseSet([
        "permanent", "given up", "giving up", "gave up", "5.1.1", "returned", "fatal", "occurred after",
        "will not be retried", "user unknown", "failed:",
    ])

    init(_ message: InboundMessage, own: Set<String>) {
        let subject = message.subject.lowercased()
        self.subjectSaysFailure = Self.subjects.matches(subject)
        let body = Self.notice(message)
        let lower = body.lowercased()
        self.textSaysFailure = Self.failures.matches(lower)
        let receipt =
            message.reports.first { $0.contentType == "message/disposition-notification" }?.text.lowercased() ?? ""
        self.isRejectedDisposition =
            receipt.holds("; deleted") && (lower.holds("rejected") || subject.holds("rejected"))
        self.returnsMail = message.reports.contains { $0.contentType.holds("rfc822") }
        let isTemporary = Self.isTemporary(lower, subject)
        let excluded = Self.excluded(message, own: own)
        var addresses = Self.failedField(message)
        if addresses.isEmpty, let final = Self.fieldValue("final-recipient", in: receipt) { addresses = [final] }
        if addresses.isEmpty { addresses = FailedAddresses(body, subject: message.subject, excluded: excluded).found }
        if addresses.isEmpty { addresses = Self.originalRecipients(message, excluded: excluded) }
        let status = Self.statusCode(in: body)
        self.isMachine =
            (self.returnsMail || status != nil || Self.marks.matches(lower))
            && (lower.holds("message") || lower.holds("mail"))
        self.recipients = addresses.prefix(200).map {
            Bounce.Recipient(address: $0, status: status, permanent: !isTemporary)
        }
    }

    private static func isTemporary(_ lower: String, _ subject: String) -> Bool {
        guard Self.temporary.matches(lower) || Self.temporary.matches(subject) else { return false }
        if subject.holds("delayed") || subject.holds("warning:") { return true }
        return !Self.finals.matches(lower)
    }

    /// The words before the returned mail starts.
    private static func notice(_ message: InboundMessage) -> String {
        var kept: [Substring] = []
        var count = 0
        for line in message.bodyText.lines() {
            if kept.count > 3, Self.startsOriginal(line) { break }
            kept.append(line)
            count += line.utf8.count
            if count > 20_000 || kept.count > 400 { break }
        }
        return kept.joined(separator: "\n")
    }

    private static let originalMarks = PhraseSet([
        "below this line is a copy", "this is a copy of", "original message", "message header", "message text follows",
        "returned mail follows", "unsent message follows", "returned message", "message follows",
        "header of the message", "the header and top", "first 50 lines", "attachment is a copy", "message body",
        "text of the original", "start of returned", "undelivered message follows", "original mail",
        "forwarded message", "original-nachricht", "summary of the undelivered", "headers of the original",
        "received: from", "return-path:", "received: by", "received: (qmail",
    ])

    private static func startsOriginal(_ line: Substring) -> Bool {
        guard line.utf8.count < 200 else { return false }
        let lower = line.lowercased()
        guard let mark = Self.originalMarks.first(in: lower) else { return false }
        let bare = lower.drop { "-=_*|#>:<. ".contains($0) }
        // A sentence may speak of the original message; a heading starts a line or has dashes.
        return bare.hasPrefix(mark) || lower.hasPrefix("--") || lower.hasPrefix("  --") || lower.hasPrefix("|")
            || lower.hasPrefix("the ") || bare.hasPrefix("this is a copy") || bare.hasSuffix("follows:")
            || bare.hasSuffix("follows.")
    }

    /// Those who got the report and those who wrote it did not fail.
    private static func excluded(_ message: InboundMessage, own: Set<String>) -> Set<String> {
        var result = own
        for written in message.writtenTo + message.writtenCc + message.writtenFrom {
            result.insert(written.address.lowercased())
        }
        return result
    }

    private static func failedField(_ message: InboundMessage) -> [String] {
        message.allHeaders("X-Failed-Recipients").flatMap { $0.split(separator: ",") }.compactMap {
            Self.address(in: $0)
        }
    }

    /// To of the returned mail, when the notice names nobody.
    private static func originalRecipients(_ message: InboundMessage, excluded: Set<String>) -> [String] {
        for report in message.reports where report.contentType != "message/disposition-notification" {
            if let value = Self.fieldValue("to", in: report.text), !excluded.contains(value) { return [value] }
        }
        return []
    }
}

// MARK: - Pieces

extension BounceText {
    /// The first address in a field value such as `rfc822; user@example.org`, lower case.
    static func address(in value: some StringProtocol) -> String? {
        FailedAddresses.addresses(in: value).first?.lowercased()
    }

    /// The first address in the first field of that name.
    static func fieldValue(_ name: String, in text: String) -> String? {
        let wanted = "\(name):"
        for line in text.lines(upTo: 500).prefix(500)
        where String(decoding: line.utf8.prefix(wanted.utf8.count), as: UTF8.self).isSameName(as: wanted) {
            return Self.address(in: line.dropFirst(name.count + 1))
        }
        return nil
    }

    /// An enhanced status code (RFC 3463), class 2, 4 or 5.
    static func statusCode(in text: some StringProtocol) -> String? {
        let bytes = Array(text.utf8.prefix(20_000))
        var index = 0
        while index + 4 < bytes.count {
            defer { index += 1 }
            guard [0x32, 0x34, 0x35].contains(bytes[index]), bytes[index + 1] == 0x2E else { continue }
            if index > 0, bytes[index - 1] == 0x2E || Self.isDigit(bytes[index - 1]) || bytes[index - 1] == 0x2D {
                continue
            }
            var end = index + 2
            while end < bytes.count, Self.isDigit(bytes[end]), end - index < 5 { end += 1 }
            guard end > index + 2, end < bytes.count, bytes[end] == 0x2E else { continue }
            let middle = end + 1
            end = middle
            while end < bytes.count, Self.isDigit(bytes[end]), end - middle < 4 { end += 1 }
            guard end > middle,
                end == bytes.count || (bytes[end] != 0x2E || end + 1 == bytes.count || !Self.isDigit(bytes[end + 1]))
            else { continue }
            return String(decoding: bytes[index..<end], as: UTF8.self)
        }
        return nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    /// The Message-ID of the mail that the report is about.
    static func originalMessageID(_ message: InboundMessage) -> MessageID? {
        for report in message.reports where report.text.holdsName("message-id:") {
            for name in ["message-id:", "original-message-id:", "x-original-message-id:"] {
                if let id = Self.messageID(name, in: report.text) { return id }
            }
        }
        if message.bodyText.holdsName("message-id:") {
            for name in ["message-id:", "original-message-id:"] {
                if let id = Self.messageID(name, in: message.bodyText) { return id }
            }
        }
        return message.inReplyTo.first ?? message.references.last
    }

    private static func messageID(_ name: String, in text: String) -> MessageID? {
        let lines = text.lines(upTo: 3_000).prefix(3_000)
        for (index, line) in lines.enumerated() where line.utf8.count < 2_000 && line.utf8.count >= name.utf8.count {
            let bare = Substring(line.utf8.drop { $0 == 0x20 || $0 == 0x3E || $0 == 0x2A || $0 == 0x09 })
            guard let first = bare.utf8.first, first | 0x20 == name.utf8.first,
                String(bare.prefix(name.count)).isSameName(as: name)
            else { continue }
            let next = index + 1 < lines.count ? lines[index + 1] : ""
            let value = "\(bare.dropFirst(name.count)) \(next)"
            if let open = value.firstIndex(of: "<"), let close = value[open...].firstIndex(of: ">") {
                if let id = MessageID(value[open...close]) { return id }
            }
            if let word = value.split(separator: " ").first, word.contains("@"), let id = MessageID(word) { return id }
        }
        return nil
    }
}
