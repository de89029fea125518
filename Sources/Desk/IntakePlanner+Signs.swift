internal import DeskModel
internal import DeskStore
internal import Foundation

/// What a mail is.
extension IntakePlanner {
    /// Ours only if its Message-ID was committed before it was written and it never travelled: anything else that
    /// carries the header is ordinary mail.
    func ownWrite(_ message: InboundMessage, lookup: IntakeLookup) -> IntakeBatch.Disposition? {
        guard let id = message.messageID, let write = lookup.ownWrites[id.text], message.header("Received") == nil
        else {
            return nil
        }
        switch write.kind {
        case "note":
            guard let mac = message.header(BriefingNoteHeader.name),
                self.threading.signer.isValidNoteMAC(
                    mac, messageID: id, body: BriefingNoteHeader.canonical(message.bodyText))
            else { return nil }
            return .ownNote
        case "draft": return .ownDraft
        default: return .ownSent
        }
    }

    func isOwn(_ message: InboundMessage) -> Bool {
        message.from.first.map { self.threading.ownAddresses.contains($0.normalized) } ?? false
    }

    /// Whether a mail in our own name is somebody's question all the same: a form on our site that names no visitor, or
    /// a colleague's words to the desk. What goes to others too is ours, and an answer unless it comes to us by name.
    func isUnsigned(_ message: InboundMessage, person: Correspondent?, opens: Bool) -> Bool {
        guard person == nil, self.isOwn(message) else { return false }
        let readers = Set((message.to + message.cc).map(\.normalized))
        let own = self.threading.ownAddresses
        return readers.isSubset(of: own) || opens && !readers.isDisjoint(with: own)
    }

    func isStaff(_ message: InboundMessage) -> Bool {
        message.from.first.map { self.agents.contains($0.normalized) } ?? false
    }

    func isHistory(_ mail: ParsedMail) -> Bool {
        if mail.uid >= self.firstNewUID { return false }
        return self.historyBefore.map { mail.internalDate < $0 } ?? true
    }

    /// A cheap look at the words, long before triage has read the mail.
    func isPressing(_ message: InboundMessage) -> Bool {
        EscalationSigns.arePressing("\(message.subject)\n\(message.reply.visible.prefix(2_000))")
    }

    func wantsTriage(_ classification: MessageClassification) -> Bool {
        switch classification.kind {
        case .human, .list, .other: true
        case .autoReply, .bounce, .successDSN, .feedback, .spam: false
        }
    }

    /// The newest verdict of our own mail server on DMARC; nil when none is configured or given. RFC 8601.
    func isVerified(_ message: InboundMessage) -> Bool? {
        switch SenderVerdict(message, authservIDs: self.settings.authservIDs) {
        case .pass: true
        case .fail: false
        case .none: nil
        }
    }

    func mayAcknowledge(
        _ mail: ParsedMail, _ message: InboundMessage, _ classification: MessageClassification, isHistory: Bool
    ) -> Bool {
        guard self.mode >= .acknowledge, !isHistory, classification.kind == .human, !classification.suppressAutoReply,
            self.isVerified(message) != false, !message.from.isEmpty
        else { return false }
        let age = self.now.timeIntervalSince(min(mail.internalDate, message.received ?? mail.internalDate))
        return age <= self.settings.automaticMaxAge / .seconds(1)
    }
}
