internal import DeskModel
internal import DeskStore
internal import Foundation
internal import MailTransport

/// A fetched mail after parsing, before anything is decided.
struct ParsedMail: Sendable {
    enum Content: Sendable {
        case parsed(InboundMessage, MessageClassification)
        /// Only the header was fetched: the mail is larger than allowed.
        case oversized(InboundMessage, MessageClassification, size: Int)
        /// The parser could not take it; the bytes are all there is.
        case unreadable(reason: String)
        /// The server no longer has it.
        case vanished
    }

    var uid: UInt32
    var internalDate: Date
    var raw: [UInt8]
    var content: Content
}

/// Turns a batch of mails into rows. Pure: keys come in, a value goes out, nothing is written here.
///
/// Mails of one batch see each other, in UID order: the second copy is a duplicate, the reply joins the ticket that the
/// first mail opened.
struct IntakePlanner {
    /// What the plan asks for beyond the rows.
    struct Plan {
        var batch: IntakeBatch
        /// Messages that triage looks at: whether the mail is history, and whether its words call for a person, which
        /// lets it overtake the others in the queue.
        var triage: [(messageID: StoredMessageID, isHistory: Bool, isPressing: Bool)] = []
        /// Tickets that were opened for somebody who may be told so.
        var acknowledge: [(ticketID: TicketID, messageID: StoredMessageID)] = []
        /// Tickets that need a person's eyes at once: mail that could not be read.
        var needsEyes: [(ticketID: TicketID, reason: String)] = []
    }

    let mailbox: MailboxSettings
    let settings: DeskSettings
    let threading: Threading
    let firstNewUID: UInt32
    let historyBefore: Date?
    let now: Date

    private var mode: Mode { self.mailbox.mode ?? self.settings.mode }

    func plan(
        _ mails: [ParsedMail], into batch: IntakeBatch, lookup: IntakeLookup, nextID: () -> Int64
    ) -> Plan {
        var plan = Plan(batch: batch)
        var lookup = lookup
        for mail in mails {
            switch mail.content {
            case .vanished:
                plan.batch.items.append(.init(uid: mail.uid, disposition: .vanished))
            case .unreadable(let reason):
                self.planUnreadable(mail, reason: reason, into: &plan, nextID: nextID)
            case .parsed(let message, let classification):
                self.planReadable(
                    mail, message, classification, oversized: nil, into: &plan, lookup: &lookup, nextID: nextID)
            case .oversized(let message, let classification, let size):
                self.planReadable(
                    mail, message, classification, oversized: size, into: &plan, lookup: &lookup, nextID: nextID)
            }
        }
        return plan
    }

    // MARK: - One mail

    private func planReadable(
        _ mail: ParsedMail, _ message: InboundMessage, _ classification: MessageClassification, oversized: Int?,
        into plan: inout Plan, lookup: inout IntakeLookup, nextID: () -> Int64
    ) {
        if let own = self.ownWrite(message, lookup: lookup) {
            plan.batch.items.append(.init(uid: mail.uid, disposition: own))
            return
        }
        let key = DedupeKey.of(message)
        if let existing = lookup.messages[key] {
            plan.batch.items.append(.init(uid: mail.uid, disposition: .duplicateOf, messageID: existing))
            return
        }
        let isHistory = self.isHistory(mail)
        let id = StoredMessageID(nextID())
        lookup.messages[key] = id
        let ownDigest = message.messageID?.digest
        let sameIDOtherContent = ownDigest.map(lookup.receivedIDs.contains) ?? false

        let thread = self.thread(
            mail, message, classification, isHistory: isHistory, into: &plan, lookup: &lookup, nextID: nextID)
        if let ownDigest { lookup.receivedIDs.insert(ownDigest) }
        plan.batch.messages.append(
            IntakeBatch.Message(
                id: id, ticketID: thread.ticketID, direction: self.isOwn(message) ? "out" : "in", dedupeKey: key,
                isFlagged: sameIDOtherContent || thread.isFlagged, parsed: message, classification: classification,
                isVerified: self.isVerified(message), threadReason: thread.reason, internalDate: mail.internalDate,
                raw: mail.raw))
        plan.batch.items.append(
            .init(
                uid: mail.uid, disposition: oversized != nil ? .oversized : isHistory ? .history : .message,
                messageID: id))
        guard let ticketID = thread.ticketID else { return }
        self.addThreadKeys(of: message, ticketID: ticketID, isNew: thread.isNew, into: &plan, lookup: &lookup)
        plan.batch.events.append(
            .init(
                ticketID: ticketID, messageID: id, kind: thread.isNew ? "opened" : "mail",
                detail: ["reason": thread.reason, "kind": classification.kind.rawValue]))
        if let oversized {
            plan.needsEyes.append((ticketID, "the mail has \(oversized) octets, more than is fetched"))
        }
        guard !self.isOwn(message) else { return }
        if self.wantsTriage(classification) || isHistory {
            plan.triage.append((id, isHistory, !isHistory && self.isPressing(message)))
        }
        if thread.isNew, self.mayAcknowledge(mail, message, classification, isHistory: isHistory) {
            plan.acknowledge.append((ticketID, id))
        }
    }

    private struct Thread {
        var ticketID: TicketID?
        var isNew = false
        var isFlagged = false
        var reason: String
    }

    private func thread(
        _ mail: ParsedMail, _ message: InboundMessage, _ classification: MessageClassification, isHistory: Bool,
        into plan: inout Plan, lookup: inout IntakeLookup, nextID: () -> Int64
    ) -> Thread {
        let assignment = self.threading.assignment(of: message, received: mail.internalDate, lookup: lookup)
        let isPerson = classification.kind == .human || classification.kind == .list
        switch assignment {
        case .attach(let ticket, let reason), .attachFlagged(let ticket, let reason):
            let flagged = if case .attachFlagged = assignment { true } else { false }
            if isPerson, !flagged, !self.isOwn(message), !isHistory, let status = ticket.status.after(.customerWrote) {
                plan.batch.statuses[ticket.id] = status
            }
            return Thread(ticketID: ticket.id, isFlagged: flagged, reason: reason)
        case .open(let linked, let reason):
            // Robots and bounces that answer nothing of ours are kept, but are nobody's work.
            switch classification.kind {
            case .autoReply, .bounce, .successDSN, .feedback:
                return Thread(ticketID: nil, reason: "automatic mail that belongs to no ticket")
            case .human, .list, .spam, .other: break
            }
            let ticketID = self.openTicket(
                mail, message, linked: linked, isHistory: isHistory, into: &plan, lookup: &lookup, nextID: nextID)
            return Thread(ticketID: ticketID, isNew: true, reason: reason)
        }
    }

    private func openTicket(
        _ mail: ParsedMail, _ message: InboundMessage, linked: TicketID?, isHistory: Bool, into plan: inout Plan,
        lookup: inout IntakeLookup, nextID: () -> Int64
    ) -> TicketID {
        let id = TicketID(nextID())
        let customer = message.from.first
        let email = customer?.normalized ?? "unknown@unknown.invalid"
        let recipients = (message.to + message.cc).filter { !self.threading.ownAddresses.contains($0.normalized) }
        let addressed = (message.to + message.cc).first { address in
            self.mailbox.aliases.contains(address) || address == self.mailbox.address
        }
        plan.batch.tickets.append(
            IntakeBatch.Ticket(
                id: id, customerEmail: email, customerName: customer?.displayName,
                subject: message.subject.isEmpty ? "(no subject)" : message.subject,
                description: message.reply.visible.isEmpty ? message.bodyText : message.reply.visible,
                priority: .normal, createdAt: mail.internalDate, isHistory: isHistory, linkedTicketID: linked,
                answerFrom: (addressed ?? self.mailbox.address).address))
        let participants = Set(recipients.map(\.normalized)).subtracting([email])
        for address in participants.sorted().prefix(50) {
            plan.batch.participants.append((id, address))
        }
        let candidate = TicketCandidate(
            id: id, number: 0, mailboxID: plan.batch.mailboxID, status: isHistory ? .closed : .new, resolvedAt: nil,
            customerEmail: email, participants: participants)
        lookup.ticketsByID[id] = candidate
        return id
    }

    private func planUnreadable(
        _ mail: ParsedMail, reason: String, into plan: inout Plan, nextID: () -> Int64
    ) {
        let id = StoredMessageID(nextID())
        var message = InboundMessage()
        message.subject = "(a mail that could not be read)"
        message.bodyText = "This mail could not be read: \(reason). Its bytes are kept; see martlet quarantine."
        message.reply.visible = message.bodyText
        // The same broken bytes under another UID are the same mail.
        let key = DedupeKey.of(bytes: mail.raw)
        let ticketID = TicketID(nextID())
        plan.batch.tickets.append(
            IntakeBatch.Ticket(
                id: ticketID, customerEmail: "unknown@unknown.invalid", customerName: nil, subject: message.subject,
                description: message.bodyText, priority: .high, createdAt: mail.internalDate,
                isHistory: self.isHistory(mail), linkedTicketID: nil, answerFrom: self.mailbox.address.address))
        plan.batch.messages.append(
            IntakeBatch.Message(
                id: id, ticketID: ticketID, direction: "in", dedupeKey: key, isFlagged: true, parsed: message,
                classification: MessageClassification(kind: .other, reasons: [reason], suppressAutoReply: true),
                isVerified: nil, threadReason: "could not be read", internalDate: mail.internalDate, raw: mail.raw))
        plan.batch.items.append(.init(uid: mail.uid, disposition: .quarantined, messageID: id))
        plan.batch.quarantined.append(.init(uid: mail.uid, ticketID: ticketID, reason: reason, raw: mail.raw))
        plan.batch.events.append(
            .init(ticketID: ticketID, messageID: id, kind: "quarantined", detail: ["reason": reason]))
        if !self.isHistory(mail) { plan.needsEyes.append((ticketID, reason)) }
    }

    private func addThreadKeys(
        of message: InboundMessage, ticketID: TicketID, isNew: Bool, into plan: inout Plan, lookup: inout IntakeLookup
    ) {
        guard let candidate = lookup.ticketsByID[ticketID] else { return }
        let referenced = (message.inReplyTo + message.references.suffix(20)).filter {
            self.threading.signer.verify($0) == nil
        }
        var keys = Set(
            referenced.map { IntakeBatch.ThreadKey(digest: $0.digest, ticketID: ticketID, source: .referenced) })
        if let own = message.messageID?.digest {
            keys = keys.filter { $0.digest != own }
            keys.insert(.init(digest: own, ticketID: ticketID, source: .received))
        }
        for key in keys.sorted(by: { $0.digest.lexicographicallyPrecedes($1.digest) }) {
            if lookup.threads[key.digest, default: []].contains(where: { $0.id == ticketID }) { continue }
            lookup.threads[key.digest, default: []].append(candidate)
            plan.batch.threadKeys.append(key)
        }
    }

    // MARK: - What a mail is

    /// Ours only if its Message-ID was committed before it was written and it never travelled: anything else that
    /// carries the header is ordinary mail.
    private func ownWrite(_ message: InboundMessage, lookup: IntakeLookup) -> IntakeBatch.Disposition? {
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

    private func isOwn(_ message: InboundMessage) -> Bool {
        message.from.first.map { self.threading.ownAddresses.contains($0.normalized) } ?? false
    }

    private func isHistory(_ mail: ParsedMail) -> Bool {
        if mail.uid >= self.firstNewUID { return false }
        return self.historyBefore.map { mail.internalDate < $0 } ?? true
    }

    /// A cheap look at the words, long before triage has read the mail.
    private func isPressing(_ message: InboundMessage) -> Bool {
        EscalationSigns.arePressing("\(message.subject)\n\(message.reply.visible.prefix(2_000))")
    }

    private func wantsTriage(_ classification: MessageClassification) -> Bool {
        switch classification.kind {
        case .human, .list, .other: true
        case .autoReply, .bounce, .successDSN, .feedback, .spam: false
        }
    }

    /// The newest verdict of our own mail server on DMARC; nil when none is configured or given. RFC 8601.
    private func isVerified(_ message: InboundMessage) -> Bool? {
        switch SenderVerdict(message, authservIDs: self.settings.authservIDs) {
        case .pass: true
        case .fail: false
        case .none: nil
        }
    }

    private func mayAcknowledge(
        _ mail: ParsedMail, _ message: InboundMessage, _ classification: MessageClassification, isHistory: Bool
    ) -> Bool {
        guard self.mode >= .acknowledge, !isHistory, classification.kind == .human, !classification.suppressAutoReply,
            self.isVerified(message) != false, !message.from.isEmpty
        else { return false }
        let age = self.now.timeIntervalSince(min(mail.internalDate, message.received ?? mail.internalDate))
        return age <= self.settings.automaticMaxAge / .seconds(1)
    }
}
