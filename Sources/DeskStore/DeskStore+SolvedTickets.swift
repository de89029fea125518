package import DeskModel
package import Postgres

/// A ticket that is done, as far as something can be learned from it.
package struct SolvedTicket: Sendable {
    package var ticketID: TicketID
    package var category: String?
    package var language: String?
    package var subject: String
    /// The customer's first words; nil when the first mail is not the customer's own.
    package var question: String?
    /// The agent's fullest answer, or the note of whoever resolved it.
    package var answer: String?
    /// What customers wrote in the ticket, the newest mails first.
    package var customerTexts: [String]
    /// Names and addresses of everybody who takes part, agents included.
    package var names: [String]
    package var addresses: [String]
    /// Whether a person or the desk answered the customer.
    package var wasAnswered: Bool
}

extension DeskStore {
    /// Takes tickets that are done and not learned from yet; the caller queues what is to be done with them in the same
    /// transaction.
    package func takeLearningDue(limit: Int, in transaction: PostgresTransaction) async throws -> [TicketID] {
        try await transaction.query(
            """
            delete from learning_due where ticket_id in (
                select ticket_id from learning_due order by ticket_id limit \(limit) for update skip locked)
            returning ticket_id
            """
        ).map { TicketID(try $0.decode(Int64.self)) }
    }

    /// - Returns: nil when the ticket is gone or open again.
    package func solvedTicket(_ id: TicketID) async throws -> SolvedTicket? {
        try await self.solvedTickets(where: "t.id = \(id.rawValue) and t.status in ('resolved', 'closed')").first
    }

    /// The tickets that a card was made from, those that are open again too.
    package func sources(of card: CaseID) async throws -> [SolvedTicket] {
        try await self.solvedTickets(
            where: "t.id in (select s.ticket_id from case_source s where s.case_id = \(card.rawValue))")
    }

    private func solvedTickets(where condition: SQL) async throws -> [SolvedTicket] {
        let rows = try await self.pool.query(
            """
            select t.id, t.category, t.language, t.subject, t.resolution,
                (select m.reply_text from message m where m.ticket_id = t.id and m.direction = 'in' and m.kind = 'human'
                    and not m.is_flagged and lower(m.sender_address) = t.customer_email order by m.id limit 1),
                (select m.reply_text from message m where m.ticket_id = t.id and m.direction = 'out'
                    and m.kind = 'human' and not m.is_flagged order by length(m.reply_text) desc, m.id limit 1),
                array(select left(m.reply_text, 4000) from message m where m.ticket_id = t.id and m.direction = 'in'
                    order by m.id desc limit 50),
                array(select distinct n from (
                    select m.sender_name from message m where m.ticket_id = t.id
                    union all select t.customer_name union all select c.name union all select t.assigned_agent) s (n)
                    where n is not null),
                array(select distinct a from (
                    select m.sender_address from message m where m.ticket_id = t.id
                    union all select p.address from participant p where p.ticket_id = t.id
                    union all select t.customer_email) s (a) where a is not null),
                exists (select from message m where m.ticket_id = t.id and m.direction = 'out' and m.kind = 'human'
                        and not m.is_flagged)
                    or exists (select from outbox o where o.ticket_id = t.id and o.kind = 'answer' and o.state = 'sent')
            from ticket t join customer c on c.id = t.customer_id
            where \(condition)
            """)
        return try rows.map { row in
            let (id, category, language, subject, resolution, question, answer, texts, names, addresses, answered) =
                try row.decode(
                    Int64.self, String?.self, String?.self, String.self, String?.self, String?.self, String?.self,
                    [String].self,
                    [String].self, [String].self, Bool.self)
            return SolvedTicket(
                ticketID: TicketID(id), category: category, language: language, subject: subject, question: question,
                answer: answer ?? resolution, customerTexts: texts, names: names, addresses: addresses,
                wasAnswered: answered)
        }
    }

    /// Names of customers, of any ticket, that hold two of `words` or are one of them, and those of `single` that are part
    /// of any customer's name.
    /// - Parameters:
    ///   - words: lower case, without accents.
    ///   - single: the same.
    package func customerNames(
        holding words: [String], orAlone single: [String]
    ) async throws -> (whole: [String], parts: [String]) {
        if words.isEmpty { return ([], []) }
        let rows = try await self.pool.query(
            """
            select c.name, n.held, n.alone
            from customer c cross join lateral (
                select count(*) filter (where p = any(\(words))) as held,
                    coalesce(array_agg(p) filter (where p = any(\(single))), '{}') as alone
                from (select distinct unnest(c.name_words)) s (p)
                where length(p) > 1) n
            where c.name_words && \(words + single) and (n.held > 1 or n.alone <> '{}')
            """)
        var names: (whole: Set<String>, parts: Set<String>) = ([], [])
        for row in rows {
            let (name, held, alone) = try row.decode(String.self, Int64.self, [String].self)
            if held > 1 { names.whole.insert(name) }
            names.parts.formUnion(alone)
        }
        return (names.whole.sorted(), names.parts.sorted())
    }

    /// Every card that stood in the ticket's drafts has helped once more.
    package func caseSuccessStatement(_ ticket: TicketID) -> SQL {
        "update case_use set succeeded_at = now() where ticket_id = \(ticket.rawValue) and succeeded_at is null"
    }
}
