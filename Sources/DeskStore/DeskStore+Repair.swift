package import DeskModel
internal import Foundation
package import Postgres

/// What a repair did.
package struct Repair: Sendable {
    /// The ticket that holds the moved mails now.
    package var ticketID: TicketID
    package var number: TicketNumber
    package var moved: [StoredMessageID]
    /// Of the moved mails, the newest that a person sent to us: it is analysed anew.
    package var newest: StoredMessageID?
}

extension DeskStore {
    /// Which mails of a ticket are taken out.
    package enum Cut: String, Sendable {
        /// This one and all after it.
        case split
        /// This one alone.
        case detach
    }

    /// Moves mails of a ticket to a new one that is linked to it.
    ///
    /// - Parameters:
    ///   - mail: Its place in the ticket, from 1, or its id.
    ///   - own: Our addresses, lower case: a mail in our own name gives the ticket no customer.
    /// - Throws: `StoreError.conflict` when nothing would be left behind.
    package func cut(
        _ number: TicketNumber, at mail: Int64, _ cut: Cut, own: Set<String>, actor: String,
        in transaction: PostgresTransaction
    ) async throws -> Repair {
        let ticket = try await self.lockedTicket(number, in: transaction)
        let all = try await transaction.query("select id from message where ticket_id = \(ticket.id) order by id")
            .map { row in try row.decode(Int64.self) }
        guard let index = all.firstIndex(of: mail) ?? (all.indices.contains(Int(mail) - 1) ? Int(mail) - 1 : nil) else {
            throw StoreError(.notFound, "no mail \(mail) in \(number)")
        }
        let moved = cut == .detach ? [all[index]] : Array(all[index...])
        guard moved.count < all.count else {
            throw StoreError(.conflict, "\(number) would be left without a mail")
        }
        let keys = try await self.ids.take(4)
        let rows = try await transaction.query(
            """
            with origin as (
                select m.*, case when lower(m.sender_address) = any(\(own.sorted())) then \(MailAddress.unknown)
                        else coalesce(lower(m.sender_address), t.customer_email) end as writer, t.customer_email,
                    t.mailbox_id as desk, t.answer_from
                from message m join ticket t on t.id = m.ticket_id where m.id = \(moved[0])
            ), who as (
                insert into customer (id, email, name)
                select \(keys[0]), case when direction = 'in' then writer else customer_email end, sender_name
                from origin
                on conflict (email) do update set email = excluded.email returning id, email, name
            )
            insert into ticket (id, customer_id, mailbox_id, customer_email, customer_name, subject, description, status,
                created_at, linked_ticket_id, answer_from)
            select \(keys[1]), w.id, o.desk, w.email, w.name,
                case when o.subject = '' then '(no subject)' else o.subject end,
                case when o.reply_text = '' then o.body_text else o.reply_text end, 'open', o.internal_date, \(ticket.id),
                o.answer_from
            from origin o, who w returning ticket_number
            """)
        guard let row = rows.first else { throw StoreError(.notFound, "no mail \(mail) in \(number)") }
        let newNumber = TicketNumber(try row.decode(Int64.self))
        let other = TicketID(keys[1])
        _ = try await transaction.pipeline(
            Self.moveStatements(moved, from: ticket.id, to: other.rawValue) + [
                self.repairStatement(
                    keys[2], on: ticket.id, cut.rawValue, actor: actor, other: other.rawValue, moved: moved,
                    status: ticket.status, words: "\(Self.mails(moved.count)) to \(newNumber)"),
                self.repairStatement(
                    keys[3], on: other.rawValue, "opened", actor: actor, other: ticket.id, moved: moved,
                    status: "open", words: "\(cut.rawValue) from \(number)"),
            ])
        return Repair(
            ticketID: other, number: newNumber, moved: moved.map { StoredMessageID($0) },
            newest: try await self.newestMail(of: moved, in: transaction))
    }

    /// Moves all mails of a ticket into another one; what refers to the first means the second from now on.
    ///
    /// - Parameter mixesCustomers: Allows tickets of different customers; each may then read the other's mail.
    /// - Throws: `StoreError.conflict` for a ticket and itself, for one that was merged already, and for different
    ///   customers unless that is allowed.
    package func merge(
        _ number: TicketNumber, into target: TicketNumber, mixesCustomers: Bool, actor: String,
        in transaction: PostgresTransaction
    ) async throws -> Repair {
        guard number != target else { throw StoreError(.conflict, "\(number) cannot be merged into itself") }
        // In the order of their numbers, so that two merges cannot wait for each other.
        let first = try await self.lockedTicket(min(number, target, by: \.value), in: transaction)
        let second = try await self.lockedTicket(max(number, target, by: \.value), in: transaction)
        let (source, kept) = number.value < target.value ? (first, second) : (second, first)
        guard source.mergedInto == nil, kept.mergedInto == nil else {
            throw StoreError(.conflict, "\(source.mergedInto == nil ? target : number) was merged before")
        }
        guard mixesCustomers || source.customer == kept.customer else {
            throw StoreError(
                .conflict,
                "\(number) and \(target) are of different customers, who could then read each other's mail; "
                    + "--different-customers merges them all the same")
        }
        let moved = try await transaction.query("select id from message where ticket_id = \(source.id) order by id")
            .map { row in try row.decode(Int64.self) }
        let keys = try await self.ids.take(2)
        _ = try await transaction.pipeline(
            Self.moveStatements(moved, from: source.id, to: kept.id) + [
                """
                insert into participant (ticket_id, address)
                select \(kept.id), address from participant where ticket_id = \(source.id)
                union select \(kept.id), \(source.customer) where \(source.customer) <> \(kept.customer)
                on conflict do nothing
                """,
                "update ticket set merged_into_id = \(kept.id) where merged_into_id = \(source.id)",
                """
                update ticket set merged_into_id = \(kept.id), linked_ticket_id = \(kept.id), status = 'closed',
                    resolved_at = coalesce(resolved_at, now()), updated_at = now()
                where id = \(source.id)
                """,
                self.repairStatement(
                    keys[0], on: source.id, "merge", actor: actor, other: kept.id, moved: moved,
                    status: source.status, words: "into \(target)"),
                self.repairStatement(
                    keys[1], on: kept.id, "merged", actor: actor, other: source.id, moved: moved,
                    status: kept.status, words: "\(Self.mails(moved.count)) of \(number)"),
            ])
        return Repair(
            ticketID: TicketID(kept.id), number: target, moved: moved.map { StoredMessageID($0) },
            newest: try await self.newestMail(of: moved, in: transaction))
    }

    /// The tickets that go on for others: those that they were merged into, or themselves.
    package func mergeTargets(of tickets: [TicketID]) async throws -> [TicketID: TicketID] {
        let rows = try await self.pool.query(
            "select id, coalesce(merged_into_id, id) from ticket where id = any(\(tickets.map(\.rawValue))::bigint[])")
        return try rows.reduce(into: [:]) { result, row in
            let (id, target) = try row.decode(Int64.self, Int64.self)
            result[TicketID(id)] = TicketID(target)
        }
    }

    /// Takes back the newest split, detach or merge of a ticket.
    package func undoRepair(
        of number: TicketNumber, actor: String, in transaction: PostgresTransaction
    ) async throws -> Repair {
        let ticket = try await self.lockedTicket(number, in: transaction)
        let rows = try await transaction.query(
            """
            select e.id, e.kind, (e.detail->>'other')::bigint, e.detail->>'mails', e.detail->>'status'
            from event e where e.ticket_id = \(ticket.id) and e.kind in ('split', 'detach', 'merge')
                and not exists (select from event u where u.ticket_id = e.ticket_id and u.kind = 'undone'
                    and u.detail->>'event' = e.id::text)
            order by e.id desc limit 1
            """)
        guard let row = rows.first else { throw StoreError(.notFound, "there is no repair of \(number) to undo") }
        let (event, kind, other, mails, status) = try row.decode(
            Int64.self, String.self, Int64.self, String.self, String.self)
        let moved = mails.split(separator: ",").compactMap { Int64($0) }
        let eventID = try await self.ids.one()
        var statements = Self.moveStatements(moved, from: other, to: ticket.id)
        if kind == "merge" {
            let done = status == "resolved" || status == "closed"
            statements.append(
                """
                update ticket set merged_into_id = null, linked_ticket_id = null, status = \(status),
                    resolved_at = case when \(done) then resolved_at end, updated_at = now()
                where id = \(ticket.id)
                """)
        } else {
            // What came there meanwhile is not lost: the ticket goes on when it holds mail of its own.
            statements.append(
                """
                update ticket set merged_into_id = \(ticket.id), status = 'closed', updated_at = now(),
                    resolved_at = coalesce(resolved_at, now())
                where id = \(other) and not exists (select from message where ticket_id = \(other))
                """)
        }
        let detail = Self.json(["event": String(event), "what": kind])
        statements.append(
            """
            insert into event (id, ticket_id, kind, actor, detail)
            values (\(eventID), \(ticket.id), 'undone', \(actor), \(detail)::text::jsonb)
            """)
        _ = try await transaction.pipeline(statements)
        return Repair(
            ticketID: TicketID(ticket.id), number: number, moved: moved.map { StoredMessageID($0) },
            newest: try await self.newestMail(of: moved, in: transaction))
    }

    // MARK: - Parts

    private static func mails(_ count: Int) -> String { count == 1 ? "1 mail" : "\(count) mails" }

    private struct LockedTicket {
        let id: Int64
        let status: String
        let customer: String
        let mergedInto: Int64?
    }

    private func lockedTicket(
        _ number: TicketNumber, in transaction: PostgresTransaction
    ) async throws -> LockedTicket {
        let rows = try await transaction.query(
            """
            select id, status, customer_email, merged_into_id from ticket where ticket_number = \(number.value)
            for update
            """)
        guard let row = rows.first else { throw StoreError(.notFound, "there is no ticket \(number)") }
        let (id, status, customer, merged) = try row.decode(Int64.self, String.self, String.self, Int64?.self)
        return LockedTicket(id: id, status: status, customer: customer, mergedInto: merged)
    }

    /// Moves mails with what hangs on them: their ids in threads, their analyses, and the draft that answers one.
    private static func moveStatements(_ mails: [Int64], from source: Int64, to target: Int64) -> [SQL] {
        let hashes: SQL = """
            select sha256(convert_to(m.internet_message_id, 'UTF8')) from message m
            where m.id = any(\(mails)::bigint[]) and m.internet_message_id is not null
            """
        return [
            """
            insert into thread_key (id_hash, ticket_id, source)
            select id_hash, \(target), source from thread_key where ticket_id = \(source) and id_hash in (\(hashes))
            on conflict do nothing
            """,
            "delete from thread_key where ticket_id = \(source) and id_hash in (\(hashes))",
            "update sent_id set ticket_id = \(target) where ticket_id = \(source) and id_hash in (\(hashes))",
            "update message set ticket_id = \(target) where id = any(\(mails)::bigint[]) and ticket_id = \(source)",
            "update analysis set ticket_id = \(target) where message_id = any(\(mails)::bigint[])",
            // A ticket has one live draft: what the target has stays, and what comes is replaced.
            """
            update draft set state = 'superseded'
            where message_id = any(\(mails)::bigint[]) and ticket_id = \(source) and state in ('planned', 'placed')
            """,
            """
            update mailbox_write w set state = 'cancelled', finished_at = now(), last_error = 'its mail was moved'
            from draft d
            where w.id = d.write_id and w.state = 'planned' and d.state = 'superseded' and d.ticket_id = \(source)
                and d.message_id = any(\(mails)::bigint[])
            """,
            // The ticket that the mail leaves may never get another draft, whose filing would remove the old one.
            """
            insert into mailbox_write (id, mailbox_id, ticket_id, message_id, kind, rank)
            select nextval('desk_id'), w.mailbox_id, d.ticket_id, d.message_id, 'remove_draft', 0
            from draft d join mailbox_write w on w.id = d.write_id
            where w.state in ('writing', 'done') and d.state = 'superseded' and d.ticket_id = \(source)
                and d.message_id = any(\(mails)::bigint[])
            """,
            "select pg_notify(\(Self.writesChannel), '')",
            "update ticket set updated_at = now() where id in (\(source), \(target))",
        ]
    }

    private func repairStatement(
        _ id: Int64, on ticket: Int64, _ kind: String, actor: String, other: Int64, moved: [Int64], status: String,
        words: String
    ) -> SQL {
        let detail = Self.json([
            "other": String(other), "mails": moved.map(String.init).joined(separator: ","), "status": status,
            "what": words,
        ])
        return """
            insert into event (id, ticket_id, kind, actor, detail)
            values (\(id), \(ticket), \(kind), \(actor), \(detail)::text::jsonb)
            """
    }

    private func newestMail(
        of mails: [Int64], in transaction: PostgresTransaction
    ) async throws -> StoredMessageID? {
        let rows = try await transaction.query(
            """
            select id from message where id = any(\(mails)::bigint[]) and direction = 'in' and kind = 'human'
                and not is_thanks order by id desc limit 1
            """)
        return try rows.first.map { row in
            let id = try row.decode(Int64.self)
            return StoredMessageID(id)
        }
    }
}

private func min<Value>(_ left: Value, _ right: Value, by key: KeyPath<Value, Int64>) -> Value {
    left[keyPath: key] <= right[keyPath: key] ? left : right
}

private func max<Value>(_ left: Value, _ right: Value, by key: KeyPath<Value, Int64>) -> Value {
    left[keyPath: key] <= right[keyPath: key] ? right : left
}
