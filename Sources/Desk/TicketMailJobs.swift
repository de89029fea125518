package import DeskModel
internal import DeskStore
internal import Foundation
internal import Postgres
package import WorkQueue

/// Queues the acknowledgement of a new ticket, once, unless somebody answered first; or the advice how to send what was
/// too large.
package struct AcknowledgeJob: JobHandler {
    package let kind = JobKind.acknowledge
    package let batchSize = 16
    private let mails: TicketMails

    package init(context: DeskContext, mailboxes: [MailboxID: MailboxSettings]) {
        self.mails = TicketMails(context: context, mailboxes: mailboxes)
    }

    package func perform(_ jobs: [ClaimedJob], context: JobContext) async throws {
        var tickets: [TicketID] = []
        var oversized: [StoredMessageID] = []
        for job in jobs {
            let payload: AcknowledgePayload? = job.decodedPayload()
            if let message = payload?.oversizedMessage {
                oversized.append(StoredMessageID(message))
            } else if let key = job.key {
                tickets.append(TicketID(key))
            }
        }
        let store = self.mails.context.store
        let subjects = try await store.triageSubjects(firstMessagesOf: tickets)
        let advised = try await store.triageSubjects(oversized)
        var keys = try await store.ids.take(subjects.count + advised.count)[...]
        let queued =
            subjects.compactMap { self.mails.acknowledgement(of: $0, id: keys.removeFirst()) }
            + advised.compactMap { self.mails.sizeAdvice(on: $0, id: keys.removeFirst()) }
        try await context.commit(jobs.map { ($0, .done) }) { transaction in
            let statements = store.queueStatements(queued)
            if !statements.isEmpty { try await transaction.pipeline(statements) }
        }
    }
}

/// Tells the team about something that only a person can settle (C8).
package struct NotifyJob: JobHandler {
    package let kind = JobKind.notify
    package let batchSize = 16
    private let mails: TicketMails

    package init(context: DeskContext, mailboxes: [MailboxID: MailboxSettings]) {
        self.mails = TicketMails(context: context, mailboxes: mailboxes)
    }

    package func perform(_ jobs: [ClaimedJob], context: JobContext) async throws {
        let store = self.mails.context.store
        let targets = try await store.mergeTargets(of: jobs.compactMap(\.key).map { TicketID($0) })
        let subjects = try await store.triageSubjects(firstMessagesOf: Array(Set(targets.values)))
        let byTicket = Dictionary(subjects.map { ($0.ticketID.rawValue, $0) }, uniquingKeysWith: { first, _ in first })
        var keys = try await store.ids.take(jobs.count * 2)[...]
        var statements: [SQL] = []
        for job in jobs {
            guard let key = job.key, let target = targets[TicketID(key)], let subject = byTicket[target.rawValue] else {
                continue
            }
            let payload: NoticePayload? = job.decodedPayload()
            let reason = payload?.reason ?? "a step failed"
            statements.append(
                store.eventStatement(
                    id: keys.removeFirst(), ticketID: subject.ticketID, kind: "needs-eyes", detail: ["reason": reason]))
            if let mail = self.mails.notice(about: subject, reason: reason, id: keys.removeFirst()) {
                statements += store.queueStatements([mail])
            }
        }
        let all = statements
        try await context.commit(jobs.map { ($0, .done) }) { transaction in
            if !all.isEmpty { try await transaction.pipeline(all) }
        }
    }
}

extension ClaimedJob {
    fileprivate func decodedPayload<Payload: Decodable>() -> Payload? {
        try? JSONDecoder().decode(Payload.self, from: Data(self.payload.utf8))
    }
}

/// Builds the mails that jobs queue about tickets.
private struct TicketMails: Sendable {
    let context: DeskContext
    let mailboxes: [MailboxID: MailboxSettings]

    func acknowledgement(of subject: TriageSubject, id: Int64) -> OutboxMail? {
        guard let outgoing = self.automatic(subject) else { return nil }
        guard let message = outgoing.acknowledgement(subject, sequence: id) else { return nil }
        return outgoing.queued(message, .acknowledgement, about: subject, id: id)
    }

    func sizeAdvice(on subject: TriageSubject, id: Int64) -> OutboxMail? {
        guard let outgoing = self.automatic(subject) else { return nil }
        guard let message = outgoing.sizeAdvice(subject, sequence: id) else { return nil }
        return outgoing.queued(message, .sizeAdvice, about: subject, id: id)
    }

    func notice(about subject: TriageSubject, reason: String, id: Int64) -> OutboxMail? {
        let team = self.context.settings.escalation.recipients(category: nil)
        var subject = subject
        // Its mailbox may be configured no more; the team hears of its tickets all the same.
        if self.mailboxes[subject.mailboxID] == nil, let other = self.mailboxes.keys.min() { subject.mailboxID = other }
        guard let outgoing = self.outgoing(subject), !team.isEmpty else { return nil }
        let number = TicketNumber(subject.ticketNumber)
        let message = outgoing.notice(
            ticket: subject.ticketID, to: team, subject: "[\(number)] needs your eyes: \(reason)",
            body: """
                \(number) needs a person: \(reason).

                Subject: \(subject.subject)
                Customer: \(subject.isUnsigned ? "not told by the sender" : subject.customerEmail)

                martlet tickets show \(number)
                """, sequence: id)
        return outgoing.queued(message, .notice, about: subject, id: id)
    }

    private func outgoing(_ subject: TriageSubject) -> OutgoingMail? {
        self.mailboxes[subject.mailboxID].map { OutgoingMail(context: self.context, mailbox: $0, now: Date()) }
    }

    /// nil when nothing may go to the customer without a person.
    private func automatic(_ subject: TriageSubject) -> OutgoingMail? {
        guard let outgoing = self.outgoing(subject), subject.status == .new || subject.status == .open,
            self.context.mode(of: outgoing.mailbox) >= .acknowledge
        else { return nil }
        return outgoing
    }
}
