package import DeskModel
package import Postgres

package import struct Foundation.Date

/// A quarantined mail with where it stands.
package struct HeldMail: Sendable {
    package var id: Int64
    package var mailboxID: MailboxID
    package var mailboxName: String
    package var folder: FolderRecord
    package var uidValidity: UInt32
    package var uid: UInt32
    /// The ticket that stands for it.
    package var ticketID: TicketID?
    package var bytes: [UInt8]
    package var internalDate: Date
}

extension DeskStore {
    /// - Throws: `StoreError.notFound` unless the mail is held.
    package func heldMail(_ id: Int64) async throws -> HeldMail {
        let rows = try await self.pool.query(
            """
            select q.mailbox_id, m.name, f.name, q.uidvalidity, q.uid, q.ticket_id, q.bytes,
                coalesce((select s.internal_date from folder_item i join message s on s.id = i.message_id
                    where i.folder_id = q.folder_id and i.uidvalidity = q.uidvalidity and i.uid = q.uid), q.created_at)
            from quarantine q join mailbox m on m.id = q.mailbox_id join folder f on f.id = q.folder_id
            where q.id = \(id) and q.state = 'held'
            """)
        guard let row = rows.first else { throw StoreError(.notFound, "there is no held mail \(id)") }
        let (mailbox, name, folderName, validity, uid, ticket, bytes, date) = try row.decode(
            Int64.self, String.self, String.self, Int64.self, Int64.self, Int64?.self, [UInt8].self, Date.self)
        guard let folder = try await self.folder(named: folderName, in: MailboxID(mailbox)) else {
            throw StoreError(.notFound, "no folder \(folderName)")
        }
        return HeldMail(
            id: id, mailboxID: MailboxID(mailbox), mailboxName: name, folder: folder,
            uidValidity: UInt32(clamping: validity), uid: UInt32(clamping: uid), ticketID: ticket.map { TicketID($0) },
            bytes: bytes, internalDate: date)
    }

    /// Ends a quarantine: the mail's place in the folder leads to what it became, and so does the ticket that stood for it.
    ///
    /// - Returns: The number of the mail's ticket; nil when it belongs to none.
    package func settleReplay(
        _ held: HeldMail, messageID: StoredMessageID?, ticketID: TicketID?, eventID: Int64, actor: String,
        in transaction: PostgresTransaction
    ) async throws -> TicketNumber? {
        let detail = Self.json(["quarantine": String(held.id)])
        let results = try await transaction.pipeline([
            "update quarantine set state = 'replayed' where id = \(held.id) and state = 'held' returning id",
            """
            update folder_item set disposition = 'message', message_id = \(messageID?.rawValue)
            where folder_id = \(held.folder.id.rawValue) and uidvalidity = \(Int64(held.uidValidity))
                and uid = \(Int64(held.uid)) and \(messageID?.rawValue)::bigint is not null
            """,
            """
            update ticket set status = 'closed', resolved_at = coalesce(resolved_at, now()), updated_at = now(),
                resolution = 'read at last', merged_into_id = \(ticketID?.rawValue),
                linked_ticket_id = \(ticketID?.rawValue)
            where id = \(held.ticketID?.rawValue)
            """,
            """
            insert into event (id, ticket_id, message_id, kind, actor, detail)
            values (\(eventID), \(ticketID?.rawValue ?? held.ticketID?.rawValue), \(messageID?.rawValue), 'replayed',
                \(actor), \(detail)::text::jsonb)
            """,
            "select ticket_number from ticket where id = \(ticketID?.rawValue)",
        ])
        guard results[0].count == 1 else { throw StoreError(.notFound, "there is no held mail \(held.id)") }
        return try results[4].first.map { row in
            let number = try row.decode(Int64.self)
            return TicketNumber(number)
        }
    }
}

extension DeskStore {
    /// The ticket that a stored message is in, and why; nil for a message that is gone.
    package func threadedMessage(_ id: StoredMessageID) async throws -> (number: TicketNumber?, reason: String)? {
        let rows = try await self.pool.query(
            """
            select t.ticket_number, m.thread_reason from message m left join ticket t on t.id = m.ticket_id
            where m.id = \(id.rawValue)
            """)
        return try rows.first.map { row in
            let (number, reason) = try row.decode(Int64?.self, String.self)
            return (number.map { TicketNumber($0) }, reason)
        }
    }
}
