package import DeskModel
internal import Postgres

package import struct Foundation.Date

/// A draft and the answer that a person sent instead of it, or it.
package struct DraftedAnswer: Sendable {
    package let draftID: DraftID
    package let messageID: StoredMessageID
    package let category: String
    /// As it was shown, 0…1.
    package let confidence: Double
    /// Before it was fitted to this desk; nil for drafts of older versions.
    package let prior: Double?
    package let draft: String
    package let answer: String
}

/// What became of one draft.
package struct DraftOutcomeRecord: Sendable {
    package var draftID: DraftID
    package var messageID: StoredMessageID
    package var category: String
    package var prior: Double
    package var shown: Double
    /// Of the words of draft and answer, 0…1.
    package var likeness: Double
    /// Sent as it was or nearly so.
    package var isNear: Bool

    package init(
        draftID: DraftID, messageID: StoredMessageID, category: String, prior: Double, shown: Double, likeness: Double,
        isNear: Bool
    ) {
        self.draftID = draftID
        self.messageID = messageID
        self.category = category
        self.prior = prior
        self.shown = shown
        self.likeness = likeness
        self.isNear = isNear
    }
}

/// One answer that went out without a person, and what came of it.
package struct AutomaticAnswer: Sendable, Codable {
    package let ticketNumber: Int64
    package let subject: String
    package let category: String?
    /// State of the outgoing mail: `sent`, `queued`, `uncertain`…
    package let state: String
    package let sentAt: Date?
    package let confidence: Double?
    /// The customer's next mail, its beginning; nil when there was none.
    package let reply: String?
    package let repliedAt: Date?
    /// Of the ticket today.
    package let status: String
}

/// One draft that would have gone out alone if its category were not only observed.
package struct ObservedAnswer: Sendable, Codable {
    package let ticketNumber: Int64
    package let subject: String
    package let category: String?
    package let confidence: Double?
    /// Of the draft and what a person sent, 0…1; nil while nobody has answered.
    package let likeness: Double?
}

extension DeskStore {
    /// Drafts whose ticket has an answer by a person since, and that nobody has compared with it yet.
    package func uncomparedDrafts(limit: Int) async throws -> [DraftedAnswer] {
        let rows = try await self.pool.query(
            """
            select d.id, o.id, coalesce(t.category, ''), d.confidence::float8, (d.content->>'prior')::float8, d.body,
                case when o.reply_text = '' then o.body_text else o.reply_text end
            from draft d
            join ticket t on t.id = d.ticket_id
            join lateral (
                select m.id, m.reply_text, m.body_text from message m
                where m.ticket_id = d.ticket_id and m.direction = 'out' and m.kind = 'human' and not m.is_flagged
                    and m.stored_at >= d.created_at
                order by m.id limit 1) o on true
            where d.created_at > now() - interval '30 days'
                and not exists (select from draft_outcome c where c.draft_id = d.id)
                -- Only the newest draft before an answer was there to be sent.
                and not exists (
                    select from draft n where n.ticket_id = d.ticket_id and n.id > d.id and n.id < o.id)
            order by d.id limit \(Int64(limit))
            """)
        return try rows.map { row in
            let (draft, message, category, confidence, prior, body, answer) = try row.decode(
                Int64.self, Int64.self, String.self, Double.self, Double?.self, String.self, String.self)
            return DraftedAnswer(
                draftID: DraftID(draft), messageID: StoredMessageID(message), category: category,
                confidence: confidence, prior: prior, draft: body, answer: answer)
        }
    }

    /// Records what became of drafts; one that is recorded already stays as it is.
    package func record(_ outcomes: [DraftOutcomeRecord]) async throws {
        guard !outcomes.isEmpty else { return }
        try await self.pool.query(
            """
            insert into draft_outcome (draft_id, message_id, category, prior, shown, likeness, is_near)
            select * from unnest(\(outcomes.map(\.draftID.rawValue)), \(outcomes.map(\.messageID.rawValue)),
                \(outcomes.map(\.category)), \(outcomes.map(\.prior)), \(outcomes.map(\.shown)),
                \(outcomes.map(\.likeness)), \(outcomes.map(\.isNear)))
            on conflict (draft_id) do nothing
            """)
    }

    /// The newest outcomes, newest first.
    package func outcomes(limit: Int) async throws -> [DraftOutcomeRecord] {
        let rows = try await self.pool.query(
            """
            select draft_id, message_id, category, prior::float8, shown::float8, likeness::float8, is_near
            from draft_outcome order by at desc, draft_id desc limit \(Int64(limit))
            """)
        return try rows.map { row in
            let (draft, message, category, prior, shown, likeness, isNear) = try row.decode(
                Int64.self, Int64.self, String.self, Double.self, Double.self, Double.self, Bool.self)
            return DraftOutcomeRecord(
                draftID: DraftID(draft), messageID: StoredMessageID(message), category: category, prior: prior,
                shown: shown, likeness: likeness, isNear: isNear)
        }
    }

    /// Drafts that were only noted, newest first.
    /// - Parameter reason: the reason that the decision gave for it.
    package func observedAnswers(reason: String, since: Date, limit: Int) async throws -> [ObservedAnswer] {
        let rows = try await self.pool.query(
            """
            select t.ticket_number, t.subject, t.category, d.confidence::float8, c.likeness::float8
            from analysis a
            join ticket t on t.id = a.ticket_id
            left join draft d on d.message_id = a.message_id
            left join draft_outcome c on c.draft_id = d.id
            where a.created_at >= \(since) and a.decision->'reasons'->>0 = \(reason)
            order by a.created_at desc, a.id desc limit \(Int64(limit))
            """)
        return try rows.map { row in
            let (number, subject, category, confidence, likeness) = try row.decode(
                Int64.self, String.self, String?.self, Double?.self, Double?.self)
            return ObservedAnswer(
                ticketNumber: number, subject: subject, category: category, confidence: confidence, likeness: likeness)
        }
    }

    /// Answers that went out without a person, newest first, with what their customers wrote next.
    package func automaticAnswers(since: Date, limit: Int) async throws -> [AutomaticAnswer] {
        let rows = try await self.pool.query(
            """
            select t.ticket_number, t.subject, t.category, o.state, o.finished_at, d.confidence::float8,
                left(r.text, 200), r.internal_date, t.status
            from outbox o
            join ticket t on t.id = o.ticket_id
            left join lateral (
                select d.confidence from draft d where d.ticket_id = t.id and d.created_at <= o.created_at
                order by d.id desc limit 1) d on true
            left join lateral (
                select case when m.reply_text = '' then m.body_text else m.reply_text end as text, m.internal_date
                from message m
                where m.ticket_id = t.id and m.direction = 'in' and m.kind = 'human' and m.stored_at > o.created_at
                order by m.id limit 1) r on true
            where o.kind = 'answer' and o.created_at >= \(since)
            order by o.created_at desc, o.id desc limit \(Int64(limit))
            """)
        return try rows.map { row in
            let (number, subject, category, state, sent, confidence, reply, replied, status) = try row.decode(
                Int64.self, String.self, String?.self, String.self, Date?.self, Double?.self, String?.self, Date?.self,
                String.self)
            return AutomaticAnswer(
                ticketNumber: number, subject: subject, category: category, state: state, sentAt: sent,
                confidence: confidence, reply: reply, repliedAt: replied, status: status)
        }
    }
}
