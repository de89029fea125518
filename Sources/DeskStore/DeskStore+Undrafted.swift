package import DeskModel
internal import Postgres

package import struct Foundation.Date

/// A ticket for which nothing could be drafted, with what it is about.
package struct UndraftedTicket: Sendable {
    package var number: TicketNumber
    package var subject: String
    package var category: String?
    /// Of the ticket's text, of length 1.
    package var vector: [Float]

    package init(number: TicketNumber, subject: String, category: String?, vector: [Float]) {
        self.number = number
        self.subject = subject
        self.category = category
        self.vector = vector
    }
}

extension DeskStore {
    /// Tickets of people that never had a draft, newest first, and how many tickets of people there were.
    package func undraftedTickets(since: Date, limit: Int) async throws -> (tickets: [UndraftedTicket], of: Int) {
        let results = try await self.pool.pipeline([
            """
            select t.ticket_number, t.subject, t.category, e.embedding
            from ticket t join ticket_embedding e on e.ticket_id = t.id
                and e.model_id = (select max(model_id) from ticket_embedding)
            where t.created_at >= \(since) and not t.is_history and t.decision in ('draft', 'auto', 'escalate')
                and not exists (select from draft d where d.ticket_id = t.id)
            order by t.id desc limit \(Int64(limit))
            """,
            """
            select count(*) from ticket t
            where t.created_at >= \(since) and not t.is_history and t.decision in ('draft', 'auto', 'escalate')
            """,
        ])
        let tickets = try results[0].map { row in
            let (number, subject, category, vector) = try row.decode(
                Int64.self, String.self, String?.self, Vector.self)
            return UndraftedTicket(
                number: TicketNumber(number), subject: subject, category: category, vector: vector.values)
        }
        return (tickets, Int(try results[1][0].decode(Int64.self)))
    }
}
