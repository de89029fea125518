package import DeskModel
internal import Foundation
package import Postgres

extension DeskStore {
    /// Number of advisory locks that serialise intake by thread; more only cost lock table space.
    private static let lockBuckets = 256
    /// First key of the two-key advisory locks of intake.
    private static let lockClass = 4211

    /// What the database knows of the mails of a batch, under locks that keep other hosts from deciding about the same
    /// threads until this transaction ends.
    ///
    /// - Parameters:
    ///   - threadDigests: All ids that may lead to a ticket, with the mails' own ids.
    ///   - ownIDs: Message-IDs of the mails, to find what we wrote into the mailbox ourselves.
    ///   - reported: Ids of the mails that reports are about.
    package func lookUp(
        dedupeKeys: [ContentDigest], threadDigests: [ContentDigest], ownIDs: [String], tokenTickets: [TicketID],
        numbers: [Int64], reported: [ContentDigest] = [], in transaction: PostgresTransaction
    ) async throws -> IntakeLookup {
        let buckets = Set((threadDigests + dedupeKeys).map { Int32($0[0]) % Int32(Self.lockBuckets) }).sorted()
        let results = try await transaction.pipeline([
            """
            select pg_advisory_xact_lock(\(Int32(Self.lockClass)), bucket)
            from (select bucket from unnest(\(buckets)::int[]) bucket order by bucket) sorted
            """,
            "select id, dedupe_key from message where dedupe_key = any(\(dedupeKeys)::bytea[])",
            """
            select k.id_hash, k.source, k.ticket_id
            from thread_key k where k.id_hash = any(\(threadDigests)::bytea[])
            order by k.ticket_id
            """,
            """
            select internet_message_id, kind, ticket_id, id
            from mailbox_write where internet_message_id = any(\(ownIDs)::text[])
            union all
            select internet_message_id, 'outbox', coalesce(ticket_id, 0), id
            from outbox where internet_message_id = any(\(ownIDs)::text[])
            """,
            "select id from ticket where ticket_number = any(\(numbers)::bigint[])",
            "select id_hash, ticket_id from sent_id where id_hash = any(\(reported)::bytea[])",
        ])
        var lookup = IntakeLookup()
        for row in results[1] {
            let (id, key) = try row.decode(Int64.self, [UInt8].self)
            lookup.messages[key] = StoredMessageID(id)
        }
        var ticketIDs = Set(tokenTickets.map(\.rawValue))
        var threads: [(ContentDigest, Int64)] = []
        for row in results[2] {
            let (hash, source, ticket) = try row.decode([UInt8].self, String.self, Int64.self)
            if source == "received" { lookup.receivedIDs.insert(hash) }
            threads.append((hash, ticket))
            ticketIDs.insert(ticket)
        }
        for row in results[3] {
            let (messageID, kind, ticket, write) = try row.decode(String.self, String.self, Int64.self, Int64.self)
            lookup.ownWrites[messageID] = .init(kind: kind, ticketID: TicketID(ticket), writeID: write)
        }
        for row in results[4] { ticketIDs.insert(try row.decode(Int64.self)) }
        for row in results[5] {
            let (hash, ticket) = try row.decode([UInt8].self, Int64?.self)
            lookup.sentIDs[hash] = .some(ticket.map { TicketID($0) })
            if let ticket { ticketIDs.insert(ticket) }
        }
        guard !ticketIDs.isEmpty else { return lookup }
        lookup.ticketsByID = try await self.candidates(ticketIDs.sorted(), in: transaction)
        if !reported.isEmpty {
            let known = try await transaction.query(
                "select ticket_id, address from delivery_failure where ticket_id = any(\(ticketIDs.sorted())::bigint[])"
            )
            for row in known {
                let (ticket, address) = try row.decode(Int64.self, String.self)
                lookup.knownFailures.insert(.init(ticketID: TicketID(ticket), address: address))
            }
        }
        for (hash, ticket) in threads {
            if let candidate = lookup.ticketsByID[TicketID(ticket)] {
                lookup.threads[hash, default: []].append(candidate)
            }
        }
        for candidate in lookup.ticketsByID.values { lookup.ticketsByNumber[candidate.number] = candidate }
        return lookup
    }

    private func candidates(
        _ ids: [Int64], in transaction: PostgresTransaction
    ) async throws -> [TicketID: TicketCandidate] {
        // The rows are locked in key order, so that two hosts cannot wait for each other.
        let rows = try await transaction.query(
            """
            select t.id, t.ticket_number, t.mailbox_id, t.status, t.resolved_at, t.customer_email,
                array(select p.address from participant p where p.ticket_id = t.id), t.subject, t.merged_into_id,
                exists (select from outbox o where o.ticket_id = t.id and o.kind = 'answer'
                    and o.state not in ('cancelled', 'failed'))
            from ticket t where t.id = any(\(ids)::bigint[]) order by t.id for update
            """)
        var result: [TicketID: TicketCandidate] = [:]
        var merged: [TicketID: TicketID] = [:]
        for row in rows {
            let (id, number, mailbox, status, resolvedAt, email, participants, subject, target, isAnswered) =
                try row.decode(
                    Int64.self, Int64.self, Int64.self, String.self, Date?.self, String.self, [String].self,
                    String.self,
                    Int64?.self, Bool.self)
            if let target { merged[TicketID(id)] = TicketID(target) }
            result[TicketID(id)] = TicketCandidate(
                id: TicketID(id), number: number, mailboxID: MailboxID(mailbox),
                status: TicketStatus(rawValue: status) ?? .open, resolvedAt: resolvedAt, customerEmail: email,
                participants: Set(participants), subject: subject, wasAnsweredAutomatically: isAnswered)
        }
        // What refers to a merged ticket means the one that it was merged into; merging never makes chains.
        let targets = Set(merged.values).subtracting(result.keys).map(\.rawValue).sorted()
        if !targets.isEmpty {
            let further = try await self.candidates(targets, in: transaction)
            result.merge(further) { first, _ in first }
        }
        for (id, target) in merged {
            if let candidate = result[target] { result[id] = candidate }
        }
        return result
    }

    /// Writes a planned batch: rows, cursor and status changes, as one pipeline.
    ///
    /// - Parameters:
    ///   - eventIDs: As many keys as the batch has events and quarantined mails.
    ///   - advances: False for mail that was passed before: nothing but the rows is written, and no lease is needed.
    /// - Throws: `StoreError.leaseLost` when another host holds the mailbox; the transaction must then roll back.
    package func write(
        _ batch: IntakeBatch, eventIDs: [Int64], cursor advances: Bool = true, in transaction: PostgresTransaction
    ) async throws {
        var statements: [SQL] = []
        if !batch.tickets.isEmpty { statements += self.ticketStatements(batch) }
        if !batch.messages.isEmpty { statements += self.messageStatements(batch) }
        statements.append(
            """
            insert into folder_item (folder_id, uidvalidity, uid, disposition, message_id)
            select \(batch.folderID.rawValue), \(Int64(batch.uidValidity)), * from unnest(
                \(batch.items.map { Int64($0.uid) })::bigint[], \(batch.items.map(\.disposition.rawValue))::text[],
                \(batch.items.map { $0.messageID?.rawValue })::bigint[])
            on conflict do nothing
            """)
        if !batch.threadKeys.isEmpty {
            statements.append(
                """
                insert into thread_key (id_hash, ticket_id, source)
                select * from unnest(
                    \(batch.threadKeys.map(\.digest))::bytea[], \(batch.threadKeys.map(\.ticketID.rawValue))::bigint[],
                    \(batch.threadKeys.map(\.source.rawValue))::text[])
                on conflict (id_hash, ticket_id) do update set source = 'received' where excluded.source = 'received'
                """)
        }
        if !batch.participants.isEmpty {
            statements.append(
                """
                insert into participant (ticket_id, address)
                select * from unnest(
                    \(batch.participants.map(\.ticketID.rawValue))::bigint[],
                    \(batch.participants.map(\.address))::text[])
                on conflict do nothing
                """)
        }
        statements += self.statusStatements(batch)
        statements += Self.deliveryStatements(batch)
        statements += self.eventStatements(batch, ids: eventIDs)
        guard advances else {
            _ = try await transaction.pipeline(statements)
            return
        }
        let cursor = statements.count
        statements.append(
            """
            update folder f set last_uid = greatest(f.last_uid, \(Int64(batch.lastUID)))
            from mailbox m
            where f.id = \(batch.folderID.rawValue) and f.uidvalidity = \(Int64(batch.uidValidity))
                and m.id = f.mailbox_id and m.lease_epoch = \(batch.leaseEpoch) and m.lease_until > clock_timestamp()
            returning f.id
            """)
        // The next batch may have been begun.
        statements.append(
            """
            delete from intake_attempt
            where folder_id = \(batch.folderID.rawValue) and last_uid <= \(Int64(batch.lastUID))
            """)
        let results = try await transaction.pipeline(statements)
        guard results[cursor].count == 1 else { throw StoreError(.leaseLost, "the mailbox is held by another host") }
    }

    private func ticketStatements(_ batch: IntakeBatch) -> [SQL] {
        let tickets = batch.tickets
        // One row for each address, in sorted order, so that two hosts lock customers in the same order.
        let customers = Dictionary(
            tickets.map { ($0.customerEmail, $0) }, uniquingKeysWith: { first, _ in first }
        ).values.sorted { $0.customerEmail < $1.customerEmail }
        return [
            """
            insert into customer (id, email, name)
            select * from unnest(
                \(customers.map(\.id.rawValue))::bigint[], \(customers.map(\.customerEmail))::text[],
                \(customers.map(\.customerName))::text[])
            on conflict (email) do nothing
            """,
            """
            insert into ticket (
                id, customer_id, mailbox_id, customer_email, customer_name, subject, description, priority, status,
                created_at, resolved_at, is_history, linked_ticket_id, answer_from)
            select n.id, c.id, \(batch.mailboxID.rawValue), n.email, n.name, n.subject, n.description, n.priority,
                case when n.is_history then 'closed' else 'new' end, n.created_at,
                case when n.is_history then n.created_at end, n.is_history, n.linked, n.answer_from
            from unnest(
                \(tickets.map(\.id.rawValue))::bigint[], \(tickets.map(\.customerEmail))::text[],
                \(tickets.map(\.customerName))::text[], \(tickets.map(\.subject))::text[],
                \(tickets.map(\.description))::text[], \(tickets.map(\.priority.rawValue))::text[],
                \(tickets.map(\.createdAt))::timestamptz[], \(tickets.map(\.isHistory))::bool[],
                \(tickets.map { $0.linkedTicketID?.rawValue })::bigint[], \(tickets.map(\.answerFrom))::text[]
            ) n (id, email, name, subject, description, priority, created_at, is_history, linked, answer_from)
            join customer c on c.email = n.email
            """,
        ]
    }

    private func messageStatements(_ batch: IntakeBatch) -> [SQL] {
        let messages = batch.messages
        var statements: [SQL] = [
            """
            insert into message (
                id, ticket_id, mailbox_id, direction, kind, dedupe_key, internet_message_id, is_flagged, sender_address,
                sender_name, subject, body_text, reply_text, attachment_count, suppress_automatic, is_verified,
                classification, repairs, thread_reason, header_date, internal_date, is_thanks, text_key)
            select n.id, n.ticket_id, \(batch.mailboxID.rawValue), n.direction, n.kind, n.dedupe_key, n.message_id,
                n.is_flagged, n.sender, n.sender_name, n.subject, n.body, n.reply, n.attachments, n.suppress, n.verified,
                n.classification::jsonb, string_to_array(n.repairs, E'\\n'), n.reason, n.header_date, n.internal_date,
                n.is_thanks, n.text_key
            from unnest(
                \(messages.map(\.id.rawValue))::bigint[], \(messages.map { $0.ticketID?.rawValue })::bigint[],
                \(messages.map(\.direction))::text[], \(messages.map(\.classification.kind.rawValue))::text[],
                \(messages.map(\.dedupeKey))::bytea[], \(messages.map { $0.parsed.messageID?.text })::text[],
                \(messages.map(\.isFlagged))::bool[], \(messages.map { $0.parsed.from.first?.address })::text[],
                \(messages.map { $0.parsed.from.first?.displayName })::text[], \(messages.map(\.parsed.subject))::text[],
                \(messages.map(\.parsed.bodyText))::text[], \(messages.map(\.parsed.reply.visible))::text[],
                \(messages.map { Int32($0.parsed.attachments.count) })::int[],
                \(messages.map(\.classification.suppressAutoReply))::bool[],
                \(messages.map { $0.isVerified.map { $0 ? "t" : "f" } })::text[]::bool[],
                \(messages.map { Self.json($0.classification) })::text[],
                \(messages.map { $0.parsed.repairs.joined(separator: "\n") })::text[],
                \(messages.map(\.threadReason))::text[], \(messages.map(\.parsed.date))::timestamptz[],
                \(messages.map(\.internalDate))::timestamptz[], \(messages.map(\.isThanks))::bool[],
                \(messages.map(\.textKey))::bigint[]
            ) n (id, ticket_id, direction, kind, dedupe_key, message_id, is_flagged, sender, sender_name, subject, body,
                reply, attachments, suppress, verified, classification, repairs, reason, header_date, internal_date,
                is_thanks, text_key)
            """,
            """
            insert into raw_mail (message_id, bytes)
            select * from unnest(\(messages.map(\.id.rawValue))::bigint[], \(messages.map(\.raw))::bytea[])
            """,
        ]
        let attachments = messages.flatMap { message in message.parsed.attachments.map { (message.id, $0) } }
        if !attachments.isEmpty {
            statements.append(
                """
                insert into attachment (message_id, part, filename, content_type, size, sha256, content_id, is_inline)
                select * from unnest(
                    \(attachments.map(\.0.rawValue))::bigint[], \(attachments.map { Int32($0.1.part) })::int[],
                    \(attachments.map(\.1.filename))::text[], \(attachments.map(\.1.contentType))::text[],
                    \(attachments.map { Int64($0.1.size) })::bigint[], \(attachments.map(\.1.sha256))::text[],
                    \(attachments.map(\.1.contentID))::text[], \(attachments.map(\.1.isInline))::bool[])
                on conflict do nothing
                """)
        }
        return statements
    }

    private func statusStatements(_ batch: IntakeBatch) -> [SQL] {
        guard !batch.statuses.isEmpty else { return [] }
        let changes = batch.statuses.sorted { $0.key < $1.key }
        return [
            """
            update ticket t set status = n.status, updated_at = now(),
                resolved_at = case when n.status in ('resolved', 'closed') then t.resolved_at end
            from unnest(
                \(changes.map(\.key.rawValue))::bigint[], \(changes.map(\.value.rawValue))::text[]
            ) n (id, status)
            where t.id = n.id
            """
        ]
    }

    private func eventStatements(_ batch: IntakeBatch, ids: [Int64]) -> [SQL] {
        var statements: [SQL] = []
        let events = batch.events
        if !events.isEmpty {
            statements.append(
                """
                insert into event (id, ticket_id, message_id, kind, actor, detail)
                select n.id, n.ticket_id, n.message_id, n.kind, 'martlet', n.detail::jsonb
                from unnest(
                    \(Array(ids.prefix(events.count)))::bigint[], \(events.map { $0.ticketID?.rawValue })::bigint[],
                    \(events.map { $0.messageID?.rawValue })::bigint[], \(events.map(\.kind))::text[],
                    \(events.map { Self.json($0.detail) })::text[]
                ) n (id, ticket_id, message_id, kind, detail)
                """)
        }
        let held = batch.quarantined
        if !held.isEmpty {
            statements.append(
                """
                insert into quarantine (id, mailbox_id, folder_id, uidvalidity, uid, ticket_id, reason, bytes)
                select n.id, \(batch.mailboxID.rawValue), \(batch.folderID.rawValue), \(Int64(batch.uidValidity)),
                    n.uid, n.ticket_id, n.reason, n.bytes
                from unnest(
                    \(Array(ids.dropFirst(events.count).prefix(held.count)))::bigint[],
                    \(held.map { Int64($0.uid) })::bigint[], \(held.map { $0.ticketID?.rawValue })::bigint[],
                    \(held.map(\.reason))::text[], \(held.map(\.raw))::bytea[]
                ) n (id, uid, ticket_id, reason, bytes)
                """)
        }
        return statements
    }

    /// JSON with sorted keys; the types that come here always encode.
    static func json(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else { return "{}" }
        return String(decoding: data, as: UTF8.self)
    }
}
