package import DeskModel
package import Postgres

/// A ticket whose customer got an answer.
package struct AnsweredTicket: Sendable {
    package var ticketID: TicketID
    package var mailboxID: MailboxID
    /// The newest mail of the customer.
    package var lastMailID: StoredMessageID?
}

extension DeskStore {
    /// The text of the draft that lies ready for each ticket.
    package func liveDrafts(
        of tickets: [TicketID], in transaction: PostgresTransaction
    ) async throws -> [TicketID: String] {
        guard !tickets.isEmpty else { return [:] }
        let rows = try await transaction.query(
            """
            select distinct on (ticket_id) ticket_id, body from draft
            where ticket_id = any(\(tickets.map(\.rawValue))::bigint[])
                and state in ('planned', 'placed', 'touched', 'vanished')
            order by ticket_id, id desc
            """)
        var drafts: [TicketID: String] = [:]
        for row in rows {
            let (ticket, body) = try row.decode(Int64.self, String.self)
            drafts[TicketID(ticket)] = body
        }
        return drafts
    }

    /// Takes back what was still to be proposed for tickets that have been answered.
    ///
    /// - Returns: The tickets; a draft that lies in the mailbox is to be removed there.
    package func answered(
        _ tickets: [TicketID], in transaction: PostgresTransaction
    ) async throws -> [AnsweredTicket] {
        let ids = tickets.map(\.rawValue)
        let results = try await transaction.pipeline([
            """
            update mailbox_write set state = 'cancelled', finished_at = now(), last_error = 'it was answered'
            where ticket_id = any(\(ids)::bigint[]) and kind = 'draft' and state = 'planned'
            """,
            """
            update draft set state = 'superseded'
            where ticket_id = any(\(ids)::bigint[]) and state in ('planned', 'placed')
            """,
            """
            select t.id, t.mailbox_id, (select max(m.id) from message m
                where m.ticket_id = t.id and m.direction = 'in' and m.kind = 'human')
            from ticket t where t.id = any(\(ids)::bigint[]) order by t.id
            """,
        ])
        return try results[2].map { row in
            let (id, mailbox, mail) = try row.decode(Int64.self, Int64.self, Int64?.self)
            return AnsweredTicket(
                ticketID: TicketID(id), mailboxID: MailboxID(mailbox), lastMailID: mail.map { StoredMessageID($0) })
        }
    }
}
