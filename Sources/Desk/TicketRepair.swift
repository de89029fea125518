package import DeskModel
package import DeskStore
internal import Foundation
internal import Postgres
internal import WorkQueue

/// Puts right what was threaded wrongly: every repair is an event and can be taken back.
package struct TicketRepair: Sendable {
    private let context: DeskContext
    private let actor: String

    /// - Parameter actor: Who does it, for the events.
    package init(context: DeskContext, actor: String) {
        self.context = context
        self.actor = actor
    }

    /// Moves mails of a ticket to a new one.
    /// - Parameter mail: Its place in the ticket, from 1, or its id.
    package func cut(_ number: TicketNumber, at mail: Int64, _ cut: DeskStore.Cut) async throws -> Repair {
        try await self.repaired { store, transaction in
            try await store.cut(
                number, at: mail, cut, own: self.context.ownAddresses, actor: self.actor, in: transaction)
        }
    }

    package func merge(
        _ number: TicketNumber, into target: TicketNumber, mixesCustomers: Bool
    ) async throws -> Repair {
        try await self.repaired { store, transaction in
            try await store.merge(
                number, into: target, mixesCustomers: mixesCustomers, actor: self.actor, in: transaction)
        }
    }

    package func undo(_ number: TicketNumber) async throws -> Repair {
        try await self.repaired { store, transaction in
            try await store.undoRepair(of: number, actor: self.actor, in: transaction)
        }
    }

    /// Repairs and, in the same transaction, asks for the draft that now fits.
    private func repaired(
        _ body: (DeskStore, PostgresTransaction) async throws -> Repair
    ) async throws -> Repair {
        let store = self.context.store
        return try await store.pool.withTransaction { transaction in
            let repair = try await body(store, transaction)
            if let newest = repair.newest {
                try await self.context.queue.enqueue(
                    [NewJob(.triage, key: newest.rawValue, priority: JobPriority.triage)], in: transaction)
            }
            return repair
        }
    }
}

/// Reads a quarantined mail again, with the parser of today.
package struct QuarantineReplay: Sendable {
    package struct Result: Sendable {
        package var ticketID: TicketID?
        package var number: TicketNumber?
    }

    private let context: DeskContext

    package init(context: DeskContext) { self.context = context }

    /// The mail goes the way of any other mail; the ticket that stood for it is merged into the one it belongs to.
    /// - Throws: `StoreError.conflict` when it still cannot be read.
    package func run(_ id: Int64, actor: String) async throws -> Result {
        let store = self.context.store
        let held = try await store.heldMail(id)
        guard let mailbox = self.context.settings.mailboxes.first(where: { $0.name == held.mailboxName }) else {
            throw StoreError(.notFound, "no mailbox \(held.mailboxName) in the configuration")
        }
        if let mail = FetchedMail.withheldMail(held.bytes) {
            throw StoreError(
                .conflict, "the server never sent it; look for \(mail) in the mailbox itself, then discard it here")
        }
        let content = await self.context.parser.read(held.bytes, suspect: true)
        if case .unreadable(let reason) = content { throw StoreError(.conflict, "it still cannot be read: \(reason)") }
        let mail = ParsedMail(uid: held.uid, internalDate: held.internalDate, raw: held.bytes, content: content)
        let intake = MessageIntake(context: self.context, mailbox: mailbox, mailboxID: held.mailboxID)
        return try await intake.replay(mail, held: held, actor: actor)
    }
}

extension MessageIntake {
    fileprivate func replay(
        _ mail: ParsedMail, held: HeldMail, actor: String
    ) async throws -> QuarantineReplay.Result {
        let store = self.context.store
        let questions = ThreadQuestions([mail], threading: self.context.threading)
        let planner = self.planner(held.folder)
        var keys = try await store.ids.take(32)[...]
        return try await store.pool.withTransaction { transaction in
            let lookup = try await questions.ask(store, in: transaction)
            let empty = IntakeBatch(
                mailboxID: self.mailboxID, folderID: held.folder.id, uidValidity: held.uidValidity, lastUID: 0,
                leaseEpoch: 0)
            let plan = planner.plan([mail], into: empty, lookup: lookup) { keys.removeFirst() }
            let eventKeys = Array(keys.prefix(plan.batch.events.count))
            keys = keys.dropFirst(eventKeys.count)
            try await self.context.queue.enqueue(try self.jobs(plan), in: transaction)
            try await store.write(plan.batch, eventIDs: eventKeys, cursor: false, in: transaction)
            let message = plan.batch.messages.first
            let number = try await store.settleReplay(
                held, messageID: message?.id ?? plan.batch.items.first?.messageID, ticketID: message?.ticketID,
                eventID: keys.removeFirst(), actor: actor, in: transaction)
            return QuarantineReplay.Result(ticketID: message?.ticketID, number: number)
        }
    }
}
