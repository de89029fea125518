package import DeskModel
internal import DeskStore
internal import Foundation
internal import Logging
internal import MIME
package import Postgres
package import WorkQueue

/// The kinds of jobs of the desk.
extension JobKind {
    /// Key: message. Analyse, draft, decide.
    static let triage: JobKind = "triage"
    /// As `triage`, for mail from before the desk: analysis only, when nothing else is to do.
    static let backfill: JobKind = "backfill"
    /// Key: ticket. Tell the customer that the mail has arrived.
    static let acknowledge: JobKind = "acknowledge"
    /// Key: ticket. Tell the team about something that only a person can settle.
    static let notify: JobKind = "notify"
}

/// Higher is done first.
enum JobPriority {
    static let backfill: Int16 = 0
    static let acknowledge: Int16 = 4
    static let triage: Int16 = 5
    /// Triage of a mail whose words call for a person.
    static let pressing: Int16 = 7
    static let notify: Int16 = 8
}

/// What `notify` jobs carry.
private struct NoticePayload: Codable { let reason: String }

extension NewJob {
    /// A person has to look at a ticket, for `reason`.
    static func notify(ticket: TicketID, reason: String) throws -> NewJob {
        let payload = try JSONEncoder().encode(NoticePayload(reason: reason))
        return NewJob(
            .notify, key: ticket.rawValue, payload: String(decoding: payload, as: UTF8.self),
            priority: JobPriority.notify)
    }
}

/// Analyses, drafts and decides for a batch of messages; the results and the end of the jobs are one transaction.
package struct TriageJob: JobHandler {
    package let kind: JobKind
    /// As many texts as fill the encoder's batches; more would only make the first one wait.
    package let batchSize = 16
    private let step: TriageStep
    package let width: Int
    private let isBackfill: Bool
    private let progress: @Sendable () -> Void

    /// - Parameter width: Batches at the same time; one for each worker of the encoder.
    package init(step: TriageStep, isBackfill: Bool, width: Int, progress: @escaping @Sendable () -> Void) {
        self.width = width
        self.kind = isBackfill ? .backfill : .triage
        self.step = step
        self.isBackfill = isBackfill
        self.progress = progress
    }

    package func perform(_ jobs: [ClaimedJob], context: JobContext) async throws {
        let ids = jobs.compactMap(\.key).map { StoredMessageID($0) }
        let statements = try await self.step.statements(for: ids, isBackfill: self.isBackfill)
        self.progress()
        try await context.commit(jobs.map { ($0, .done) }) { transaction in
            if !statements.isEmpty { try await transaction.pipeline(statements) }
        }
        self.progress()
    }

    /// The desk could not think about these: a person does (C8).
    package func discard(
        _ jobs: [ClaimedJob], reason: String, in transaction: PostgresTransaction
    ) async throws {
        guard !self.isBackfill else { return }
        let subjects = try await self.step.context.store.triageSubjects(
            jobs.compactMap(\.key).map { StoredMessageID($0) })
        try await self.step.context.queue.enqueue(
            try subjects.map { try .notify(ticket: $0.ticketID, reason: "triage failed: \(reason)") }, in: transaction)
    }
}

/// Queues the acknowledgement of a new ticket, once, unless somebody answered first.
package struct AcknowledgeJob: JobHandler {
    package let kind = JobKind.acknowledge
    package let batchSize = 16
    private let context: DeskContext
    private let mailboxes: [MailboxID: MailboxSettings]

    package init(context: DeskContext, mailboxes: [MailboxID: MailboxSettings]) {
        self.context = context
        self.mailboxes = mailboxes
    }

    package func perform(_ jobs: [ClaimedJob], context: JobContext) async throws {
        let store = self.context.store
        let subjects = try await store.triageSubjects(
            firstMessagesOf: jobs.compactMap(\.key).map { TicketID($0) })
        let keys = try await store.ids.take(subjects.count)
        let mails = zip(subjects, keys).compactMap { self.mail($0, id: $1) }
        try await context.commit(jobs.map { ($0, .done) }) { transaction in
            let statements = store.queueStatements(mails)
            if !statements.isEmpty { try await transaction.pipeline(statements) }
        }
    }

    private func mail(_ subject: TriageSubject, id: Int64) -> OutboxMail? {
        guard let mailbox = self.mailboxes[subject.mailboxID], subject.status == .new || subject.status == .open,
            self.context.mode(of: mailbox) >= .acknowledge
        else { return nil }
        let outgoing = OutgoingMail(context: self.context, mailbox: mailbox, now: Date())
        guard let message = outgoing.acknowledgement(subject, sequence: id) else { return nil }
        return OutboxMail(
            id: OutboxID(id), mailboxID: subject.mailboxID, ticketID: subject.ticketID, kind: .acknowledgement,
            internetMessageID: message.messageID.text,
            // The null path: whatever bounces must not come back as mail to the desk (RFC 3834 §3.3).
            envelopeFrom: nil, recipients: message.to.map(\.address), bytes: MIMEComposer.compose(message), dueAt: nil)
    }
}

/// Tells the team about something that only a person can settle (C8).
package struct NotifyJob: JobHandler {
    package let kind = JobKind.notify
    package let batchSize = 16
    private let context: DeskContext
    private let mailboxes: [MailboxID: MailboxSettings]

    package init(context: DeskContext, mailboxes: [MailboxID: MailboxSettings]) {
        self.context = context
        self.mailboxes = mailboxes
    }

    package func perform(_ jobs: [ClaimedJob], context: JobContext) async throws {
        let store = self.context.store
        let subjects = try await store.triageSubjects(firstMessagesOf: jobs.compactMap(\.key).map { TicketID($0) })
        let byTicket = Dictionary(subjects.map { ($0.ticketID.rawValue, $0) }, uniquingKeysWith: { first, _ in first })
        var keys = try await store.ids.take(jobs.count * 2)[...]
        var statements: [SQL] = []
        for job in jobs {
            guard let key = job.key, let subject = byTicket[key] else { continue }
            let reason =
                (try? JSONDecoder().decode(NoticePayload.self, from: Data(job.payload.utf8)))?.reason ?? "a step failed"
            statements.append(
                store.eventStatement(
                    id: keys.removeFirst(), ticketID: subject.ticketID, kind: "needs-eyes", detail: ["reason": reason]))
            if let mail = self.mail(subject, reason: reason, id: keys.removeFirst()) {
                statements += store.queueStatements([mail])
            }
        }
        let all = statements
        try await context.commit(jobs.map { ($0, .done) }) { transaction in
            if !all.isEmpty { try await transaction.pipeline(all) }
        }
    }

    private func mail(_ subject: TriageSubject, reason: String, id: Int64) -> OutboxMail? {
        let team = self.context.settings.escalation.team
        guard let mailbox = self.mailboxes[subject.mailboxID], !team.isEmpty else { return nil }
        let number = TicketNumber(subject.ticketNumber)
        let outgoing = OutgoingMail(context: self.context, mailbox: mailbox, now: Date())
        let message = outgoing.notice(
            ticket: subject.ticketID, to: team, subject: "[\(number)] needs your eyes",
            body: """
                \(number) needs a person: \(reason).

                Subject: \(subject.subject)
                Customer: \(subject.customerEmail)

                martlet tickets show \(number)
                """, sequence: id)
        return OutboxMail(
            id: OutboxID(id), mailboxID: subject.mailboxID, ticketID: subject.ticketID, kind: .notice,
            internetMessageID: message.messageID.text, envelopeFrom: nil, recipients: team.map(\.address),
            bytes: MIMEComposer.compose(message), dueAt: nil)
    }
}
