package import DeskModel
package import Postgres

package import struct Foundation.Date

/// One mail of a customer's own past: what the customer wrote, or what the desk answered.
package struct RememberedMail: Sendable, Hashable {
    package var messageID: StoredMessageID
    package var ticketID: TicketID
    package var ticket: TicketNumber
    package var subject: String
    /// True when the desk wrote it.
    package var isOurs: Bool
    package var date: Date
    /// Visible text, at most 4,000 characters.
    package var text: String
    /// Cosine of its ticket with the mail that is being answered; nil when one of them has no vector yet.
    package var likeness: Double?
}

extension DeskStore {
    /// Which mail is being answered, with the embedding of its text.
    package struct HistoryRequest: Sendable {
        package var messageID: StoredMessageID
        package var vector: [Float]

        package init(messageID: StoredMessageID, vector: [Float]) {
            self.messageID = messageID
            self.vector = vector
        }
    }

    /// Mails of one customer that a draft looks at.
    private static let remembered = 20

    /// What each mail's own customer wrote and was told before it, newest first.
    ///
    /// Two locks: every query names the customer, and row-level security shows only the rows of the customer that the
    /// transaction was opened for. A mail that is marked, forged or not written by the ticket's customer gets nothing.
    ///
    /// What the desk wrote in a ticket that others have a part in (a colleague, the customer of a merged ticket) may have
    /// been for them: it is not remembered.
    ///
    /// - Parameter model: row of `embedding_model` that made the vectors.
    package func history(
        before requests: [HistoryRequest], model: Int64
    ) async throws -> [StoredMessageID: [RememberedMail]] {
        guard !requests.isEmpty else { return [:] }
        let customers = try await self.customers(of: requests.map(\.messageID))
        let known = requests.compactMap { request in customers[request.messageID].map { (request, $0) } }
        guard !known.isEmpty else { return [:] }
        let statements = known.flatMap { request, customer in
            [Self.open(customer), Self.remember(request, of: customer, model: model)]
        }
        let results = try await self.pool.withTransaction(.init(isReadOnly: true)) { transaction in
            try await transaction.pipeline(statements)
        }
        var histories: [StoredMessageID: [RememberedMail]] = [:]
        for (position, (request, _)) in known.enumerated() {
            histories[request.messageID] = try results[2 * position + 1].map(Self.rememberedMail)
        }
        return histories
    }

    /// Opens the customer's private rows for the rest of the transaction.
    package static func open(_ customer: CustomerID) -> SQL {
        "select set_config('martlet.customer', \(customer.description), true)"
    }

    /// Whose own mails these are; a mail that is not its customer's own is left out.
    private func customers(of messages: [StoredMessageID]) async throws -> [StoredMessageID: CustomerID] {
        let rows = try await self.pool.query(
            """
            select m.id, t.customer_id
            from message m join ticket t on t.id = m.ticket_id
            where m.id = any(\(messages.map(\.rawValue))::bigint[]) and m.kind = 'human' and not m.is_flagged
                and m.is_verified is distinct from false and lower(m.sender_address) = t.customer_email
            """)
        return try Dictionary(
            rows.map { row in
                let (message, customer) = try row.decode(Int64.self, Int64.self)
                return (StoredMessageID(message), CustomerID(customer))
            }, uniquingKeysWith: { first, _ in first })
    }

    private static func remember(_ request: HistoryRequest, of customer: CustomerID, model: Int64) -> SQL {
        """
        select h.message_id, t.id, t.ticket_number, t.subject, m.direction = 'out', m.internal_date, h.content,
            (select 1 - (e.embedding <=> \(Vector(request.vector))::halfvec) from ticket_embedding e
                where e.ticket_id = t.id and e.model_id = \(model))
        from customer_history h
        join message m on m.id = h.message_id
        join ticket t on t.id = m.ticket_id
        where h.customer_id = \(customer.rawValue) and h.message_id < \(request.messageID.rawValue)
            and (m.direction = 'in' or not (
                exists (select from participant p where p.ticket_id = t.id and lower(p.address) <> t.customer_email)
                or exists (select from message o where o.ticket_id = t.id and o.direction = 'in' and o.kind = 'human'
                    and lower(o.sender_address) <> t.customer_email)))
        order by h.message_id desc limit \(Self.remembered)
        """
    }

    private static func rememberedMail(_ row: PostgresRow) throws -> RememberedMail {
        let (message, ticket, number, subject, isOurs, date, text, likeness) = try row.decode(
            Int64.self, Int64.self, Int64.self, String.self, Bool.self, Date.self, String.self, Double?.self)
        return RememberedMail(
            messageID: StoredMessageID(message), ticketID: TicketID(ticket), ticket: TicketNumber(number),
            subject: subject, isOurs: isOurs, date: date, text: text, likeness: likeness)
    }
}
