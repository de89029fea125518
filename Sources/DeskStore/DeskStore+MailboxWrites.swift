package import DeskModel
package import Postgres

package import struct Foundation.Date

/// One change to a mailbox that is to be made over IMAP.
package struct MailboxWrite: Sendable {
    package enum Kind: String, Sendable {
        case draft, note, mark
        case sentCopy = "sent_copy"
        case removeDraft = "remove_draft"
    }

    package var id: Int64
    package var mailboxID: MailboxID
    package var ticketID: TicketID
    /// The customer's mail that a note stands beside, or that is marked.
    package var messageID: StoredMessageID?
    package var kind: Kind
    package var internetMessageID: String?
    package var bytes: [UInt8]?
    package var flags: [String]
    package var internalDate: Date?
    /// 0 urgent … 3 low.
    package var rank: Int
    package var state: MailboxWriteState
    package var attempt: Int

    package init(
        id: Int64, mailboxID: MailboxID, ticketID: TicketID, messageID: StoredMessageID?, kind: Kind,
        internetMessageID: String?, bytes: [UInt8]?, flags: [String], internalDate: Date?, rank: Int,
        state: MailboxWriteState = .planned, attempt: Int = 0
    ) {
        self.id = id
        self.mailboxID = mailboxID
        self.ticketID = ticketID
        self.messageID = messageID
        self.kind = kind
        self.internetMessageID = internetMessageID
        self.bytes = bytes
        self.flags = flags
        self.internalDate = internalDate
        self.rank = rank
        self.state = state
        self.attempt = attempt
    }
}

/// Where a mail of ours landed: the answer to APPEND.
package struct PlacedCopy: Sendable, Hashable {
    package var uidValidity: UInt32
    package var uid: UInt32

    package init(uidValidity: UInt32, uid: UInt32) {
        self.uidValidity = uidValidity
        self.uid = uid
    }
}

extension DeskStore {
    /// The channel that says that a mailbox has something to be written.
    package static let writesChannel = "martlet_writes"

    /// The statements that plan `writes`, for the transaction that decides on them.
    package func planStatements(_ writes: [MailboxWrite]) -> [SQL] {
        guard !writes.isEmpty else { return [] }
        return [
            """
            insert into mailbox_write (
                id, mailbox_id, ticket_id, message_id, kind, internet_message_id, bytes, flags, internal_date, rank)
            select n.id, n.mailbox, n.ticket, n.message, n.kind, n.internet_id, n.bytes,
                string_to_array(n.flags, ' '), n.date, n.rank
            from unnest(
                \(writes.map(\.id))::bigint[], \(writes.map(\.mailboxID.rawValue))::bigint[],
                \(writes.map(\.ticketID.rawValue))::bigint[], \(writes.map { $0.messageID?.rawValue })::bigint[],
                \(writes.map(\.kind.rawValue))::text[], \(writes.map(\.internetMessageID))::text[],
                \(writes.map(\.bytes))::bytea[], \(writes.map { $0.flags.joined(separator: " ") })::text[],
                \(writes.map(\.internalDate))::timestamptz[], \(writes.map { Int32($0.rank) })::int[]
            ) n (id, mailbox, ticket, message, kind, internet_id, bytes, flags, date, rank)
            """,
            "select pg_notify(\(Self.writesChannel), '')",
        ]
    }

    /// What is to be written into a mailbox now, urgent tickets first, with what was begun and never confirmed before
    /// everything else.
    package func openWrites(
        in mailbox: MailboxID, lease: MailboxLease, limit: Int
    ) async throws -> [MailboxWrite] {
        let rows = try await self.pool.query(
            """
            select id, ticket_id, message_id, kind, internet_message_id, bytes, flags, internal_date, rank, state,
                attempt
            from mailbox_write
            where mailbox_id = \(mailbox.rawValue) and state in ('planned', 'writing') and due_at <= now()
            order by state desc, rank, id limit \(limit)
            """)
        return try rows.map { row in
            let (id, ticket, message, kind, internetID, bytes, flags, date, rank, state, attempt) = try row.decode(
                Int64.self, Int64.self, Int64?.self, String.self, String?.self, [UInt8]?.self, [String].self,
                Date?.self, Int16.self, String.self, Int32.self)
            return MailboxWrite(
                id: id, mailboxID: mailbox, ticketID: TicketID(ticket), messageID: message.map { StoredMessageID($0) },
                kind: .init(rawValue: kind) ?? .mark, internetMessageID: internetID, bytes: bytes, flags: flags,
                internalDate: date, rank: Int(rank), state: MailboxWriteState(rawValue: state) ?? .planned,
                attempt: Int(attempt))
        }
    }

    /// Commits that the commands for `writes` are about to be sent; only the holder of the lease may, and nobody while
    /// drafts are paused.
    ///
    /// - Returns: The ids that may be written now.
    package func beginWrites(_ ids: [Int64], lease: MailboxLease) async throws -> Set<Int64> {
        let rows = try await self.pool.withConnection { connection in
            try await connection.query(
                """
                update mailbox_write w set state = 'writing', attempt = attempt + 1
                from mailbox m
                where w.id = any(\(ids)::bigint[]) and w.state = 'planned' and m.id = w.mailbox_id
                    and m.lease_epoch = \(lease.epoch) and m.lease_until > clock_timestamp()
                    and not exists (select from control where key in ('pause.all', 'pause.drafts'))
                returning w.id
                """)
        }
        return Set(try rows.map { try $0.decode(Int64.self) })
    }

    /// Records where writes landed. `folder` is the folder's row when it is watched.
    package func finishWrites(
        _ placed: [(id: Int64, copy: PlacedCopy?)], lease: MailboxLease
    ) async throws {
        guard !placed.isEmpty else { return }
        try await self.pool.withTransaction { transaction in
            let rows = try await transaction.query(
                """
                update mailbox_write w set state = 'done', finished_at = now(), uidvalidity = n.validity, uid = n.uid,
                    last_error = null
                from unnest(
                    \(placed.map(\.id))::bigint[], \(placed.map { $0.copy.map { Int64($0.uidValidity) } })::bigint[],
                    \(placed.map { $0.copy.map { Int64($0.uid) } })::bigint[]
                ) n (id, validity, uid), mailbox m
                where w.id = n.id and w.state = 'writing' and m.id = w.mailbox_id and m.lease_epoch = \(lease.epoch)
                returning w.id
                """)
            guard rows.count == placed.count else {
                throw StoreError(.leaseLost, "the mailbox is held by another host")
            }
            _ = try await transaction.query(
                """
                update draft d set state = 'placed' from mailbox_write w
                where w.id = any(\(placed.map(\.id))::bigint[]) and w.kind = 'draft' and d.write_id = w.id
                    and d.state = 'planned'
                """)
        }
    }

    /// The server does not have it after all: it is planned again, later.
    package func replanWrites(_ ids: [Int64], error: String?, delay: Duration) async throws {
        guard !ids.isEmpty else { return }
        _ = try await self.pool.execute(
            """
            update mailbox_write set state = 'planned', last_error = \(error),
                due_at = now() + make_interval(secs => \(delay / .seconds(1)))
            where id = any(\(ids)::bigint[]) and state = 'writing'
            """)
    }

    /// The server refused for good.
    /// - Parameter additional: What else follows, in the same transaction.
    package func failWrite(
        _ id: Int64, error: String, additional: (PostgresTransaction) async throws -> Void
    ) async throws {
        try await self.pool.withTransaction { transaction in
            _ = try await transaction.query(
                """
                update mailbox_write set state = 'failed', finished_at = now(), last_error = \(error)
                where id = \(id) and state in ('planned', 'writing')
                """)
            try await additional(transaction)
        }
    }

    /// Where stored messages stand in a mailbox: the newest UID under the folder's UIDVALIDITY, and only where there is no
    /// other that of a copy.
    package func locations(
        of messages: [StoredMessageID], in mailbox: MailboxID
    ) async throws -> [StoredMessageID: (folder: String, uidValidity: UInt32, uid: UInt32)] {
        let rows = try await self.pool.query(
            """
            select distinct on (i.message_id) i.message_id, f.name, f.uidvalidity, i.uid
            from folder_item i join folder f on f.id = i.folder_id
            where i.message_id = any(\(messages.map(\.rawValue))::bigint[]) and i.uidvalidity = f.uidvalidity
                and f.mailbox_id = \(mailbox.rawValue)
                and i.disposition in ('message', 'oversized', 'quarantined', 'duplicate_of')
            order by i.message_id, i.disposition = 'duplicate_of', i.uid desc
            """)
        return try rows.reduce(into: [:]) { locations, row in
            let (message, name, validity, uid) = try row.decode(Int64.self, String.self, Int64.self, Int64.self)
            locations[StoredMessageID(message)] = (name, UInt32(clamping: validity), UInt32(clamping: uid))
        }
    }

    // MARK: - Drafts

    /// The live draft of a ticket that lies in the Drafts folder.
    package struct PlacedDraft: Sendable {
        package var id: DraftID
        package var writeID: Int64
        package var internetMessageID: String
        package var copy: PlacedCopy?
        package var fingerprint: [UInt8]?
    }

    /// Drafts of the tickets that newer ones replaced and that still lie on the server.
    package func supersededDrafts(of tickets: [TicketID]) async throws -> [TicketID: [PlacedDraft]] {
        let rows = try await self.pool.query(
            """
            select d.ticket_id, d.id, w.id, w.internet_message_id, w.uidvalidity, w.uid, d.fingerprint
            from draft d join mailbox_write w on w.id = d.write_id
            where d.ticket_id = any(\(tickets.map(\.rawValue))::bigint[]) and d.state = 'superseded'
                and w.state = 'done'
            """)
        return try rows.reduce(into: [:]) { drafts, row in
            let (ticket, id, write, internetID, validity, uid, fingerprint) = try row.decode(
                Int64.self, Int64.self, Int64.self, String.self, Int64?.self, Int64?.self, [UInt8]?.self)
            var copy: PlacedCopy?
            if let validity, let uid {
                copy = PlacedCopy(uidValidity: UInt32(clamping: validity), uid: UInt32(clamping: uid))
            }
            drafts[TicketID(ticket), default: []].append(
                PlacedDraft(
                    id: DraftID(id), writeID: write, internetMessageID: internetID, copy: copy,
                    fingerprint: fingerprint))
        }
    }

    /// Tickets whose old draft lies beside its successor, because the process ended between filing one and removing the
    /// other.
    package func ticketsWithLeftDrafts(in mailbox: MailboxID) async throws -> [TicketID] {
        try await self.pool.query(
            """
            select distinct d.ticket_id from draft d join mailbox_write w on w.id = d.write_id
            where d.state = 'superseded' and w.state = 'done' and w.mailbox_id = \(mailbox.rawValue)
                and not exists (select from mailbox_write o where o.ticket_id = d.ticket_id
                    and o.kind in ('draft', 'remove_draft') and o.state in ('planned', 'writing'))
            limit 1000
            """
        ).decode(Int64.self).map { TicketID($0) }
    }

    package func setFingerprints(_ fingerprints: [(write: Int64, fingerprint: [UInt8])]) async throws {
        _ = try await self.pool.execute(
            """
            update draft d set fingerprint = n.fingerprint
            from unnest(
                \(fingerprints.map(\.write))::bigint[], \(fingerprints.map { Optional($0.fingerprint) })::bytea[]
            ) n (write, fingerprint)
            where d.write_id = n.write
            """)
    }

    /// Somebody edits the old draft: it stays, and the new one that was to replace it is not written.
    package func keepTouched(_ draft: DraftID, insteadOf write: Int64) async throws {
        try await self.pool.withTransaction { transaction in
            _ = try await transaction.pipeline([
                "update draft set state = 'removed' where write_id = \(write) and state in ('planned', 'placed')",
                """
                update mailbox_write set state = 'failed', finished_at = now(), last_error = 'the old draft is being edited'
                where id = \(write) and state = 'writing' and kind = 'draft'
                """,
                "update draft set state = 'touched' where id = \(draft.rawValue) and state = 'superseded'",
            ])
        }
    }

    /// - Parameter state: `removed`, `touched` or `vanished`.
    package func setDraftState(_ draft: DraftID, _ state: String) async throws {
        _ = try await self.pool.execute("update draft set state = \(state) where id = \(draft.rawValue)")
    }
}
