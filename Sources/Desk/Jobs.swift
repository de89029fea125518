internal import DeskModel
internal import DeskStore
internal import Foundation
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
struct NoticePayload: Codable { let reason: String }

/// What `acknowledge` jobs carry.
struct AcknowledgePayload: Codable {
    /// Set when the mail was too large to be fetched: its sender is told how to send it.
    var oversizedMessage: Int64?
}

extension NewJob {
    /// A person has to look at a ticket, for `reason`.
    static func notify(ticket: TicketID, reason: String) throws -> NewJob {
        let payload = try JSONEncoder().encode(NoticePayload(reason: reason))
        return NewJob(
            .notify, key: ticket.rawValue, payload: String(decoding: payload, as: UTF8.self),
            priority: JobPriority.notify)
    }

    /// The sender of `message` may be told that it has arrived, or that it was too large.
    static func acknowledge(
        ticket: TicketID, message: StoredMessageID, isOversized: Bool, after delay: Duration
    ) throws -> NewJob {
        let payload = try JSONEncoder().encode(
            AcknowledgePayload(oversizedMessage: isOversized ? message.rawValue : nil))
        return NewJob(
            .acknowledge, key: ticket.rawValue, payload: String(decoding: payload, as: UTF8.self),
            priority: JobPriority.acknowledge, due: .after(delay),
            uniqueKey: isOversized ? "size-advice:\(ticket)" : "acknowledge:\(ticket)")
    }
}

/// Analyses, drafts and decides for a batch of messages; the results and the end of the jobs are one transaction.
package struct TriageJob: JobHandler {
    package let kind: JobKind
    /// Enough texts to fill the encoder's batches: with the sentences of each mail they are several times as many. Sixteen
    /// are not faster, and an urgent mail waits for the batch before it.
    package let batchSize = 8
    /// What fails here fails in this process and not for a server's sake: after a quarter of an hour a person is told.
    package let retryPolicy = RetryPolicy(longest: .seconds(120))
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
        try await self.step.surrender(
            jobs.compactMap(\.key).map { StoredMessageID($0) }, reason: reason, in: transaction)
    }
}
