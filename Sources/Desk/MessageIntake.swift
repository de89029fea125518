internal import DeskModel
internal import DeskStore
internal import Foundation
internal import Logging
internal import MailTransport
internal import Postgres
internal import WorkQueue

/// Turns fetched mails into rows: parse before the transaction, then raw bytes, messages, tickets, cursor and jobs in
/// one transaction (C1–C3).
struct MessageIntake: Sendable {
    let context: DeskContext
    let mailbox: MailboxSettings
    let mailboxID: MailboxID

    /// Commits a batch and its cursor.
    @Sendable func commit(
        _ mails: [ParsedMail], folder: FolderRecord, lastUID: UInt32, lease: MailboxLease
    ) async throws {
        let threading = self.context.threading
        let questions = ThreadQuestions(mails, threading: threading)
        let planner = self.planner(folder)
        let store = self.context.store
        // A message, a ticket, a mark, and a few events for each mail; an event for each address that a report names.
        let failures = mails.reduce(0) { $0 + $1.namedFailures }
        var keys = try await store.ids.take(mails.count * 8 + failures)[...]
        try await store.pool.withTransaction { transaction in
            let lookup = try await questions.ask(store, in: transaction)
            let empty = IntakeBatch(
                mailboxID: self.mailboxID, folderID: folder.id, uidValidity: folder.uidValidity, lastUID: lastUID,
                leaseEpoch: lease.epoch)
            let plan = planner.plan(mails, into: empty, lookup: lookup) { keys.removeFirst() }
            let eventKeys = Array(keys.prefix(plan.batch.events.count + plan.batch.quarantined.count))
            keys = keys.dropFirst(eventKeys.count)
            try await self.context.queue.enqueue(try self.jobs(plan), in: transaction)
            try await store.write(plan.batch, eventIDs: eventKeys, in: transaction)
            guard !plan.marks.isEmpty else { return }
            let marks = plan.marks.map { self.mark($0.messageID, of: $0.ticketID, id: keys.removeFirst()) }
            _ = try await transaction.pipeline(store.planStatements(marks))
        }
    }

    func planner(_ folder: FolderRecord) -> IntakePlanner {
        IntakePlanner(
            mailbox: self.mailbox, settings: self.context.settings, threading: self.context.threading,
            firstNewUID: folder.firstNewUID, historyBefore: folder.historyBefore, now: Date(),
            agents: self.context.agentAddresses)
    }

    /// Shows in the mail client that only a person can do something with this mail.
    private func mark(_ message: StoredMessageID, of ticket: TicketID, id: Int64) -> MailboxWrite {
        MailboxWrite(
            id: id, mailboxID: self.mailboxID, ticketID: ticket, messageID: message, kind: .mark,
            internetMessageID: nil, bytes: nil, flags: self.mailbox.marks == .keywords ? ["needs-eyes"] : [],
            internalDate: nil, rank: 0)
    }

    func jobs(_ plan: IntakePlanner.Plan) throws -> [NewJob] {
        var jobs = plan.triage.map { message, isHistory, isPressing in
            let priority =
                isHistory ? JobPriority.backfill : isPressing ? JobPriority.pressing : JobPriority.triage
            return NewJob(isHistory ? .backfill : .triage, key: message.rawValue, priority: priority)
        }
        for (ticket, message, isOversized) in plan.acknowledge {
            jobs.append(
                try .acknowledge(
                    ticket: ticket, message: message, isOversized: isOversized,
                    after: self.context.settings.acknowledgement.delay))
        }
        let mode = self.context.mode(of: self.mailbox)
        for (ticket, reason) in plan.needsEyes where mode > .observe {
            jobs.append(try .notify(ticket: ticket, reason: reason))
        }
        return jobs
    }
}
