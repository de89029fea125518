package import DeskModel
package import Postgres

package import struct Foundation.Date

/// A message with what triage and the drafter need to know of its ticket and customer.
package struct TriageSubject: Sendable {
    package var messageID: StoredMessageID
    package var ticketID: TicketID
    package var ticketNumber: Int64
    package var mailboxID: MailboxID
    package var status: TicketStatus
    package var isHistory: Bool
    /// The first mail of its ticket.
    package var isFirst: Bool
    package var subject: String
    package var replyText: String
    package var bodyText: String
    package var attachmentCount: Int
    package var hasPhoto: Bool
    package var classification: MessageClassification.Kind
    package var suppressAutomatic: Bool
    package var isVerified: Bool?
    package var isFlagged: Bool
    package var customerEmail: String
    package var customerName: String?
    package var answerFrom: String
    package var internetMessageID: String?
    package var internalDate: Date
    /// Lower-case addresses in Cc and To besides ours and the customer's.
    package var participants: [String]
    /// Ids the answer refers to, oldest first.
    package var references: [String]
    /// Tickets of this customer in the last 30 days, this one included.
    package var recentTickets: Int
    /// Mails of the customer in this ticket, this one included.
    package var contacts: Int
    /// Newest first: number, subject, status of the customer's earlier tickets.
    package var history: [String]
    /// A newer mail of the customer is in the ticket: only the newest gets a draft. One that may be somebody else's (a
    /// flagged one) silences nobody.
    package var isSuperseded: Bool
    /// Somebody of us answered this very mail; an answer to an earlier one says nothing about it.
    package var isAnswered: Bool
    /// A person has the draft of this ticket in hand.
    package var hasTouchedDraft: Bool
    /// ISO 639-1, from the last analysis; nil before.
    package var language: String?
    /// Sentiment of the customer's earlier mails in this ticket, −1…1, oldest first.
    package var moods: [Double]
    /// As the ticket was opened.
    package var ticketSubject: String
    /// What the ticket was opened with.
    package var ticketText: String
    /// The customer's newest mail before this one that says more than a few words; nil for the first.
    package var earlierText: String?
    /// Triage called for a person before because of this mail; the team had its notice.
    package var wasEscalated: Bool
    /// What automatic mail the customer had.
    package var standing = AutomaticStanding()

    /// Nobody knows whose ticket it is.
    package var isUnsigned: Bool { self.customerEmail == MailAddress.unknown }
}

/// What bears on one more automatic mail to a ticket's customer.
package struct AutomaticStanding: Sendable, Hashable {
    /// The ticket had an automatic answer, or one is queued.
    package var wasAnswered = false
    /// The address is undeliverable or has complained.
    package var isStopped = false
    /// Automatic mails to the address within a day.
    package var mailsToAddress = 0
    /// Automatic mails to the address's domain within an hour.
    package var mailsToDomain = 0

    package init() {}
}

/// What one triage step writes.
package struct TriageRecord: Sendable {
    package var analysisID: Int64
    package var eventID: Int64
    package var messageID: StoredMessageID
    package var ticketID: TicketID
    package var modelVersion: String
    package var analysis: Analysis
    package var decision: Decision
    package var embedding: [Float]
    package var draft: PlannedDraft?

    package struct PlannedDraft: Sendable {
        package var id: DraftID
        package var writeID: Int64?
        package var draft: Draft

        package init(id: DraftID, writeID: Int64?, draft: Draft) {
            self.id = id
            self.writeID = writeID
            self.draft = draft
        }
    }

    package init(
        analysisID: Int64, eventID: Int64, messageID: StoredMessageID, ticketID: TicketID, modelVersion: String,
        analysis: Analysis, decision: Decision, embedding: [Float], draft: PlannedDraft?
    ) {
        self.analysisID = analysisID
        self.eventID = eventID
        self.messageID = messageID
        self.ticketID = ticketID
        self.modelVersion = modelVersion
        self.analysis = analysis
        self.decision = decision
        self.embedding = embedding
        self.draft = draft
    }
}

extension DeskStore {
    /// The messages of a batch of triage jobs; a message that is gone or has no ticket is left out.
    package func triageSubjects(_ ids: [StoredMessageID]) async throws -> [TriageSubject] {
        try await self.subjects(where: "m.id = any(\(ids.map(\.rawValue))::bigint[])")
    }

    /// The first message of each ticket.
    package func triageSubjects(firstMessagesOf tickets: [TicketID]) async throws -> [TriageSubject] {
        try await self.subjects(
            where: """
                m.id in (select min(f.id) from message f
                    where f.ticket_id = any(\(tickets.map(\.rawValue))::bigint[]) group by f.ticket_id)
                """)
    }

    /// Marks the tickets of mails that nothing could be made of as a person's; no analysis says why.
    package func escalate(
        _ ids: [StoredMessageID], in transaction: PostgresTransaction
    ) async throws -> [(ticketID: TicketID, mailboxID: MailboxID)] {
        try await transaction.query(
            """
            update ticket t set decision = 'escalate', updated_at = now() from message m
            where m.ticket_id = t.id and m.id = any(\(ids.map(\.rawValue))::bigint[]) returning t.id, t.mailbox_id
            """
        ).map { row in
            let (ticket, mailbox) = try row.decode(Int64.self, Int64.self)
            return (TicketID(ticket), MailboxID(mailbox))
        }
    }

    private func subjects(where condition: SQL) async throws -> [TriageSubject] {
        let rows = try await self.pool.query(
            """
            select m.id, t.id, t.ticket_number, t.mailbox_id, t.status, t.is_history,
                not exists (select from message e where e.ticket_id = t.id and e.id < m.id),
                m.subject, m.reply_text, left(m.body_text, 20000), m.attachment_count,
                exists (select from attachment a where a.message_id = m.id and a.content_type like 'image/%'
                    and not a.is_inline), m.kind, m.suppress_automatic,
                m.is_verified, m.is_flagged, t.customer_email, t.customer_name, t.answer_from,
                m.internet_message_id, m.internal_date,
                array(select p.address from participant p where p.ticket_id = t.id order by p.address),
                array(select e.internet_message_id from message e
                    where e.ticket_id = t.id and e.id <= m.id and e.internet_message_id is not null
                    order by e.id desc limit 20),
                (select count(*) from ticket o where o.customer_id = t.customer_id and not o.is_history
                    and o.created_at > now() - interval '30 days'),
                (select count(*) from message e where e.ticket_id = t.id and e.direction = 'in'
                    and e.kind = 'human' and not e.is_thanks and e.id <= m.id
                    and e.id > coalesce((select max(a.id) from message a
                        where a.ticket_id = t.id and a.direction = 'out' and a.kind = 'human' and not a.is_flagged
                            and a.id < m.id), 0)),
                array(select 'MT-' || o.ticket_number || ' ' || o.status || ': ' || left(o.subject, 80)
                    from ticket o where o.customer_id = t.customer_id and o.id <> t.id
                    order by o.created_at desc limit 3),
                exists (select from message e where e.ticket_id = t.id and e.id > m.id and e.direction = 'in'
                    and e.kind = 'human' and not e.is_thanks and not e.is_flagged),
                exists (select from event e where e.ticket_id = t.id and e.kind = 'answered'
                    and e.detail ->> 'to' = m.internet_message_id),
                exists (select from draft d where d.ticket_id = t.id and d.state = 'touched'), t.language,
                array(select (a.result -> 'sentiment' ->> 'score')::float8 from (
                    select distinct on (a.message_id) a.message_id, a.result from analysis a
                    join message e on e.id = a.message_id
                    where a.ticket_id = t.id and a.message_id < m.id and e.direction = 'in' and e.kind = 'human'
                    order by a.message_id, a.id desc) a order by a.message_id),
                t.subject, left(t.description, 4000),
                (select left(coalesce(nullif(e.reply_text, ''), e.body_text), 4000) from message e
                    where e.ticket_id = t.id and e.id < m.id and e.direction = 'in' and e.kind = 'human'
                        and not e.is_thanks and not e.is_flagged
                    order by length(coalesce(nullif(e.reply_text, ''), e.body_text)) >= 60 desc, e.id desc limit 1),
                exists (select from analysis a where a.message_id = m.id and a.decision ->> 'action' = 'escalate')
            from message m join ticket t on t.id = m.ticket_id
            where \(condition)
            """)
        var subjects = try rows.map(Self.triageSubject)
        let standings = try await self.standings(of: Set(subjects.map(\.ticketID)))
        for index in subjects.indices { subjects[index].standing = standings[subjects[index].ticketID] ?? .init() }
        return subjects
    }

    private func standings(of tickets: Set<TicketID>) async throws -> [TicketID: AutomaticStanding] {
        guard !tickets.isEmpty else { return [:] }
        let rows = try await self.pool.query(
            """
            select t.id,
                exists (select from outbox o where o.ticket_id = t.id and o.kind = 'answer'
                    and o.state not in ('cancelled', 'failed')),
                c.undeliverable_at is not null or c.automatic_stopped_at is not null,
                (select count(*) from send_ledger l where l.address = t.customer_email
                    and l.sent_at > now() - interval '1 day'),
                (select count(*) from send_ledger l where l.domain = split_part(t.customer_email, '@', 2)
                    and l.sent_at > now() - interval '1 hour')
            from ticket t join customer c on c.id = t.customer_id
            where t.id = any(\(tickets.map(\.rawValue))::bigint[])
            """)
        var standings: [TicketID: AutomaticStanding] = [:]
        for row in rows {
            let (id, answered, stopped, address, domain) = try row.decode(
                Int64.self, Bool.self, Bool.self, Int64.self, Int64.self)
            var standing = AutomaticStanding()
            standing.wasAnswered = answered
            standing.isStopped = stopped
            standing.mailsToAddress = Int(address)
            standing.mailsToDomain = Int(domain)
            standings[TicketID(id)] = standing
        }
        return standings
    }

    private static func triageSubject(_ row: PostgresRow) throws -> TriageSubject {
        let (
            id, ticket, number, mailbox, status, isHistory, isFirst, subject, reply, body, attachments, photo, kind,
            suppress,
            verified, flagged, email, name, answerFrom, internetID, date, participants, references, recent, contacts,
            history, superseded, answered, touched, language, moods, ticketSubject, ticketText, earlier, escalated
        ) = try row.decode(
            Int64.self, Int64.self, Int64.self, Int64.self, String.self, Bool.self, Bool.self, String.self, String.self,
            String.self, Int32.self, Bool.self, String.self, Bool.self, Bool?.self, Bool.self, String.self,
            String?.self,
            String.self, String?.self, Date.self, [String].self, [String].self, Int64.self, Int64.self, [String].self,
            Bool.self, Bool.self, Bool.self, String?.self, [Double].self, String.self, String.self, String?.self,
            Bool.self)
        return TriageSubject(
            messageID: StoredMessageID(id), ticketID: TicketID(ticket), ticketNumber: number,
            mailboxID: MailboxID(mailbox), status: TicketStatus(rawValue: status) ?? .open, isHistory: isHistory,
            isFirst: isFirst, subject: subject, replyText: reply, bodyText: body, attachmentCount: Int(attachments),
            hasPhoto: photo,
            classification: .init(rawValue: kind) ?? .other, suppressAutomatic: suppress, isVerified: verified,
            isFlagged: flagged, customerEmail: email, customerName: name, answerFrom: answerFrom,
            internetMessageID: internetID, internalDate: date, participants: participants,
            references: references.reversed(), recentTickets: Int(recent), contacts: Int(contacts),
            // Whoever only claims to be the customer learns nothing of them, not even through an agent's note.
            history: verified == false || flagged
                ? ["not shown, for the sender is not verified"] : email == MailAddress.unknown ? [] : history,
            isSuperseded: superseded, isAnswered: answered, hasTouchedDraft: touched,
            language: language, moods: moods, ticketSubject: ticketSubject, ticketText: ticketText,
            earlierText: verified == false || flagged ? nil : earlier, wasEscalated: escalated)
    }

    /// Cosine below which a mail has nothing to do with its ticket.
    private static let unrelated = 0.3
    private static let levels = ["low", "normal", "high", "urgent"]
    /// The mail of `n` is not the ticket's first, and nobody has answered since the one before it: whatever it says, the
    /// matter is as urgent as it was.
    private static let isUnanswered: SQL = """
        coalesce((select e.direction = 'in' from message e
            where e.ticket_id = n.ticket and e.id < n.message and (e.direction = 'out' or e.kind = 'human')
            order by e.id desc limit 1), false)
        """

    /// The statements that write triage results: analysis, ticket columns, embedding, draft and event.
    ///
    /// - Parameter model: Row of `embedding_model` that made the embeddings.
    package func triageStatements(_ records: [TriageRecord], model: Int64) -> [SQL] {
        guard !records.isEmpty else { return [] }
        let records = records.sorted { $0.ticketID < $1.ticketID }
        var statements: [SQL] = [
            """
            insert into analysis (id, ticket_id, message_id, model_version, result, decision)
            select n.id, n.ticket, n.message, n.version, n.result::jsonb, n.decision::jsonb
            from unnest(
                \(records.map(\.analysisID))::bigint[], \(records.map(\.ticketID.rawValue))::bigint[],
                \(records.map(\.messageID.rawValue))::bigint[], \(records.map(\.modelVersion))::text[],
                \(records.map { Self.json($0.analysis) })::text[], \(records.map { Self.json($0.decision) })::text[]
            ) n (id, ticket, message, version, result, decision)
            on conflict (message_id, model_version) do update
                set result = excluded.result, decision = excluded.decision
            """,
            // What a person said of the category stands, whatever triage makes of a later mail.
            """
            update ticket t set category = coalesce(
                    (select c.new_value from correction c where c.ticket_id = n.ticket and c.field = 'category'
                        order by c.id desc limit 1), n.category),
                priority = case when \(Self.isUnanswered) and array_position(\(Self.levels), t.priority)
                        > array_position(\(Self.levels), n.priority) then t.priority else n.priority end,
                sentiment_score = n.sentiment,
                confidence_score = n.confidence, language = n.language, decision = n.decision, updated_at = now()
            from (
                select distinct on (ticket) * from unnest(
                    \(records.map(\.ticketID.rawValue))::bigint[], \(records.map(\.messageID.rawValue))::bigint[],
                    \(records.map(\.analysis.category.name))::text[],
                    \(records.map(\.analysis.priority.level.rawValue))::text[],
                    \(records.map(\.analysis.sentiment.score))::float8[],
                    \(records.map { $0.draft?.draft.confidence ?? $0.analysis.category.confidence })::float8[],
                    \(records.map(\.analysis.language))::text[], \(records.map(\.decision.action.rawValue))::text[]
                ) u (ticket, message, category, priority, sentiment, confidence, language, decision)
                order by ticket, message desc
            ) n
            where t.id = n.ticket
            """,
            // Another subject and other words than the ticket so far: perhaps another matter. Before the ticket's vector is
            // replaced by this mail's.
            """
            insert into event (id, ticket_id, message_id, kind, actor, detail)
            select nextval('desk_id'), n.ticket, n.message, 'split-proposed', 'martlet', jsonb_build_object(
                'alike', round((1 - (e.embedding <=> n.embedding::halfvec))::numeric, 2), 'remedy', 'tickets split')
            from unnest(
                \(records.map(\.ticketID.rawValue))::bigint[], \(records.map(\.messageID.rawValue))::bigint[],
                \(records.map { Vector($0.embedding) })
            ) n (ticket, message, embedding)
            join ticket_embedding e on e.ticket_id = n.ticket and e.model_id = \(model)
            join event s on s.ticket_id = n.ticket and s.message_id = n.message and s.kind = 'subject-changed'
            where 1 - (e.embedding <=> n.embedding::halfvec) < \(Self.unrelated)
            """,
            """
            insert into ticket_embedding (ticket_id, model_id, embedding)
            select distinct on (ticket) ticket, \(model), embedding::halfvec
            from unnest(
                \(records.map(\.ticketID.rawValue))::bigint[], \(records.map { Vector($0.embedding) })
            ) n (ticket, embedding)
            on conflict (ticket_id, model_id) do update set embedding = excluded.embedding
            """,
            """
            insert into event (id, ticket_id, message_id, kind, actor, detail)
            select n.id, n.ticket, n.message, 'triage', 'martlet', n.detail::jsonb
            from unnest(
                \(records.map(\.eventID))::bigint[], \(records.map(\.ticketID.rawValue))::bigint[],
                \(records.map(\.messageID.rawValue))::bigint[],
                \(records.map { Self.json(TriageEvent($0)) })::text[]
            ) n (id, ticket, message, detail)
            """,
        ]
        let drafts = records.compactMap { record in record.draft.map { (record, $0) } }
        if !drafts.isEmpty {
            statements.append(
                """
                update draft set state = 'superseded'
                where ticket_id = any(\(drafts.map(\.0.ticketID.rawValue))::bigint[]) and state in ('planned', 'placed')
                """)
            statements.append(
                """
                insert into draft (id, ticket_id, message_id, write_id, state, body, content, confidence)
                select n.id, n.ticket, n.message, n.write, 'planned', n.body, n.content::jsonb, n.confidence
                from unnest(
                    \(drafts.map(\.1.id.rawValue))::bigint[], \(drafts.map(\.0.ticketID.rawValue))::bigint[],
                    \(drafts.map(\.0.messageID.rawValue))::bigint[], \(drafts.map(\.1.writeID))::bigint[],
                    \(drafts.map(\.1.draft.body))::text[], \(drafts.map { Self.json($0.1.draft) })::text[],
                    \(drafts.map(\.1.draft.confidence))::float8[]
                ) n (id, ticket, message, write, body, content, confidence)
                """)
        }
        return statements
    }

    private struct TriageEvent: Encodable {
        let category: String
        let priority: String
        let decision: String
        let reasons: [String]
        /// Words and neighbours that decided.
        let because: [String]
        let model: String

        init(_ record: TriageRecord) {
            self.category = record.analysis.category.name
            self.priority = record.analysis.priority.level.rawValue
            self.decision = record.decision.action.rawValue
            self.reasons = record.decision.reasons
            self.because = record.analysis.explanation
            self.model = record.modelVersion
        }
    }
}
