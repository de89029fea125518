internal import DeskModel
internal import DeskStore
internal import Logging
internal import MIME
internal import Postgres
internal import WorkQueue

extension TriageStep {
    /// Hands mails over to people that could not be analysed: the team is told, and the mailbox shows what waits, as far
    /// as that goes without an analysis (C8).
    func surrender(_ ids: [StoredMessageID], reason: String, in transaction: PostgresTransaction) async throws {
        let store = self.context.store
        let words = "it could not be analysed: \(reason)"
        let tickets = try await store.escalate(ids, in: transaction)
        let told = tickets.filter { self.mode(of: $0.mailboxID) > .observe }
        try await self.context.queue.enqueue(
            try told.map { try .notify(ticket: $0.ticketID, reason: words) }, in: transaction)
        do {
            let subjects = try await store.triageSubjects(ids)
            var keys = try await store.ids.take(subjects.count * 2)[...]
            let writes = subjects.flatMap { self.signs(on: $0, words, keys: (keys.removeFirst(), keys.removeFirst())) }
            _ = try await transaction.pipeline(store.planStatements(writes))
        } catch let error as PostgresError where !error.isRetryable {
            // What keeps a mail from being read must not keep people from hearing of it.
            self.context.logger.error(
                "a mail that could not be analysed is not marked", metadata: .with([.error: error]))
        }
    }

    private func signs(on subject: TriageSubject, _ words: String, keys: (Int64, Int64)) -> [MailboxWrite] {
        guard let mailbox = self.mailboxes[subject.mailboxID], self.mode(of: subject.mailboxID) > .observe else {
            return []
        }
        func write(_ id: Int64, _ kind: MailboxWrite.Kind, _ message: OutboundMessage?, flags: [String]) -> MailboxWrite
        {
            MailboxWrite(
                id: id, mailboxID: subject.mailboxID, ticketID: subject.ticketID, messageID: subject.messageID,
                kind: kind, internetMessageID: message?.messageID.text, bytes: message.map { MIMEComposer.compose($0) },
                flags: flags, internalDate: message?.date, rank: 0)
        }
        var writes: [MailboxWrite] = []
        if mailbox.marks == .keywords {
            writes.append(write(keys.0, .mark, nil, flags: ["\\Flagged", "needs-eyes"]))
        }
        if mailbox.notes != .off {
            let note = OutgoingMail(context: self.context, mailbox: mailbox, now: subject.internalDate).note(
                subject, body: BriefingNote.body(TicketNumber(subject.ticketNumber), surrendered: words),
                sequence: keys.1)
            writes.append(write(keys.1, .note, note, flags: ["\\Seen"]))
        }
        return writes
    }
}
