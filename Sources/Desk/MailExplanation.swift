package import DeskModel
internal import DeskStore
internal import Foundation
internal import Postgres

/// What the desk would make of a mail, or made of it, and why; nothing is changed.
package struct MailExplanation: Sendable {
    package var subject: String
    package var from: String?
    package var kind: MessageClassification.Kind
    package var kindReasons: [String]
    /// The verdict of our own mail server; nil when it gives none that counts.
    package var isVerified: Bool?
    /// The stored message, when the mail is known.
    package var knownAs: StoredMessageID?
    /// The ticket that it is in or would join; nil for a new one or none.
    package var ticket: TicketNumber?
    package var opensTicket: Bool
    package var threadReason: String
    package var isFlagged: Bool
    package var isThanks: Bool
    package var isAnalysed: Bool
    package var mayBeAcknowledged: Bool
    package var repairs: [String]

    /// - Parameter mailbox: The mailbox that it is thought to have come to.
    /// - Throws: `PostgresError`; `StoreError.conflict` when the mail cannot be read.
    package static func of(
        _ bytes: [UInt8], mailbox: MailboxSettings, context: DeskContext
    ) async throws -> MailExplanation {
        let content = await context.parser.read(bytes, suspect: true)
        guard case .parsed(let message, let classification) = content else {
            throw StoreError(.conflict, "the mail cannot be read and would be quarantined")
        }
        let received = message.received ?? Date()
        let mail = ParsedMail(uid: 1, internalDate: received, raw: bytes, content: content)
        let questions = ThreadQuestions([mail], threading: context.threading)
        let planner = IntakePlanner(
            mailbox: mailbox, settings: context.settings, threading: context.threading, firstNewUID: 1,
            historyBefore: nil, now: Date(), agents: context.agentAddresses)
        let store = context.store
        let lookup = try await store.pool.withTransaction { try await questions.ask(store, in: $0) }
        let known = lookup.messages[DedupeKey.of(message)]
        // A known mail would be a second copy: the plan is that of the first.
        var fresh = lookup
        fresh.messages = [:]
        var next: Int64 = 0
        let empty = IntakeBatch(
            mailboxID: MailboxID(0), folderID: FolderID(0), uidValidity: 1, lastUID: 1, leaseEpoch: 0)
        let plan = planner.plan([mail], into: empty, lookup: fresh) {
            next -= 1
            return next
        }
        let row = plan.batch.messages.first
        let stored = try await known.asyncMap { try await store.threadedMessage($0) }
        let joined = row?.ticketID.flatMap { fresh.ticketsByID[$0] }.map { TicketNumber($0.number) }
        return MailExplanation(
            subject: message.subject, from: message.from.first?.address,
            kind: row?.classification.kind ?? classification.kind,
            kindReasons: row?.classification.reasons ?? classification.reasons, isVerified: row?.isVerified,
            knownAs: known, ticket: stored?.number ?? joined, opensTicket: known == nil && !plan.batch.tickets.isEmpty,
            threadReason: stored?.reason ?? row?.threadReason ?? "a mail of the desk itself",
            isFlagged: row?.isFlagged ?? false, isThanks: row?.isThanks ?? false,
            isAnalysed: !plan.triage.isEmpty, mayBeAcknowledged: known == nil && !plan.acknowledge.isEmpty,
            repairs: message.repairs)
    }
}

extension Optional {
    fileprivate func asyncMap<Value>(_ body: (Wrapped) async throws -> Value?) async rethrows -> Value? {
        guard let self else { return nil }
        return try await body(self)
    }
}
