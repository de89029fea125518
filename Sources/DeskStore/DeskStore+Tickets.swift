package import DeskModel
package import Postgres

package import struct Foundation.Date

/// A row of `martlet tickets list`.
package struct TicketSummary: Sendable, Codable {
    package var id: Int64
    package var number: Int64
    package var subject: String
    package var customerEmail: String
    package var customerName: String?
    package var category: String?
    package var priority: Analysis.Priority.Level
    package var status: TicketStatus
    package var sentimentScore: Double?
    package var confidenceScore: Double?
    package var decision: String?
    package var assignedAgent: String?
    package var createdAt: Date
    package var messageCount: Int
    /// ISO 639-1; nil before triage.
    package var language: String?
}

/// Which tickets to list; nil means any.
package struct TicketFilter: Sendable {
    package var status: [TicketStatus] = []
    package var category: String?
    package var priority: Analysis.Priority.Level?
    package var assigned: String?
    package var includesHistory = false
    package var limit = 50

    package init() {}
}

/// One mail of a ticket, for showing.
package struct TicketMessage: Sendable, Codable {
    package var id: Int64
    package var direction: String
    package var kind: String
    package var sender: String?
    package var subject: String
    package var text: String
    package var attachments: Int
    package var threadReason: String
    package var isFlagged: Bool
    package var internalDate: Date
}

/// One event of a ticket, for showing.
package struct TicketEvent: Sendable, Codable {
    package var kind: String
    package var actor: String
    /// JSON object.
    package var detail: String
    package var at: Date
}

/// All that `martlet tickets show` and `explain` print.
package struct TicketDetail: Sendable {
    package var summary: TicketSummary
    package var description: String
    package var resolution: String?
    /// Number of the ticket that this one was merged into.
    package var mergedInto: Int64?
    package var messages: [TicketMessage]
    package var events: [TicketEvent]
    /// Newest; JSON of `Analysis` and `Decision`.
    package var analysis: String?
    package var decision: String?
    /// Newest; JSON of `Draft` and its state.
    package var draft: String?
    package var draftState: String?
}

extension DeskStore {
    private static let summaryColumns: SQL = """
        t.id, t.ticket_number, t.subject, t.customer_email, t.customer_name, t.category, t.priority, t.status,
        t.sentiment_score::float8, t.confidence_score::float8, t.decision, t.assigned_agent, t.created_at,
        (select count(*) from message m where m.ticket_id = t.id), t.language
        """

    /// Newest work first: urgent before low, then by age of the ticket.
    package func tickets(_ filter: TicketFilter) async throws -> [TicketSummary] {
        let statuses = filter.status.map(\.rawValue)
        let category = filter.category?.lowercased()
        let below = category.map { $0 + " / %" }
        let rows = try await self.pool.query(
            """
            select \(Self.summaryColumns)
            from ticket t
            where (cardinality(\(statuses)::text[]) = 0 or t.status = any(\(statuses)::text[]))
                and (\(category)::text is null or lower(t.category) = \(category)
                    or lower(t.category) like \(below))
                and (\(filter.priority?.rawValue)::text is null or t.priority = \(filter.priority?.rawValue))
                and (\(filter.assigned)::text is null or t.assigned_agent = \(filter.assigned))
                and (\(filter.includesHistory) or not t.is_history)
            order by array_position(array['urgent', 'high', 'normal', 'low'], t.priority), t.created_at desc
            limit \(filter.limit)
            """)
        return try rows.map(Self.summary)
    }

    package func ticket(_ number: TicketNumber) async throws -> TicketDetail {
        let (summaryRows, rest) = try await self.pool.withConnection { connection in
            let results = try await connection.pipeline([
                """
                select \(Self.summaryColumns) from ticket t where t.ticket_number = \(number.value)
                """,
                """
                select t.description, t.resolution,
                    (select a.result::text from analysis a where a.ticket_id = t.id order by a.id desc limit 1),
                    (select a.decision::text from analysis a where a.ticket_id = t.id order by a.id desc limit 1),
                    (select d.content::text from draft d where d.ticket_id = t.id order by d.id desc limit 1),
                    (select d.state from draft d where d.ticket_id = t.id order by d.id desc limit 1),
                    (select k.ticket_number from ticket k where k.id = t.merged_into_id)
                from ticket t where t.ticket_number = \(number.value)
                """,
                """
                select m.id, m.direction, m.kind, m.sender_address, m.subject, m.body_text, m.attachment_count,
                    m.thread_reason, m.is_flagged, m.internal_date
                from message m join ticket t on t.id = m.ticket_id
                where t.ticket_number = \(number.value) order by m.id
                """,
                """
                select e.kind, e.actor, e.detail::text, e.at
                from event e join ticket t on t.id = e.ticket_id
                where t.ticket_number = \(number.value) order by e.at, e.id
                """,
            ])
            return (results[0], Array(results.dropFirst()))
        }
        guard let summaryRow = summaryRows.first, let row = rest[0].first else {
            throw StoreError(.notFound, "there is no ticket \(number)")
        }
        let (description, resolution, analysis, decision, draft, draftState, mergedInto) = try row.decode(
            String.self, String?.self, String?.self, String?.self, String?.self, String?.self, Int64?.self)
        return TicketDetail(
            summary: try Self.summary(summaryRow), description: description, resolution: resolution,
            mergedInto: mergedInto,
            messages: try rest[1].map { row in
                let (id, direction, kind, sender, subject, text, attachments, reason, flagged, date) = try row.decode(
                    Int64.self, String.self, String.self, String?.self, String.self, String.self, Int32.self,
                    String.self, Bool.self, Date.self)
                return TicketMessage(
                    id: id, direction: direction, kind: kind, sender: sender, subject: subject, text: text,
                    attachments: Int(attachments), threadReason: reason, isFlagged: flagged, internalDate: date)
            },
            events: try rest[2].map { row in
                let (kind, actor, detail, at) = try row.decode(String.self, String.self, String.self, Date.self)
                return TicketEvent(kind: kind, actor: actor, detail: detail, at: at)
            }, analysis: analysis, decision: decision, draft: draft, draftState: draftState)
    }

    /// The tickets whose text is nearest to this one's, nearest first, with the cosine similarity.
    package func similar(to number: TicketNumber, limit: Int) async throws -> [(TicketSummary, Double)] {
        let rows = try await self.pool.query(
            """
            select 1 - (o.embedding <=> e.embedding), \(Self.summaryColumns)
            from ticket s join ticket_embedding e on e.ticket_id = s.id
            join ticket_embedding o on o.model_id = e.model_id and o.ticket_id <> e.ticket_id
            join ticket t on t.id = o.ticket_id
            where s.ticket_number = \(number.value)
            order by o.embedding <=> e.embedding limit \(limit)
            """)
        return try rows.map { row in
            let (
                similarity, id, number, subject, email, name, category, priority, status, sentiment, confidence,
                decision, agent, created, count, language
            ) = try row.decode(
                Double.self, Int64.self, Int64.self, String.self, String.self, String?.self, String?.self,
                String.self, String.self, Double?.self, Double?.self, String?.self, String?.self, Date.self,
                Int64.self, String?.self)
            return (
                TicketSummary(
                    id: id, number: number, subject: subject, customerEmail: email, customerName: name,
                    category: category, priority: .init(rawValue: priority) ?? .normal,
                    status: TicketStatus(rawValue: status) ?? .open, sentimentScore: sentiment,
                    confidenceScore: confidence, decision: decision, assignedAgent: agent, createdAt: created,
                    messageCount: Int(count), language: language), similarity
            )
        }
    }

    private static func summary(_ row: PostgresRow) throws -> TicketSummary {
        let (
            id, number, subject, email, name, category, priority, status, sentiment, confidence, decision, agent,
            created, count, language
        ) = try row.decode(
            Int64.self, Int64.self, String.self, String.self, String?.self, String?.self, String.self, String.self,
            Double?.self, Double?.self, String?.self, String?.self, Date.self, Int64.self, String?.self)
        return TicketSummary(
            id: id, number: number, subject: subject, customerEmail: email, customerName: name, category: category,
            priority: .init(rawValue: priority) ?? .normal, status: TicketStatus(rawValue: status) ?? .open,
            sentimentScore: sentiment, confidenceScore: confidence, decision: decision, assignedAgent: agent,
            createdAt: created, messageCount: Int(count), language: language)
    }

    // MARK: - Changes by people

    /// Moves a ticket by an event of its state machine.
    ///
    /// - Throws: `StoreError.conflict` when the ticket's state does not allow it.
    package func move(
        _ number: TicketNumber, by event: TicketStatus.Event, actor: String, resolution: String? = nil
    ) async throws -> TicketStatus {
        let eventID = try await self.ids.one()
        return try await self.pool.withTransaction { transaction in
            let rows = try await transaction.query(
                "select id, status from ticket where ticket_number = \(number.value) for update")
            guard let row = rows.first else { throw StoreError(.notFound, "there is no ticket \(number)") }
            let (id, text) = try row.decode(Int64.self, String.self)
            guard let status = TicketStatus(rawValue: text), let next = status.after(event) else {
                throw StoreError(.conflict, "\(number) is \(text)")
            }
            let done = next == .resolved || next == .closed
            let detail = Self.json(["from": text, "to": next.rawValue])
            _ = try await transaction.pipeline([
                """
                update ticket set status = \(next.rawValue), updated_at = now(),
                    resolved_at = case when \(done) then coalesce(resolved_at, now()) end,
                    resolution = coalesce(\(resolution), resolution)
                where id = \(id)
                """,
                """
                insert into event (id, ticket_id, kind, actor, detail)
                values (\(eventID), \(id), 'status', \(actor), \(detail)::text::jsonb)
                """,
            ])
            return next
        }
    }

    package func assign(_ number: TicketNumber, to agent: String?, actor: String) async throws {
        try await self.change(number, "assigned_agent", to: agent, kind: "assigned", actor: actor)
    }

    /// Where a correction comes from.
    package enum CorrectionSource: String, Sendable { case command, mail, keyword, api }

    /// Corrects the category and adds tags; the correction is kept for learning.
    package func retag(
        _ number: TicketNumber, category: String, tags: [String] = [], actor: String,
        source: CorrectionSource = .command
    ) async throws {
        let keys = try await self.ids.take(1 + tags.count)
        try await self.change(number, "category", to: category, kind: "retagged", actor: actor) { id, old in
            [
                """
                insert into correction (id, ticket_id, field, old_value, new_value, actor, source)
                values (\(keys[0]), \(id), 'category', \(old), \(category), \(actor), \(source.rawValue))
                """,
                """
                insert into correction (id, ticket_id, field, new_value, actor, source)
                select n.id, \(id), 'tag', n.tag, \(actor), \(source.rawValue)
                from unnest(\(Array(keys.dropFirst()))::bigint[], \(tags)::text[]) n (id, tag)
                """,
            ]
        }
    }

    private func change(
        _ number: TicketNumber, _ column: String, to value: String?, kind: String, actor: String,
        additional: (Int64, String?) -> [SQL] = { _, _ in [] }
    ) async throws {
        let eventID = try await self.ids.one()
        try await self.pool.withTransaction { transaction in
            let rows = try await transaction.query(
                "select id, \(unescaped: column) from ticket where ticket_number = \(number.value) for update")
            guard let row = rows.first else { throw StoreError(.notFound, "there is no ticket \(number)") }
            let (id, old) = try row.decode(Int64.self, String?.self)
            let detail = Self.json(["from": old ?? "", "to": value ?? ""])
            _ = try await transaction.pipeline(
                [
                    "update ticket set \(unescaped: column) = \(value), updated_at = now() where id = \(id)",
                    """
                    insert into event (id, ticket_id, kind, actor, detail)
                    values (\(eventID), \(id), \(kind), \(actor), \(detail)::text::jsonb)
                    """,
                ] + additional(id, old))
        }
    }

    /// Adds an event that no other statement of the step writes.
    package func eventStatement(
        id: Int64, ticketID: TicketID?, kind: String, detail: [String: String]
    ) -> SQL {
        """
        insert into event (id, ticket_id, kind, actor, detail)
        values (\(id), \(ticketID?.rawValue), \(kind), 'martlet', \(Self.json(detail))::text::jsonb)
        """
    }
}

extension DeskStore {
    /// Closes what was resolved before the reopen window.
    package func closeOldTickets(after window: Duration) async throws {
        try await self.pool.execute(
            """
            update ticket set status = 'closed', updated_at = now()
            where status = 'resolved' and resolved_at < now() - make_interval(secs => \(window / .seconds(1)))
            """)
    }
}
