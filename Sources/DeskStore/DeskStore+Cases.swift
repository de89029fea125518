package import DeskModel
package import Postgres

package import struct Foundation.Date

/// Number of a case card.
package enum CaseRow {}
package typealias CaseID = RowID<CaseRow>

/// States of a case card; the same names are a CHECK in the database.
package enum CaseState: String, Sendable, Codable, CaseIterable { case proposed, approved, rejected, merged }

/// A card on its way into the database: masked already.
package struct NewCase: Sendable {
    package var id: CaseID
    package var ticketID: TicketID
    package var category: String?
    package var language: String?
    package var problem: String
    package var solution: String
    package var problemVector: [Float]
    package var passages: [CasePassage]

    package init(
        id: CaseID, ticketID: TicketID, category: String?, language: String?, problem: String, solution: String,
        problemVector: [Float], passages: [CasePassage]
    ) {
        self.id = id
        self.ticketID = ticketID
        self.category = category
        self.language = language
        self.problem = problem
        self.solution = solution
        self.problemVector = problemVector
        self.passages = passages
    }
}

/// A part of a solution that may stand in an answer, with its vector.
package struct CasePassage: Sendable {
    package var content: String
    package var vector: [Float]

    package init(content: String, vector: [Float]) {
        self.content = content
        self.vector = vector
    }
}

/// What became of a proposal.
package enum CaseProposal: Sendable, Equatable {
    case added(CaseID)
    /// A card says the same already; the ticket is one more of its sources.
    case merged(into: CaseID)
    /// A person refused the same before.
    case refusedBefore(CaseID)
}

/// A card as people look at it.
package struct CaseDetail: Sendable, Codable {
    package var id: CaseID
    package var state: CaseState
    package var category: String?
    package var language: String?
    package var problem: String
    package var solution: String
    package var mergedInto: CaseID?
    package var reason: String?
    package var decidedBy: String?
    package var createdAt: Date
    /// Numbers of the tickets that were solved this way, the first one's words first.
    package var sources: [Int64]
    /// Drafts that it stood in, and tickets that were resolved with one of them.
    package var uses: Int
    package var successes: Int
}

/// An approved card as answers are made from it.
package struct ApprovedCase: Sendable {
    package var id: CaseID
    package var category: String?
    /// ISO 639-1.
    package var language: String?
    package var problem: String
    package var solution: String
    /// Both empty when the card has no vectors of the model yet.
    package var problemVector: [Float]
    package var passages: [CasePassage]
}

extension DeskStore {
    /// From here a problem and its solution are the same as a card's.
    private static let sameProblem = 0.7
    private static let sameSolution = 0.85

    // MARK: - Proposals

    /// Puts a card in, or its ticket beside the card that says the same. Hosts follow each other.
    /// - Parameter model: row of `embedding_model` that made the vectors.
    package func propose(
        _ card: NewCase, model: Int64, in transaction: PostgresTransaction
    ) async throws -> CaseProposal {
        _ = try await transaction.query("select pg_advisory_xact_lock(hashtext('martlet cases'))")
        let solution = Vector(card.passages.first?.vector ?? card.problemVector)
        let rows = try await transaction.query(
            """
            select c.id, c.state
            from case_card c join case_passage p on p.case_id = c.id and p.model_id = \(model)
            where c.state <> 'merged'
            group by c.id
            having max(1 - (p.embedding <=> \(Vector(card.problemVector)))) filter (where p.part = -1)
                    >= \(Self.sameProblem)
                and max(1 - (p.embedding <=> \(solution))) filter (where p.part >= 0) >= \(Self.sameSolution)
            order by max(1 - (p.embedding <=> \(solution))) filter (where p.part >= 0) desc limit 1
            """)
        if let row = rows.first {
            let (id, state) = try row.decode(Int64.self, String.self)
            guard state != CaseState.rejected.rawValue else { return .refusedBefore(CaseID(id)) }
            _ = try await transaction.query(Self.addSource(card.ticketID, to: CaseID(id)))
            return .merged(into: CaseID(id))
        }
        _ = try await transaction.pipeline(
            [
                """
                insert into case_card (id, ticket_id, category, language, problem, solution)
                values (\(card.id.rawValue), \(card.ticketID.rawValue), \(card.category), \(card.language),
                    \(card.problem), \(card.solution))
                """,
                Self.addSource(card.ticketID, to: card.id),
            ] + Self.vectorStatements(card.id, card.problemVector, card.passages, model: model))
        return .added(card.id)
    }

    private static func addSource(_ ticket: TicketID, to card: CaseID) -> SQL {
        """
        insert into case_source (case_id, ticket_id) values (\(card.rawValue), \(ticket.rawValue))
        on conflict do nothing
        """
    }

    private static func vectorStatements(
        _ card: CaseID, _ problem: [Float], _ passages: [CasePassage], model: Int64
    ) -> [SQL] {
        let parts = [CasePassage(content: "", vector: problem)] + passages
        return [
            "delete from case_passage where case_id = \(card.rawValue) and model_id = \(model)",
            """
            insert into case_passage (case_id, model_id, part, content, embedding)
            select \(card.rawValue), \(model), n.part, n.content, n.embedding
            from unnest(
                \(parts.indices.map { Int32($0) - 1 })::int[], \(parts.map(\.content))::text[],
                \(parts.map { Vector($0.vector) })
            ) n (part, content, embedding)
            """,
        ]
    }

    // MARK: - Decisions of people

    /// - Parameter states: empty means any.
    package func cases(_ states: [CaseState] = [], limit: Int = 50) async throws -> [CaseDetail] {
        let names = states.map(\.rawValue)
        return try await self.cards(
            where: "cardinality(\(names)::text[]) = 0 or c.state = any(\(names)::text[])", limit: limit)
    }

    /// - Throws: `.notFound`.
    package func caseCard(_ id: CaseID) async throws -> CaseDetail {
        guard let card = try await self.cards(where: "c.id = \(id.rawValue)", limit: 1).first else {
            throw StoreError(.notFound, "there is no card \(id)")
        }
        return card
    }

    private func cards(where condition: SQL, limit: Int) async throws -> [CaseDetail] {
        let rows = try await self.pool.query(
            """
            select c.id, c.state, c.category, c.language, c.problem, c.solution, c.merged_into, c.reason, c.decided_by,
                c.created_at,
                array(select t.ticket_number from case_source s join ticket t on t.id = s.ticket_id
                    where s.case_id = c.id order by t.id <> c.ticket_id, t.ticket_number),
                (select count(*) from case_use u where u.case_id = c.id),
                (select count(u.succeeded_at) from case_use u where u.case_id = c.id)
            from case_card c where \(condition)
            order by c.state <> 'proposed', c.id desc limit \(limit)
            """)
        return try rows.map { row in
            let (
                id, state, category, language, problem, solution, merged, reason, actor, created, sources, uses,
                successes
            ) = try row.decode(
                Int64.self, String.self, String?.self, String?.self, String.self, String.self, Int64?.self,
                String?.self, String?.self, Date.self, [Int64].self, Int64.self, Int64.self)
            return CaseDetail(
                id: CaseID(id), state: CaseState(rawValue: state) ?? .proposed, category: category, language: language,
                problem: problem, solution: solution, mergedInto: merged.map { CaseID($0) }, reason: reason,
                decidedBy: actor, createdAt: created, sources: sources, uses: Int(uses), successes: Int(successes))
        }
    }

    /// Lets answers draw from a card.
    /// - Parameter solution: the words to use instead of the proposed ones; its vectors are made anew.
    /// - Throws: `.notFound`; `.conflict` when it was merged.
    package func approveCase(_ id: CaseID, solution: String?, actor: String) async throws {
        try await self.decide(id, .approved, from: [.proposed, .rejected, .approved], reason: nil, actor: actor) {
            guard let solution else { return [] }
            return [
                "update case_card set solution = \(solution) where id = \(id.rawValue)",
                "delete from case_passage where case_id = \(id.rawValue)",
            ]
        }
    }

    /// Keeps a card from answers; the same is not proposed again.
    /// - Throws: `.notFound`; `.conflict` when it was merged.
    package func rejectCase(_ id: CaseID, reason: String?, actor: String) async throws {
        try await self.decide(id, .rejected, from: [.proposed, .approved, .rejected], reason: reason, actor: actor) {
            []
        }
    }

    /// Gives a card's sources and uses to another one and takes it away.
    /// - Throws: `.notFound`; `.conflict` when one of them was merged before or both are the same.
    package func mergeCase(_ id: CaseID, into other: CaseID, actor: String) async throws {
        guard id != other else { throw StoreError(.conflict, "a case cannot be merged into itself") }
        let target = try await self.caseCard(other)
        guard target.state == .proposed || target.state == .approved else {
            throw StoreError(.conflict, "case \(other) is \(target.state.rawValue)")
        }
        try await self.decide(id, .merged, from: [.proposed, .approved], reason: nil, actor: actor) {
            [
                """
                insert into case_source (case_id, ticket_id)
                select \(other.rawValue), ticket_id from case_source where case_id = \(id.rawValue)
                on conflict do nothing
                """,
                """
                insert into case_use (case_id, ticket_id, used_at, succeeded_at)
                select \(other.rawValue), ticket_id, used_at, succeeded_at from case_use where case_id = \(id.rawValue)
                on conflict (case_id, ticket_id) do update
                    set succeeded_at = coalesce(case_use.succeeded_at, excluded.succeeded_at)
                """,
                "delete from case_use where case_id = \(id.rawValue)",
                "delete from case_passage where case_id = \(id.rawValue)",
                "update case_card set merged_into = \(other.rawValue) where id = \(id.rawValue)",
            ]
        }
    }

    private func decide(
        _ id: CaseID, _ state: CaseState, from states: [CaseState], reason: String?, actor: String,
        additional: () -> [SQL]
    ) async throws {
        let eventID = try await self.ids.one()
        let more = additional()
        try await self.pool.withTransaction { transaction in
            let rows = try await transaction.query(
                "select state, ticket_id from case_card where id = \(id.rawValue) for update")
            guard let row = rows.first else { throw StoreError(.notFound, "there is no card \(id)") }
            let (text, ticket) = try row.decode(String.self, Int64.self)
            guard states.map(\.rawValue).contains(text) else { throw StoreError(.conflict, "case \(id) is \(text)") }
            let detail = Self.json(["case": id.description, "from": text, "to": state.rawValue])
            _ = try await transaction.pipeline(
                [
                    """
                    update case_card set state = \(state.rawValue), reason = \(reason), decided_by = \(actor),
                        decided_at = now(), updated_at = clock_timestamp() where id = \(id.rawValue)
                    """,
                    """
                    insert into event (id, ticket_id, kind, actor, detail)
                    values (\(eventID), \(ticket), 'case', \(actor), \(detail)::text::jsonb)
                    """,
                ] + more + ["select pg_notify(\(Self.knowledgeChannel), '')"])
        }
    }

    // MARK: - As a source of answers

    /// Every approved card, with the vectors of `model` as far as there are any.
    package func approvedCases(model: Int64) async throws -> [ApprovedCase] {
        let rows = try await self.pool.query(
            """
            select c.id, c.category, c.language, c.problem, c.solution, p.part, p.content, p.embedding
            from case_card c left join case_passage p on p.case_id = c.id and p.model_id = \(model)
            where c.state = 'approved' order by c.id, p.part
            """)
        var cards: [ApprovedCase] = []
        for row in rows {
            let (id, category, language, problem, solution, part, content, vector) = try row.decode(
                Int64.self, String?.self, String?.self, String.self, String.self, Int32?.self, String?.self,
                Vector?.self)
            if cards.last?.id.rawValue != id {
                cards.append(
                    ApprovedCase(
                        id: CaseID(id), category: category, language: language, problem: problem, solution: solution,
                        problemVector: [], passages: []))
            }
            guard let part, let vector else { continue }
            if part == -1 {
                cards[cards.count - 1].problemVector = vector.values
            } else {
                cards[cards.count - 1].passages.append(CasePassage(content: content ?? "", vector: vector.values))
            }
        }
        return cards
    }

    /// Writes the vectors of a card whose words or model are new.
    package func storeCaseVectors(
        _ id: CaseID, problem: [Float], passages: [CasePassage], model: Int64
    ) async throws {
        try await self.pool.withTransaction { transaction in
            _ = try await transaction.pipeline(Self.vectorStatements(id, problem, passages, model: model))
        }
    }

    /// Counts that cards stand in the draft of a ticket.
    package func caseUseStatements(_ uses: [(card: CaseID, ticket: TicketID)]) -> [SQL] {
        guard !uses.isEmpty else { return [] }
        return [
            """
            insert into case_use (case_id, ticket_id)
            select n.card, n.ticket
            from unnest(\(uses.map(\.card.rawValue))::bigint[], \(uses.map(\.ticket.rawValue))::bigint[]) n (card, ticket)
            join case_card c on c.id = n.card
            on conflict do nothing
            """
        ]
    }
}
