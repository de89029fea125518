internal import DeskModel
internal import DeskStore
internal import Foundation
internal import MailTransport

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
        var acknowledge: [(ticketID: TicketID, messageID: StoredMessageID, isOversized: Bool)] = []
        /// Tickets that need a person's eyes at once: mail that could not be read.
        var needsEyes: [(ticketID: TicketID, reason: String)] = []
        /// Mails that carry the keyword `needs-eyes` in the mailbox from now on.
        var marks: [(ticketID: TicketID, messageID: StoredMessageID)] = []
    }

    let mailbox: MailboxSettings
    let settings: DeskSettings
    let threading: Threading
    let firstNewUID: UInt32
    let historyBefore: Date?
    let now: Date
    /// Addresses of people who answer customers, lower case.
    var agents: Set<String> = []

    var mode: Mode { self.mailbox.mode ?? self.settings.mode }

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
                self.planUnreadable(mail, reason: reason, into: &plan, lookup: &lookup, nextID: nextID)
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
        let person = self.person(behind: message)
        var classification = classification
        if let person {
            // A person wrote it, but not from the address that would get the answer.
            classification = MessageClassification(
                kind: .human, reasons: [person.reason] + classification.reasons, suppressAutoReply: true)
        }

        let thread = self.thread(
            mail, message, &classification, id: id, person: person, isHistory: isHistory, into: &plan,
            lookup: &lookup, nextID: nextID)
        if let ownDigest { lookup.receivedIDs.insert(ownDigest) }
        let isOwn = person == nil && !thread.isUnsigned && self.isOwn(message)
        let isVerified = self.isVerified(message)
        // Anybody can write our address into From: what the desk said is believed from the Sent folder, or when our own
        // mail server vouches for it.
        let isForgeable = isOwn && isVerified != true
        var row = IntakeBatch.Message(
            id: id, ticketID: thread.ticketID, direction: isOwn ? "out" : "in", dedupeKey: key,
            isFlagged: sameIDOtherContent || thread.isFlagged || isVerified == false || isForgeable,
            parsed: message,
            classification: classification, isVerified: isVerified, threadReason: thread.reason,
            internalDate: mail.internalDate,
            raw: mail.raw)
        row.isThanks = thread.isThanks
        if !isOwn, classification.kind == .human {
            row.textKey = TextKey.of(message.reply.visible)
            if isVerified == true, let address = message.from.first?.normalized {
                plan.batch.reachable.insert(address)
            }
        }
        plan.batch.messages.append(row)
        plan.batch.items.append(
            .init(
                uid: mail.uid, disposition: oversized != nil ? .oversized : isHistory ? .history : .message,
                messageID: id))
        guard let ticketID = thread.ticketID else { return }
        if oversized != nil, !isOwn, !isHistory, self.mode > .observe { plan.marks.append((ticketID, id)) }
        self.addThreadKeys(of: message, ticketID: ticketID, isNew: thread.isNew, into: &plan, lookup: &lookup)
        plan.batch.events.append(
            .init(
                ticketID: ticketID, messageID: id,
                kind: thread.isNew ? "opened" : thread.isThanks ? "thanks" : "mail",
                detail: ["reason": thread.reason, "kind": classification.kind.rawValue]))
        if let oversized {
            plan.needsEyes.append((ticketID, "the mail has \(oversized) octets, more than is fetched"))
        }
        guard !isOwn else { return }
        // What the team says in answer to a notice is no question.
        let isTalk = thread.isThanks || thread.isFlagged && !thread.isNew && self.isStaff(message)
        if self.wantsTriage(classification) && !isTalk || isHistory {
            let isAnswered = lookup.ticketsByID[ticketID]?.wasAnsweredAutomatically ?? false
            plan.triage.append((id, isHistory, !isHistory && (isAnswered || self.isPressing(message))))
        }
        if thread.isNew || oversized != nil, !row.isFlagged,
            self.mayAcknowledge(mail, message, classification, isHistory: isHistory)
        {
            plan.acknowledge.append((ticketID, id, oversized != nil))
        }
    }

    private func person(behind message: InboundMessage) -> Correspondent? {
        Correspondent(
            of: message, isVerified: self.isVerified(message), own: self.threading.ownAddresses, agents: self.agents)
    }

    private struct Thread {
        var ticketID: TicketID?
        var isNew = false
        var isFlagged = false
        var isThanks = false
        /// In our own name, and somebody's question all the same.
        var isUnsigned = false
        var reason: String
    }

    private func thread(
        _ mail: ParsedMail, _ message: InboundMessage, _ classification: inout MessageClassification,
        id: StoredMessageID, person: Correspondent?, isHistory: Bool, into plan: inout Plan,
        lookup: inout IntakeLookup, nextID: () -> Int64
    ) -> Thread {
        if let report = self.threading.reported(by: message, classification, lookup: lookup) {
            if !isHistory { self.addReport(report, classification, id: id, into: &plan, lookup: &lookup) }
            return Thread(ticketID: report.ticket.id, reason: "reports on our mail \(report.original.text)")
        }
        let assignment = self.threading.assignment(of: message, received: mail.internalDate, lookup: lookup)
        switch assignment {
        case .attach(let ticket, let reason):
            self.believe(&classification, in: ticket)
            let isUnsigned = self.isUnsigned(message, person: person, opens: false)
            if isUnsigned { self.takeUp(&classification) }
            var thread = self.join(
                ticket, message, classification, id: id, reason: reason, isOurs: !isUnsigned && self.isOwn(message),
                isHistory: isHistory, into: &plan, lookup: &lookup)
            thread.isUnsigned = isUnsigned
            // Whether the ticket's customer wrote it nobody can tell.
            thread.isFlagged = isUnsigned && !ticket.isUnsigned
            return thread
        case .attachFlagged(let ticket, let reason):
            // Perhaps the customer from another address: a person looks, and nothing goes out by itself.
            self.believe(&classification, in: ticket)
            if !isHistory, classification.kind == .human, !self.isStaff(message),
                let status = ticket.status.after(.customerWrote)
            {
                plan.batch.statuses[ticket.id] = status
            }
            return Thread(ticketID: ticket.id, isFlagged: true, reason: reason)
        case .open(let linked, let isStranger, let reason):
            // Robots and bounces that answer nothing of ours are kept, but are nobody's work. What only sounds like one is:
            // a customer who is taken for a robot loses an acknowledgement, never the ticket.
            if classification.isByWords {
                classification.kind = .human
                classification.reasons.append("opens a ticket all the same: only its words are a robot's")
            }
            switch classification.kind {
            case .autoReply, .bounce, .successDSN, .feedback:
                return Thread(ticketID: nil, reason: "automatic mail that belongs to no ticket")
            case .human, .list, .spam, .other: break
            }
            if isStranger || OwnTrace.isIn(message, signer: self.threading.signer) {
                // Perhaps a robot that answers us from a new address each time.
                classification.suppressAutoReply = true
                classification.reasons.append("carries or quotes something of ours")
            }
            let isUnsigned = self.isUnsigned(message, person: person, opens: true)
            if isUnsigned { self.takeUp(&classification) }
            let ticketID = self.openTicket(
                mail, message, customer: isUnsigned ? nil : person?.address ?? message.from.first, linked: linked,
                isHistory: isHistory, into: &plan, lookup: &lookup, nextID: nextID)
            return Thread(
                ticketID: ticketID, isNew: true, isUnsigned: isUnsigned,
                reason: person.map { "\(reason); \($0.reason)" } ?? reason)
        }
    }

    /// Nobody of us has seen what came in our own name: it is a person's work, and nothing automatic answers it.
    private func takeUp(_ classification: inout MessageClassification) {
        if classification.kind == .other { classification.kind = .human }
        classification.suppressAutoReply = true
        classification.reasons.append("sent to us in our own name: nobody is known whom an answer could go to")
    }

    /// A guess must not lose a customer: a ticket that waits for their word opens by it. One that is open has its draft
    /// already, which a robot's words would only spoil.
    private func believe(_ classification: inout MessageClassification, in ticket: TicketCandidate) {
        guard classification.isByWords, ticket.status == .pending || ticket.status == .resolved else { return }
        classification.kind = .human
        classification.reasons.append("opens the ticket all the same: only its words are a robot's")
    }

    /// A mail of somebody who takes part in the ticket.
    /// - Parameter isOurs: What the desk itself or an agent says changes nothing here; Sent tells of it.
    private func join(
        _ ticket: TicketCandidate, _ message: InboundMessage, _ classification: MessageClassification,
        id: StoredMessageID, reason: String, isOurs: Bool, isHistory: Bool, into plan: inout Plan,
        lookup: inout IntakeLookup
    ) -> Thread {
        var thread = Thread(ticketID: ticket.id, reason: reason)
        let isPerson = classification.kind == .human || classification.kind == .list
        guard isPerson, !isOurs, !isHistory else { return thread }
        if message.attachments.isEmpty, ThanksNote.matches(message.reply.visible) {
            thread.isThanks = true
            thread.reason += "; says thanks and nothing else"
            return thread
        }
        if let status = ticket.status.after(.customerWrote) { plan.batch.statuses[ticket.id] = status }
        let others = Self.others(message, own: self.threading.ownAddresses, customer: ticket.customerEmail)
            .subtracting(ticket.participants).sorted().prefix(max(0, Self.participantLimit - ticket.participants.count))
        for address in others { plan.batch.participants.append((ticket.id, address)) }
        var widened = ticket
        widened.participants.formUnion(others)
        lookup.ticketsByID[ticket.id] = widened
        let subject = BaseSubject.of(message.subject)
        // Our own mails name the ticket in their subjects: who replies to one has not changed the subject.
        if !subject.isEmpty, !ticket.subject.isEmpty, Threading.ticketNumber(in: subject)?.value != ticket.number,
            subject.lowercased() != BaseSubject.of(ticket.subject).lowercased()
        {
            plan.batch.events.append(
                .init(ticketID: ticket.id, messageID: id, kind: "subject-changed", detail: ["to": subject]))
        }
        return thread
    }

    private static let participantLimit = 50

    /// Whom a mail was sent to besides us and the customer; lower case.
    private static func others(_ message: InboundMessage, own: Set<String>, customer: String) -> Set<String> {
        Set((message.to + message.cc).map(\.normalized)).subtracting(own).subtracting([customer])
    }

    private func openTicket(
        _ mail: ParsedMail, _ message: InboundMessage, customer: MailAddress?, linked: TicketID?, isHistory: Bool,
        into plan: inout Plan, lookup: inout IntakeLookup, nextID: () -> Int64
    ) -> TicketID {
        let id = TicketID(nextID())
        let email = customer?.normalized ?? MailAddress.unknown
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
        let participants = Set(
            Self.others(message, own: self.threading.ownAddresses, customer: email).sorted()
                .prefix(Self.participantLimit))
        for address in participants.sorted() { plan.batch.participants.append((id, address)) }
        let candidate = TicketCandidate(
            id: id, number: 0, mailboxID: plan.batch.mailboxID, status: isHistory ? .closed : .new, resolvedAt: nil,
            customerEmail: email, participants: participants, subject: message.subject)
        lookup.ticketsByID[id] = candidate
        return id
    }

    private func planUnreadable(
        _ mail: ParsedMail, reason: String, into plan: inout Plan, lookup: inout IntakeLookup, nextID: () -> Int64
    ) {
        // The same broken bytes under another UID are the same mail.
        let key = DedupeKey.of(bytes: mail.raw)
        if let existing = lookup.messages[key] {
            plan.batch.items.append(.init(uid: mail.uid, disposition: .duplicateOf, messageID: existing))
            return
        }
        let id = StoredMessageID(nextID())
        lookup.messages[key] = id
        var message = InboundMessage()
        message.subject = "(a mail that could not be read)"
        message.bodyText = "This mail could not be read: \(reason). Its bytes are kept; see martlet quarantine."
        message.reply.visible = message.bodyText
        let ticketID = TicketID(nextID())
        plan.batch.tickets.append(
            IntakeBatch.Ticket(
                id: ticketID, customerEmail: MailAddress.unknown, customerName: nil, subject: message.subject,
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
        guard !self.isHistory(mail) else { return }
        plan.needsEyes.append((ticketID, reason))
        if self.mode > .observe { plan.marks.append((ticketID, id)) }
    }

    private func addThreadKeys(
        of message: InboundMessage, ticketID: TicketID, isNew: Bool, into plan: inout Plan, lookup: inout IntakeLookup
    ) {
        guard let candidate = lookup.ticketsByID[ticketID] else { return }
        let referenced = (message.inReplyTo + message.references.suffix(20)).filter {
            self.threading.signer.verify($0) == nil
        }
        let digests = referenced.map(\.digest) + self.threading.references(of: message).map(\.digest)
        var keys = Set(digests.map { IntakeBatch.ThreadKey(digest: $0, ticketID: ticketID, source: .referenced) })
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
}
