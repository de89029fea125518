internal import DeskModel
internal import DeskStore
internal import Foundation
internal import MIME

/// The field that marks a briefing note as ours, with a MAC over its Message-ID and body.
enum BriefingNoteHeader {
    static let name = "X-Martlet-Note"

    /// The form of a body that the MAC covers: servers may change line ends and trailing white space.
    static func canonical(_ body: String) -> String {
        body.split(separator: "\n", omittingEmptySubsequences: false)
            .map { line in
                var line = line
                while line.last?.isWhitespace == true { line.removeLast() }
                return line
            }
            .joined(separator: "\n").trimmingCharacters(in: .newlines)
    }
}

/// Builds the mails that the desk writes: drafts and notes for the mailbox, acknowledgements, answers and notices.
struct OutgoingMail {
    let context: DeskContext
    let mailbox: MailboxSettings
    let now: Date

    /// A reply to `subject` as an agent would write it, ready to be edited and sent. One body part, and nothing in it
    /// that the customer may not read.
    func reply(_ subject: TriageSubject, body: String, sequence: Int64) -> OutboundMessage? {
        guard let customer = MailAddress(subject.customerEmail, displayName: subject.customerName) else { return nil }
        // Whom it goes to the agent fills in.
        let recipients = subject.isUnsigned ? [] : [customer]
        let original = subject.internetMessageID.flatMap { MessageID($0) }
        let base = BaseSubject.of(subject.subject)
        return OutboundMessage(
            messageID: self.messageID(subject.ticketID, sequence), date: self.now,
            from: self.sender(subject.answerFrom), to: recipients,
            cc: subject.participants.compactMap { MailAddress($0) },
            subject: HeaderValue(sanitizing: "Re: " + (base.isEmpty ? "Your message" : base)), inReplyTo: original,
            references: subject.references.compactMap { MessageID($0) }, body: body)
    }

    /// The briefing that lies beside the customer's mail, dated one second earlier so that theirs stays the newest.
    func note(_ subject: TriageSubject, body: String, sequence: Int64) -> OutboundMessage {
        let id = self.messageID(subject.ticketID, sequence)
        let mac = self.context.signer.noteMAC(messageID: id, body: BriefingNoteHeader.canonical(body))
        let original = subject.internetMessageID.flatMap { MessageID($0) }
        return OutboundMessage(
            messageID: id, date: subject.internalDate.addingTimeInterval(-1),
            from: self.named("Martlet note (not visible to customer)"), to: [self.mailbox.address],
            subject: HeaderValue(
                sanitizing: "Note on \(TicketNumber(subject.ticketNumber)): \(BaseSubject.of(subject.subject))"),
            inReplyTo: original, references: original.map { [$0] } ?? [],
            extraHeaders: [
                (BriefingNoteHeader.name, HeaderValue(sanitizing: mac)),
                ("Auto-Submitted", HeaderValue(sanitizing: "auto-generated")),
            ], body: body)
    }

    /// "We have your mail": nothing of the customer's words unless our mail server vouched for the sender.
    ///
    /// - Returns: nil when nothing may be sent.
    func acknowledgement(_ subject: TriageSubject, sequence: Int64) -> OutboundMessage? {
        let settings = self.context.settings
        let verdict: Acknowledgement.Verdict =
            switch subject.isVerified {
            case true: .pass
            case false: .fail
            case nil: .none
            }
        guard let customer = MailAddress(subject.customerEmail),
            let text = Acknowledgement(
                ticket: TicketNumber(subject.ticketNumber), theirSubject: subject.subject, verdict: verdict,
                language: subject.language ?? self.mailbox.language, deskLanguage: self.mailbox.language,
                deskName: settings.deskName, openingHours: settings.acknowledgement.openingHours, isOpen: false)
        else { return nil }
        let original = subject.internetMessageID.flatMap { MessageID($0) }
        return OutboundMessage(
            messageID: self.messageID(subject.ticketID, sequence), date: self.now,
            from: self.sender(subject.answerFrom), to: [customer], subject: HeaderValue(sanitizing: text.subject),
            inReplyTo: original, references: original.map { [$0] } ?? [],
            extraHeaders: Self.automatic("auto-replied"), body: text.body)
    }

    /// "Your mail was too large, send it so": no word of theirs.
    ///
    /// - Returns: nil when nothing may be sent.
    func sizeAdvice(_ subject: TriageSubject, sequence: Int64) -> OutboundMessage? {
        guard subject.isVerified != false, let customer = MailAddress(subject.customerEmail) else { return nil }
        let text = SizeAdvice(
            ticket: TicketNumber(subject.ticketNumber), limit: self.context.settings.maximumMessageSize,
            language: subject.language ?? self.mailbox.language, deskName: self.context.settings.deskName)
        let original = subject.internetMessageID.flatMap { MessageID($0) }
        return OutboundMessage(
            messageID: self.messageID(subject.ticketID, sequence), date: self.now,
            from: self.sender(subject.answerFrom), to: [customer], subject: HeaderValue(sanitizing: text.subject),
            inReplyTo: original, references: original.map { [$0] } ?? [],
            extraHeaders: Self.automatic("auto-replied"), body: text.body)
    }

    /// A mail to the team about notices that are held beyond the cap.
    func digest(to team: [MailAddress], subject: String, body: String, sequence: Int64) -> OutboundMessage {
        // No ticket has number 0: the token proves the mail and leads nowhere.
        self.notice(ticket: TicketID(0), to: team, subject: subject, body: body, sequence: sequence)
    }

    /// The row that sends `message` to everybody in its To, with the null return path: whatever bounces must not come
    /// back as mail to the desk (RFC 3834 §3.3).
    func queued(_ message: OutboundMessage, _ kind: OutboxMail.Kind, about subject: TriageSubject, id: Int64)
        -> OutboxMail
    {
        OutboxMail(
            id: OutboxID(id), mailboxID: subject.mailboxID, ticketID: subject.ticketID, kind: kind,
            internetMessageID: message.messageID.text, envelopeFrom: nil, recipients: message.to.map(\.address),
            bytes: MIMEComposer.compose(message), dueAt: nil)
    }

    /// A mail to the team about a ticket.
    func notice(
        ticket: TicketID, to team: [MailAddress], subject: String, body: String, sequence: Int64
    ) -> OutboundMessage {
        OutboundMessage(
            messageID: self.messageID(ticket, sequence), date: self.now,
            from: self.named("\(self.context.settings.deskName) desk"),
            to: team, subject: HeaderValue(sanitizing: subject), extraHeaders: Self.automatic("auto-generated"),
            body: body)
    }

    /// RFC 3834 §5; the other two are understood by Exchange and by old responders.
    static func automatic(_ value: String) -> [(name: String, value: HeaderValue)] {
        [
            ("Auto-Submitted", HeaderValue(sanitizing: value)),
            ("X-Auto-Response-Suppress", HeaderValue(sanitizing: "All")),
            ("Precedence", HeaderValue(sanitizing: "bulk")),
        ]
    }

    private func messageID(_ ticket: TicketID, _ sequence: Int64) -> MessageID {
        self.context.signer.messageID(
            for: ThreadToken(ticketID: ticket, sequence: sequence), domain: self.mailbox.address.domain)
    }

    /// The alias that the customer wrote to, with its name or the shop's.
    private func sender(_ address: String) -> MailAddress {
        let known = [self.mailbox.address] + self.mailbox.aliases
        let alias = known.first { $0.normalized == address.lowercased() } ?? self.mailbox.address
        let name = alias.displayName ?? self.mailbox.address.displayName ?? self.context.settings.deskName
        return MailAddress(alias.address, displayName: name) ?? alias
    }

    private func named(_ name: String) -> MailAddress {
        MailAddress(self.mailbox.address.address, displayName: name) ?? self.mailbox.address
    }
}
