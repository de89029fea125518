package import DeskModel
internal import Postgres

package import struct Foundation.Date

/// A mail with what a person said it is about.
package struct LearnedLabel: Sendable {
    package var ticketID: TicketID
    /// The mail that opened the ticket.
    package var messageID: StoredMessageID
    package var subject: String
    /// What was newly written; everything when nothing new was found.
    package var text: String
    package var category: String
    /// Tags that a person added.
    package var tags: [String]
    /// What triage had said before anybody corrected it; nil when it had said nothing.
    package var before: String?
    /// Under the model that was asked for; nil before the first training.
    package var embedding: [Float]?
}

/// A trained model as it is kept.
package struct StoredModel: Sendable {
    package enum State: String, Sendable { case serving, retired, refused }

    package var version: String
    /// Fingerprint of the taxonomy.
    package var source: String
    package var taught: Int
    package var heldOut: Int
    /// JSON; the shape is Desk's.
    package var figures: String
    package var state: State
    package var reason: String
    /// Only of the one that serves.
    package var content: [UInt8]?
    package var createdAt: Date

    package init(
        version: String, source: String, taught: Int, heldOut: Int, figures: String, state: State, reason: String,
        content: [UInt8]?, createdAt: Date
    ) {
        self.version = version
        self.source = source
        self.taught = taught
        self.heldOut = heldOut
        self.figures = figures
        self.state = state
        self.reason = reason
        self.content = content
        self.createdAt = createdAt
    }
}

/// How triage did in one category, as far as people said.
package struct CategoryCoverage: Sendable {
    package var category: String
    /// Tickets that stand in it.
    package var tickets: Int
    /// Of these, corrected into it.
    package var corrected: Int
    /// Tickets that triage had put here and a person took out.
    package var takenOut: Int
}

extension DeskStore {
    /// The newest category of each corrected ticket, oldest ticket first.
    ///
    /// - Parameter model: row of `embedding_model` whose vectors are wanted.
    package func labels(model: Int64) async throws -> [LearnedLabel] {
        let rows = try await self.pool.query(
            """
            select t.id, m.id, m.subject,
                case when m.reply_text = '' then left(m.body_text, 20000) else left(m.reply_text, 20000) end,
                c.new_value,
                array(select distinct g.new_value from correction g
                    where g.ticket_id = t.id and g.field = 'tag' order by g.new_value),
                (select o.old_value from correction o where o.ticket_id = t.id and o.field = 'category'
                    order by o.id limit 1),
                e.embedding
            from (select distinct on (ticket_id) ticket_id, new_value from correction
                where field = 'category' order by ticket_id, id desc) c
            join ticket t on t.id = c.ticket_id
            join message m on m.id =
                (select min(f.id) from message f where f.ticket_id = t.id and f.direction = 'in')
            left join label_embedding e on e.message_id = m.id and e.model_id = \(model)
            order by t.id
            """)
        return try rows.map { row in
            let (ticket, message, subject, text, category, tags, before, embedding) = try row.decode(
                Int64.self, Int64.self, String.self, String.self, String.self, [String].self, String?.self,
                Vector?.self)
            return LearnedLabel(
                ticketID: TicketID(ticket), messageID: StoredMessageID(message), subject: subject, text: text,
                category: category, tags: tags, before: before, embedding: embedding?.values)
        }
    }

    /// Keeps the vectors of corrected mails for the next training.
    package func keepLabelEmbeddings(
        _ embeddings: [(message: StoredMessageID, vector: [Float])], model: Int64
    ) async throws {
        guard !embeddings.isEmpty else { return }
        _ = try await self.pool.execute(
            """
            insert into label_embedding (message_id, model_id, embedding)
            select message, \(model), embedding::halfvec from unnest(
                \(embeddings.map(\.message.rawValue))::bigint[], \(embeddings.map { Vector($0.vector) })
            ) n (message, embedding)
            on conflict (message_id, model_id) do nothing
            """)
    }

    /// Files a trained model; one that serves takes the place of the one before.
    package func file(_ model: StoredModel) async throws {
        let id = try await self.ids.one()
        try await self.pool.withTransaction { transaction in
            if model.state == .serving {
                _ = try await transaction.execute(
                    "update triage_model set state = 'retired', content = null where state = 'serving'")
            }
            _ = try await transaction.execute(
                """
                insert into triage_model
                    (id, version, source, taught, held_out, figures, state, reason, content)
                values (\(id), \(model.version), \(model.source), \(Int32(model.taught)), \(Int32(model.heldOut)),
                    \(model.figures)::text::jsonb, \(model.state.rawValue), \(model.reason), \(model.content))
                """)
        }
    }

    /// Version of the model of this taxonomy that serves; nil while the taxonomy's own does.
    package func servingVersion(source: String) async throws -> String? {
        let rows = try await self.pool.query(
            "select version from triage_model where state = 'serving' and source = \(source)")
        return try rows.first?.decode(String.self)
    }

    /// The model that serves, with its content.
    package func servingModel() async throws -> StoredModel? {
        try await self.models(where: "state = 'serving'", limit: 1).first
    }

    /// Newest first, without content.
    package func models(limit: Int) async throws -> [StoredModel] {
        try await self.models(where: "true", limit: limit).map { model in
            var model = model
            model.content = nil
            return model
        }
    }

    private func models(where condition: SQL, limit: Int) async throws -> [StoredModel] {
        let rows = try await self.pool.query(
            """
            select version, source, taught, held_out, figures::text, state, reason, content, created_at
            from triage_model where \(condition) order by id desc limit \(limit)
            """)
        return try rows.map { row in
            let (version, source, taught, heldOut, figures, state, reason, content, date) = try row.decode(
                String.self, String.self, Int32.self, Int32.self, String.self, String.self, String.self,
                [UInt8]?.self, Date.self)
            return StoredModel(
                version: version, source: source, taught: Int(taught), heldOut: Int(heldOut), figures: figures,
                state: StoredModel.State(rawValue: state) ?? .retired, reason: reason, content: content,
                createdAt: date)
        }
    }

    /// Tickets by category, and what people changed.
    package func categoryCoverage() async throws -> [CategoryCoverage] {
        let rows = try await self.pool.query(
            """
            with last as (select distinct on (ticket_id) ticket_id, new_value from correction
                    where field = 'category' order by ticket_id, id desc),
                first as (select distinct on (ticket_id) ticket_id, old_value from correction
                    where field = 'category' order by ticket_id, id)
            select coalesce(t.category, f.old_value), count(t.id) filter (where not t.is_history),
                count(l.ticket_id), max(coalesce(f.count, 0))
            from ticket t left join last l on l.ticket_id = t.id
            full join (select old_value, count(*) from first join last using (ticket_id)
                where old_value is distinct from new_value and old_value is not null group by old_value) f
                on f.old_value = t.category
            where coalesce(t.category, f.old_value) is not null
            group by 1 order by 2 desc, 1
            """)
        return try rows.map { row in
            let (category, tickets, corrected, out) = try row.decode(
                String.self, Int64.self, Int64.self, Int64.self)
            return CategoryCoverage(
                category: category, tickets: Int(tickets), corrected: Int(corrected), takenOut: Int(out))
        }
    }

    /// True for one caller on all hosts and each day, between two and five at night by the database's clock.
    package func claimNightlyTraining(by host: String) async throws -> Bool {
        let rows = try await self.pool.query(
            """
            insert into control (key, value, changed_by)
            select 'learn.nightly', current_date::text, \(host) where extract(hour from localtime) between 2 and 4
            on conflict (key) do update set value = excluded.value, changed_at = now(), changed_by = excluded.changed_by
                where control.value <> excluded.value
            returning key
            """)
        return !rows.isEmpty
    }
}
