internal import ConnectionThread
internal import DeskModel
internal import DeskStore
internal import Foundation
internal import Logging
internal import MailTransport
internal import Postgres

/// Watches the Sent folder: an agent's answer there moves its ticket on, and every Message-ID there is one that a report
/// may be about.
struct SentObserver: Sendable {
    let context: DeskContext
    let mailbox: MailboxSettings
    let record: MailboxRecord
    let hold: MailboxHold
    let inbox: InboxProgress
    let progress: @Sendable () -> Void
    /// Outlives the sessions.
    private let suspicion = Locked(FetchSuspicion())

    init(
        context: DeskContext, mailbox: MailboxSettings, record: MailboxRecord, hold: MailboxHold, inbox: InboxProgress,
        progress: @escaping @Sendable () -> Void
    ) {
        self.context = context
        self.mailbox = mailbox
        self.record = record
        self.hold = hold
        self.inbox = inbox
        self.progress = progress
    }

    /// Until the connection breaks, the lease is lost, or the task is cancelled.
    func run() async throws {
        try await FolderImport.connecting(self.suspicion, logger: self.context.logger) { try await self.connection() }
    }

    private func connection() async throws {
        let session = try await MailboxConnection.open(self.mailbox, logger: self.context.logger)
        do {
            let mayCreate = self.context.mode(of: self.mailbox) > .observe
            let name = try await MailboxFolders.find(in: session, settings: self.mailbox, creating: mayCreate).sent
            let selected = try await session.select(name, readOnly: true)
            let folder = try await self.folder(selected, session, name: name)
            // After a new UIDVALIDITY the whole folder comes again: what is old is only counted.
            let reading = FolderImport(
                context: self.context, mailbox: self.mailbox, hold: self.hold, progress: self.progress,
                suspicion: self.suspicion, isPassedOver: Self.isHistory, mayRead: { self.inbox.mayBeFollowed },
                commit: self.commit)
            try await reading.follow(session, folder)
            await session.logout()
        } catch {
            await session.close()
            throw error
        }
    }

    /// The cursor. What was sent before the desk came is not read: it is no answer to anything the desk knows.
    private func folder(
        _ selected: SelectedFolder, _ session: IMAPSession, name: FolderName
    ) async throws -> FolderRecord {
        let store = self.context.store
        let next = try await FolderImport.nextUID(selected, session)
        let validity = selected.uidValidity.rawValue
        guard let folder = try await store.folder(named: name.text, in: self.record.id) else {
            return try await store.addFolder(
                named: name.text, role: "sent", in: self.record.id, uidValidity: validity, firstNewUID: next,
                historyBefore: nil, lastUID: max(next, 1) - 1)
        }
        guard folder.uidValidity != validity else { return folder }
        return try await store.resetFolder(folder, uidValidity: validity, firstNewUID: next)
    }

    @Sendable private static func isHistory(_ message: MessageOverview, _ folder: FolderRecord) -> Bool {
        guard message.uid.rawValue < folder.firstNewUID, let before = folder.historyBefore else { return false }
        return (message.internalDate ?? before) < before
    }

    @Sendable private func commit(
        _ mails: [ParsedMail], folder: FolderRecord, lastUID: UInt32, lease: MailboxLease
    ) async throws {
        let store = self.context.store
        let threading = self.context.threading
        let questions = ThreadQuestions(mails, threading: threading)
        let planner = SentPlanner(threading: threading)
        var keys = try await store.ids.take(mails.count * 5 + 4)[...]
        try await store.pool.withTransaction { transaction in
            let lookup = try await questions.ask(store, in: transaction)
            let drafts = try await store.liveDrafts(of: Array(lookup.ticketsByID.keys), in: transaction)
            let empty = IntakeBatch(
                mailboxID: self.record.id, folderID: folder.id, uidValidity: folder.uidValidity, lastUID: lastUID,
                leaseEpoch: lease.epoch)
            let plan = planner.plan(mails, into: empty, lookup: lookup, drafts: drafts) { keys.removeFirst() }
            let eventKeys = Array(keys.prefix(plan.batch.events.count))
            keys = keys.dropFirst(eventKeys.count)
            try await store.write(plan.batch, eventIDs: eventKeys, in: transaction)
            guard !plan.answered.isEmpty else { return }
            let answered = try await store.answered(plan.answered.sorted(), in: transaction)
            let mode = self.context.mode(of: self.mailbox)
            let writes = answered.flatMap {
                $0.writes(in: self.mailbox, mode: mode, keys: (keys.removeFirst(), keys.removeFirst()))
            }
            _ = try await transaction.pipeline(store.planStatements(writes))
        }
    }
}

extension AnsweredTicket {
    /// The draft goes, and the customer's mail carries the mark of an answered one.
    /// - Parameter mailbox: whose folders are written to; nothing is in a mode that only reads.
    func writes(in mailbox: MailboxSettings, mode: Mode, keys: (Int64, Int64)) -> [MailboxWrite] {
        guard mode > .observe else { return [] }
        func write(_ id: Int64, _ kind: MailboxWrite.Kind, flags: [String]) -> MailboxWrite {
            MailboxWrite(
                id: id, mailboxID: self.mailboxID, ticketID: self.ticketID, messageID: self.lastMailID, kind: kind,
                internetMessageID: nil, bytes: nil, flags: flags, internalDate: nil, rank: 2)
        }
        var writes = [write(keys.0, .removeDraft, flags: [])]
        if mailbox.marks == .keywords, self.lastMailID != nil {
            writes.append(write(keys.1, .mark, flags: ["\\Answered"]))
        }
        return writes
    }
}

/// Turns mails of the Sent folder into rows. Pure, as `IntakePlanner`.
struct SentPlanner {
    struct Plan {
        var batch: IntakeBatch
        /// Tickets whose customer an agent wrote to.
        var answered: Set<TicketID> = []
    }

    let threading: Threading

    /// - Parameter drafts: What was proposed for the tickets, to see what became of it.
    func plan(
        _ mails: [ParsedMail], into batch: IntakeBatch, lookup: IntakeLookup, drafts: [TicketID: String],
        nextID: () -> Int64
    ) -> Plan {
        var plan = Plan(batch: batch)
        for mail in mails {
            switch mail.content {
            case .vanished: plan.batch.items.append(.init(uid: mail.uid, disposition: .vanished))
            // Counted: what it says nobody can tell.
            case .unreadable: plan.batch.items.append(.init(uid: mail.uid, disposition: .ownSent))
            case .parsed(let message, let classification), .oversized(let message, let classification, _):
                self.add(
                    mail, message, classification, to: &plan, lookup: lookup, drafts: drafts, nextID: nextID)
            }
        }
        return plan
    }

    private func add(
        _ mail: ParsedMail, _ message: InboundMessage, _ classification: MessageClassification, to plan: inout Plan,
        lookup: IntakeLookup, drafts: [TicketID: String], nextID: () -> Int64
    ) {
        let own = message.messageID.flatMap { lookup.ownWrites[$0.text] }
        if let own, own.kind != "draft" {
            // Ours, and ends here; a report may be about it.
            let ticket = lookup.ticketsByID[own.ticketID] == nil ? nil : own.ticketID
            self.learn(message, ticket: ticket, messageID: nil, to: &plan)
            plan.batch.items.append(.init(uid: mail.uid, disposition: own.kind == "note" ? .ownNote : .ownSent))
            return
        }
        let isOurs = message.from.first.map { self.threading.ownAddresses.contains($0.normalized) } ?? false
        guard isOurs, let ticket = self.ticket(of: message, mail, lookup: lookup) else {
            if isOurs { self.learn(message, ticket: nil, messageID: nil, to: &plan) }
            plan.batch.items.append(.init(uid: mail.uid, disposition: .ownSent))
            return
        }
        let key = DedupeKey.of(message)
        let known = lookup.messages[key]
        let id = known ?? StoredMessageID(nextID())
        // What an agent asks a supplier in the customer's ticket is not what the customer was told: it is neither the
        // customer's past nor anything to learn from.
        let readers = self.outside(message)
        let isToCustomer =
            readers.contains(ticket.candidate.customerEmail) || ticket.candidate.isUnsigned && !readers.isEmpty
        let kind: MessageClassification.Kind =
            classification.kind == .autoReply ? .autoReply : isToCustomer ? .human : .other
        if known == nil {
            plan.batch.messages.append(
                IntakeBatch.Message(
                    id: id, ticketID: ticket.candidate.id, direction: "out", dedupeKey: key, isFlagged: false,
                    parsed: message,
                    classification: MessageClassification(kind: kind, reasons: ["sent by us"], suppressAutoReply: true),
                    isVerified: nil, threadReason: ticket.reason, internalDate: mail.internalDate, raw: mail.raw))
        }
        plan.batch.items.append(
            .init(uid: mail.uid, disposition: known == nil ? .message : .duplicateOf, messageID: id))
        self.learn(message, ticket: ticket.candidate.id, messageID: id, to: &plan)
        if let digest = message.messageID?.digest {
            plan.batch.threadKeys.append(.init(digest: digest, ticketID: ticket.candidate.id, source: .sent))
        }
        self.settle(ticket, message, classification, id: id, to: &plan, drafts: drafts)
    }

    /// What an agent's mail means for the ticket: an answer only when it goes to somebody who takes part.
    private func settle(
        _ ticket: (candidate: TicketCandidate, reason: String), _ message: InboundMessage,
        _ classification: MessageClassification, id: StoredMessageID, to plan: inout Plan, drafts: [TicketID: String]
    ) {
        let candidate = ticket.candidate
        let readers = self.outside(message)
        // Where nobody knows the customer, the agent does.
        let reachesCustomer =
            readers.contains { candidate.isParticipant($0) } || candidate.isUnsigned && !readers.isEmpty
        guard classification.kind != .autoReply, reachesCustomer else {
            plan.batch.events.append(
                .init(ticketID: candidate.id, messageID: id, kind: "mail", detail: ["reason": ticket.reason]))
            return
        }
        var detail = ["by": message.from.first?.normalized ?? "", "reason": ticket.reason]
        if let draft = drafts[candidate.id] { detail["draft"] = DraftUse(of: draft, in: message.reply.visible).words }
        plan.batch.events.append(
            .init(ticketID: candidate.id, messageID: id, kind: "answered", detail: detail))
        // Whom the agent lets read along may answer.
        for address in readers.sorted() where !candidate.isParticipant(address) {
            plan.batch.participants.append((candidate.id, address))
        }
        plan.answered.insert(candidate.id)
        if let status = candidate.status.after(.answered) { plan.batch.statuses[candidate.id] = status }
    }

    /// Readers who are none of us, lower case.
    private func outside(_ message: InboundMessage) -> Set<String> {
        Set((message.to + message.cc).map(\.normalized)).subtracting(self.threading.ownAddresses)
    }

    private func ticket(
        of message: InboundMessage, _ mail: ParsedMail, lookup: IntakeLookup
    ) -> (candidate: TicketCandidate, reason: String)? {
        switch self.threading.assignment(of: message, received: mail.internalDate, lookup: lookup) {
        case .attach(let ticket, let reason), .attachFlagged(let ticket, let reason): (ticket, reason)
        // An agent may write in a ticket that is done.
        case .open(let linked, false, let reason): linked.flatMap { lookup.ticketsByID[$0] }.map { ($0, reason) }
        case .open: nil
        }
    }

    private func learn(
        _ message: InboundMessage, ticket: TicketID?, messageID: StoredMessageID?, to plan: inout Plan
    ) {
        guard let digest = message.messageID?.digest else { return }
        plan.batch.sentIDs.append(.init(digest: digest, ticketID: ticket, messageID: messageID))
    }
}

/// What an agent made of a draft.
struct DraftUse: Equatable {
    /// Share of the draft's lines that stand in the mail, 0…1.
    let kept: Double
    /// Lines of the mail that are not the draft's.
    let added: Int

    init(of draft: String, in sent: String) {
        let proposed = Self.lines(draft)
        let written = Set(Self.lines(sent))
        self.added = written.subtracting(proposed).count
        guard !proposed.isEmpty else {
            self.kept = 0
            return
        }
        self.kept = Double(proposed.count { written.contains($0) }) / Double(proposed.count)
    }

    var words: String {
        if self.kept == 1 {
            if self.added == 0 { return "sent as it is" }
            return "kept whole, \(self.added) \(self.added == 1 ? "line" : "lines") added"
        }
        return self.kept == 0 ? "not used" : "edited, \(Int((self.kept * 100).rounded())) % of its lines kept"
    }

    private static func lines(_ text: String) -> [String] {
        text.split(whereSeparator: \.isNewline)
            .map { $0.split(whereSeparator: \.isWhitespace).joined(separator: " ") }.filter { !$0.isEmpty }
    }
}
