internal import Answering
internal import DeskModel
internal import DeskStore
package import Encoder
internal import Logging
internal import Postgres
package import WorkQueue

extension JobKind {
    /// Key: ticket. It is done: propose a case card, and count the cards that helped.
    static let learn: JobKind = "learn"
}

/// Proposes case cards from tickets that are done. A person approves them before anything is answered from them.
package struct LearnJob: JobHandler {
    package let kind = JobKind.learn
    private let context: DeskContext
    private let encoder: any TextEncoder
    private let model: Int64

    /// - Parameter model: row of `embedding_model` of `encoder`.
    package init(context: DeskContext, encoder: any TextEncoder, model: Int64) {
        self.context = context
        self.encoder = encoder
        self.model = model
    }

    /// Queues the tickets that were done since the last time; the need and the job change hands in one transaction.
    static func queueDue(_ context: DeskContext) async throws {
        while true {
            let count = try await context.store.pool.withTransaction { transaction in
                let tickets = try await context.store.takeLearningDue(limit: Self.queued, in: transaction)
                let jobs = tickets.map {
                    NewJob(.learn, key: $0.rawValue, priority: JobPriority.backfill, uniqueKey: "learn:\($0)")
                }
                if !jobs.isEmpty { try await context.queue.enqueue(jobs, in: transaction) }
                return tickets.count
            }
            if count < Self.queued { return }
        }
    }

    private static let queued = 500

    package func perform(_ jobs: [ClaimedJob], context: JobContext) async throws {
        for job in jobs {
            guard let key = job.key, let ticket = try await self.context.store.solvedTicket(TicketID(key)) else {
                try await context.finish(job, .cancel(reason: "the ticket is not done any more"))
                continue
            }
            let card = try await self.card(ticket)
            let eventID = try await self.context.store.ids.one()
            let proposal = try await context.commit(job) { transaction -> CaseProposal? in
                if ticket.wasAnswered {
                    try await transaction.query(self.context.store.caseSuccessStatement(ticket.ticketID))
                }
                guard let card else { return nil }
                let proposal = try await self.context.store.propose(card, model: self.model, in: transaction)
                try await transaction.query(
                    self.context.store.eventStatement(
                        id: eventID, ticketID: ticket.ticketID, kind: "case", detail: Self.detail(proposal)))
                return proposal
            }
            guard case .added(let id) = proposal else { continue }
            self.context.logger.info(
                "a case card is proposed", metadata: .with([.ticket: ticket.ticketID, .key: id]))
        }
    }

    /// The card of a ticket, masked before anything else is done with its words; nil when nothing of use is left.
    private func card(_ ticket: SolvedTicket) async throws -> NewCase? {
        guard let question = ticket.question, let answer = ticket.answer else { return nil }
        let known = try await CaseIdentities(context: self.context).known(
            on: [ticket], in: [ticket.subject, question, answer])
        let source = CaseText.Source(
            subject: ticket.subject, question: question, answer: answer, customerTexts: ticket.customerTexts,
            known: known)
        guard let text = CaseText(source) else { return nil }
        let id = try await self.context.store.ids.one()
        let vectors = try await CaseCards.vectors(
            id: CaseID(id), category: ticket.category, problem: text.problem, solution: text.solution,
            encoder: self.encoder)
        return NewCase(
            id: CaseID(id), ticketID: ticket.ticketID, category: ticket.category, language: ticket.language,
            problem: text.problem, solution: text.solution, problemVector: vectors.problem, passages: vectors.passages)
    }

    private static func detail(_ proposal: CaseProposal) -> [String: String] {
        switch proposal {
        case .added(let id): ["case": id.description, "to": "proposed"]
        case .merged(let id): ["case": id.description, "to": "one more source"]
        case .refusedBefore(let id): ["case": id.description, "to": "refused before"]
        }
    }
}

/// Who must not be named in what is kept for other customers.
struct CaseIdentities: Sendable {
    let context: DeskContext

    /// - Parameter texts: what is to be kept; customers of any ticket are looked for in it.
    func known(on tickets: [SolvedTicket], in texts: [String]) async throws -> KnownIdentities {
        let candidates = NameCandidates(
            in: texts.joined(separator: "\n"),
            spoken: tickets.flatMap { $0.customerTexts + [$0.subject, $0.question].compactMap(\.self) })
        let names = try await self.context.store.customerNames(
            holding: candidates.words, orAlone: candidates.single)
        return KnownIdentities(
            names: tickets.flatMap(\.names) + candidates.said(of: names.whole) + names.parts,
            addresses: tickets.flatMap(\.addresses).filter { !self.context.ownAddresses.contains($0.lowercased()) },
            own: self.own)
    }

    /// The shop's own names are nobody's secret.
    private var own: [String] {
        let settings = self.context.settings
        let addresses = settings.mailboxes.flatMap { [$0.address] + $0.aliases }
        return [settings.deskName] + addresses.map(\.domain) + addresses.compactMap(\.displayName)
    }
}

/// Approved case cards as entries of the index: found by the problem, answered from the solution.
enum CaseCards {
    /// Entries for every approved card; vectors that are missing are made and kept.
    static func entries(
        store: DeskStore, encoder: any TextEncoder, model: Int64
    ) async throws -> [KnowledgeIndex.Entry] {
        var entries: [KnowledgeIndex.Entry] = []
        for var card in try await store.approvedCases(model: model) {
            if card.problemVector.isEmpty {
                let made = try await Self.vectors(
                    id: card.id, category: card.category, problem: card.problem, solution: card.solution,
                    encoder: encoder)
                try await store.storeCaseVectors(
                    card.id, problem: made.problem, passages: made.passages, model: model)
                (card.problemVector, card.passages) = made
            }
            guard !card.passages.isEmpty else { continue }
            let category = card.category.map { String($0.split(separator: " / ")[0]) }
            entries.append(
                KnowledgeIndex.Entry(
                    // Below zero, apart from the articles' own.
                    id: ArticleID(-card.id.rawValue),
                    article: CaseText.article(
                        id: card.id.rawValue, category: category, language: card.language, solution: card.solution),
                    titleVector: card.problemVector,
                    chunks: card.passages.enumerated().map {
                        KnowledgeChunk(ordinal: $0, heading: "", content: $1.content)
                    }, vectors: card.passages.map(\.vector),
                    matching: MaskedText.withoutSpots("\(card.problem)\n\(card.solution)")))
        }
        return entries
    }

    /// Vectors of a card's problem and of what its solution may say to others.
    static func vectors(
        id: CaseID, category: String?, problem: String, solution: String, encoder: any TextEncoder
    ) async throws -> (problem: [Float], passages: [CasePassage]) {
        let article = CaseText.article(id: id.rawValue, category: category, solution: solution)
        let texts = article.content.isEmpty ? [] : Chunker.chunks(of: article).map(\.content)
        let vectors = try await encoder.encode([MaskedText.withoutSpots(problem)] + texts)
        let passages = zip(texts, vectors.dropFirst()).map { CasePassage(content: $0, vector: $1) }
        return (vectors.first ?? [], passages)
    }
}
