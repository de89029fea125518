internal import DeskModel

/// A report about a mail of ours: delivery (RFC 3464), complaint (RFC 5965), or one in a mail system's own words.
struct BounceReport {
    let classification: MessageClassification

    init?(_ message: InboundMessage, signs: MailSigns) {
        if let made = Self.feedback(message) ?? CloudNotice.read(message) ?? Self.deliveryStatus(message, signs)
            ?? Self.prose(message, signs)
        {
            self.classification = made
        } else {
            return nil
        }
    }

    // MARK: - Complaints

    private static func feedback(_ message: InboundMessage) -> MessageClassification? {
        let part = message.reports.first { $0.contentType == "message/feedback-report" }
        let type = message.header("Content-Type")?.lowercased() ?? ""
        guard
            part != nil || type.holds("report-type=feedback-report")
                || type.holds("report-type=\"feedback-report\"")
        else { return nil }
        let groups = Self.groups(part?.text ?? "")
        var recipients: [Bounce.Recipient] = []
        for group in groups {
            for name in ["original-rcpt-to", "removal-recipient"] {
                for value in group[name] ?? [] {
                    if let address = BounceText.address(in: value) {
                        recipients.append(Bounce.Recipient(address: address, status: nil, permanent: false))
                    }
                }
            }
        }
        let bounce = Bounce(
            recipients: Self.unique(recipients), originalMessageID: BounceText.originalMessageID(message))
        return MessageClassification(
            kind: .feedback, reasons: ["feedback report"], suppressAutoReply: true, bounce: bounce)
    }

    // MARK: - Delivery status notifications

    private static func deliveryStatus(_ message: InboundMessage, _ signs: MailSigns) -> MessageClassification? {
        let parts = message.reports.filter {
            $0.contentType == "message/delivery-status" || $0.contentType == "message/global-delivery-status"
        }
        guard !parts.isEmpty else { return nil }
        // Lists put their fields on reports that reach them, too; a report that a member quotes is a mail of the list.
        let isReport = message.header("Content-Type")?.lowercased().hasPrefix("multipart/report") == true
        if signs.value("list-id") != nil || signs.value("list-post") != nil, !isReport { return nil }
        var recipients: [Bounce.Recipient] = []
        var delivered: [Bounce.Recipient] = []
        for group in parts.flatMap({ Self.groups($0.text) }) {
            guard let read = Self.recipient(group) else { continue }
            if read.isDelivered { delivered.append(read.recipient) } else { recipients.append(read.recipient) }
        }
        let original = BounceText.originalMessageID(message)
        if recipients.isEmpty, !delivered.isEmpty {
            return MessageClassification(
                kind: .successDSN, reasons: ["delivery status: delivered"], suppressAutoReply: true,
                bounce: Bounce(recipients: Self.unique(delivered), originalMessageID: original))
        }
        if recipients.isEmpty {
            let text = BounceText(message, own: signs.own)
            recipients = text.recipients
        }
        return MessageClassification(
            kind: .bounce, reasons: ["delivery status notification"], suppressAutoReply: true,
            bounce: Bounce(recipients: Self.unique(recipients), originalMessageID: original))
    }

    private static func recipient(_ group: [String: [String]]) -> (recipient: Bounce.Recipient, isDelivered: Bool)? {
        // What we wrote to, rather than what an alias made of it.
        let final =
            (group["original-recipient"] ?? []) + (group["final-recipient"] ?? []) + (group["x-actual-recipient"] ?? [])
        let addresses = final.compactMap { BounceText.address(in: $0) }
        guard let address = addresses.first else { return nil }
        let action = group["action"]?.first?.lowercased().trimmingPrefix(while: { $0 == " " }) ?? ""
        let diagnostic = group["diagnostic-code"]?.joined(separator: " ") ?? ""
        let statuses = [group["status"]?.first ?? "", diagnostic].compactMap { BounceText.statusCode(in: $0) }
        // A plain x.0.0 says nothing: the diagnostic text may say more.
        let status = statuses.first { !$0.hasSuffix(".0.0") } ?? statuses.first
        if action.hasPrefix("delivered") || action.hasPrefix("relayed") || action.hasPrefix("expanded") {
            return (Bounce.Recipient(address: address, status: status, permanent: false), true)
        }
        let permanent = action.hasPrefix("failed") || (!action.hasPrefix("delayed") && status?.hasPrefix("4") != true)
        return (Bounce.Recipient(address: address, status: status, permanent: permanent), false)
    }

    /// The groups of fields of a report, names in lower case, folded lines joined.
    private static func groups(_ text: String) -> [[String: [String]]] {
        var groups: [[String: [String]]] = [[:]]
        var last: String?
        for line in text.lines(upTo: 5_000).prefix(5_000) {
            if line.utf8.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) {
                if groups.last?.isEmpty == false { groups.append([:]) }
                last = nil
            } else if line.utf8.first == 0x20 || line.utf8.first == 0x09 {
                if let name = last, let count = groups[groups.count - 1][name]?.count {
                    groups[groups.count - 1][name]?[count - 1] += " " + line.drop { $0 == " " || $0 == "\t" }
                }
            } else if let colon = line.utf8.firstIndex(of: 0x3A) {
                let name = String(line[..<colon]).lowercasedASCII()
                // A second recipient without the blank line that should stand before it.
                if name == "final-recipient", groups[groups.count - 1][name] != nil { groups.append([:]) }
                groups[groups.count - 1][name, default: []].append(String(line[line.index(after: colon)...]))
                last = name
            }
        }
        return groups.filter { !$0.isEmpty }
    }

    // MARK: - Everything else

    private static func prose(_ message: InboundMessage, _ signs: MailSigns) -> MessageClassification? {
        // The words are looked at only where something else points to a mail system.
        guard
            signs.isDaemon || signs.hasNullReturnPath || signs.robot != nil || signs.value("x-failed-recipients") != nil
                || message.reports.contains(where: { $0.contentType == "message/disposition-notification" })
                || BounceText.saysFailure(message.subject)
        else { return nil }
        let text = BounceText(message, own: signs.own)
        let reason: String
        if signs.value("x-failed-recipients") != nil {
            reason = "field X-Failed-Recipients"
        } else if text.isRejectedDisposition {
            reason = "mail was rejected by a program"
        } else if signs.automaticField?.holds("auto-replied") == true, !signs.isDaemon {
            return nil
        } else if text.subjectSaysFailure,
            signs.isDaemon || signs.hasNullReturnPath || (text.textSaysFailure && text.isMachine)
        {
            reason = "subject and sender of a delivery failure"
        } else if text.textSaysFailure,
            signs.isDaemon || (signs.hasNullReturnPath && text.recipients.first != nil)
                || (signs.robot != nil && text.returnsMail)
        {
            reason = "a mail system says that delivery failed"
        } else {
            return nil
        }
        return MessageClassification(
            kind: .bounce, reasons: [reason], suppressAutoReply: true,
            bounce: Bounce(
                recipients: Self.unique(text.recipients), originalMessageID: BounceText.originalMessageID(message)))
    }

    private static func unique(_ recipients: [Bounce.Recipient]) -> [Bounce.Recipient] {
        var seen: Set<String> = []
        return recipients.filter { seen.insert($0.address).inserted }
    }
}

extension String {
    func trimmingPrefix(while isTrimmed: (Character) -> Bool) -> String { String(self.drop(while: isTrimmed)) }
}
