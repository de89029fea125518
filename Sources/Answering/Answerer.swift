package import DeskModel
package import Encoder

/// Finds and drafts answers: the index, the encoder and the drafter in one place.
///
/// Vectors of an article's sentences are made when the article is first drawn from and kept until the index changes,
/// so that a backlog costs no more than one embedding a mail.
package actor Answerer {
    private let encoder: any TextEncoder
    private var index: KnowledgeIndex
    private var generation = 0
    /// By position in the index.
    private var sentenceVectors: [Int: [[Float]]] = [:]

    /// A mail of several requests is looked at request by request only up to this many.
    private static let requestLimit = 6
    /// `answerable` that one request alone must reach to count as covered.
    private static let coveredFloor = 0.3

    package init(encoder: any TextEncoder, index: KnowledgeIndex) {
        self.encoder = encoder
        self.index = index
    }

    /// Whether there is anything to answer from.
    package var isEmpty: Bool { self.index.isEmpty }

    package func replaceIndex(_ index: KnowledgeIndex) {
        self.index = index
        self.generation += 1
        self.sentenceVectors = [:]
    }

    /// The articles nearest to each query, best first.
    /// - Throws: what the encoder throws; `.dimensionMismatch`.
    package func search(_ queries: [String], limit: Int) async throws -> [SearchResult] {
        let vectors = try await self.encoder.encode(queries)
        let index = self.index
        return try zip(queries, vectors).map { query, vector in
            try index.search(query, vector: vector, limit: limit)
        }
    }

    /// A draft for one mail, or why there is none.
    /// - Parameter vector: embedding of `question.text` when triage has made it already.
    /// - Throws: what the encoder throws; `.dimensionMismatch`.
    package func answer(
        _ question: MailQuestion, vector: [Float]? = nil, drafter: ExtractiveDrafter
    ) async throws -> Answer {
        let index = self.index
        let generation = self.generation
        var whole = vector ?? []
        if vector == nil { whole = try await self.encoder.encode([question.text]).first ?? [] }
        let found = try index.search(question.text, vector: whole, limit: 5)
        let parts = try await self.parts(of: question, index: index, whole: found)
        // A long mail blurs its question: the clearest request may stand for the mail.
        let clearest = parts.max { $0.found.answerable < $1.found.answerable }
        let leader = clearest.flatMap { $0.found.answerable > found.answerable ? $0 : nil }
        let answerable = max(found.answerable, clearest?.found.answerable ?? 0)
        var wanted: [(hit: SearchHit, vector: [Float]?)] = []
        if let hit = leader?.found.hits.first ?? found.hits.first { wanted.append((hit, leader?.vector)) }
        for part in parts where part.found.answerable >= max(0.6, drafter.floor) {
            guard let hit = part.found.hits.first, !wanted.contains(where: { $0.hit.index == hit.index }) else { continue }
            wanted.append((hit, part.vector))
        }
        var sources: [DraftSource] = []
        for (hit, request) in wanted.prefix(2) {
            sources.append(try await self.source(hit, index: index, generation: generation, request: request))
        }
        let uncovered = parts.filter { part in
            part.found.answerable < Self.coveredFloor
        }.map(\.request)
        let outcome = drafter.draft(
            question, vector: whole, answerable: answerable, sources: sources, uncovered: uncovered)
        return Answer(outcome: outcome, found: found, answerable: answerable, uncovered: uncovered)
    }

    private struct Part {
        let request: String
        let vector: [Float]
        let found: SearchResult
    }

    /// Each request of a mail searched on its own; empty when the mail is one request anyway.
    private func parts(of question: MailQuestion, index: KnowledgeIndex, whole: SearchResult) async throws -> [Part] {
        let requests = question.requests
        guard !index.isEmpty, requests != [question.text] else { return [] }
        let asked = Array(requests.prefix(Self.requestLimit))
        let vectors = try await self.encoder.encode(asked)
        return try zip(asked, vectors).map { request, vector in
            Part(request: request, vector: vector, found: try index.search(request, vector: vector, limit: 1))
        }
    }

    private func source(
        _ hit: SearchHit, index: KnowledgeIndex, generation: Int, request: [Float]?
    ) async throws -> DraftSource {
        let passages = index.passages(of: hit.index).map(\.content)
        var vectors = self.sentenceVectors[hit.index]
        if vectors == nil || self.generation != generation {
            let texts = DraftSource.outline(passages).map(\.text)
            vectors = try await self.encoder.encode(texts)
            if self.generation == generation { self.sentenceVectors[hit.index] = vectors }
        }
        let text = Grounding.Source(
            article: hit.article.key, title: hit.article.title, text: passages.joined(separator: "\n"))
        return DraftSource(
            text: text, passages: passages, vectors: vectors ?? [], bestPassage: hit.chunk.ordinal,
            requestVector: request)
    }
}

/// The answer to one mail, with what it was made from.
package struct Answer: Sendable {
    package let outcome: DraftOutcome
    package let found: SearchResult
    /// Of the mail or of its clearest request, 0…1.
    package let answerable: Double
    /// Requests of the mail that no article answers; any of them forbids an automatic answer.
    package let uncovered: [String]

    package var draft: Draft? {
        if case .draft(let draft, _) = self.outcome { draft } else { nil }
    }

    package var remarks: [String] {
        switch self.outcome {
        case .draft(_, let remarks): remarks
        case .nothing(let gap): [gap.reason]
        }
    }
}
