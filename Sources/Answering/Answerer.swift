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

    /// `answerable` from which the whole mail needs no second look sentence by sentence.
    private static let clear = 0.75
    /// `answerable` that one request must reach to count as covered.
    private static let coveredFloor = 0.3
    /// `answerable` below which a sentence that asks nothing has nothing to do with what the sources say.
    private static let relatedFloor = 0.1
    /// A single sentence is a little less to go by than a whole mail, and the best of many is flattered.
    private static let sentenceTrust = 0.9

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

    /// A mail to be answered, and what is already known about it.
    package struct Inquiry: Sendable {
        package var question: MailQuestion
        /// Embedding of `question.text` when triage has made it already.
        package var vector: [Float]?
        package var drafter: ExtractiveDrafter
        /// True when the answer may go out alone: every sentence of the mail is then looked at, and one that is about
        /// nothing the sources know counts as uncovered even when it asks nothing.
        package var isStrict: Bool

        package init(
            _ question: MailQuestion, vector: [Float]? = nil, drafter: ExtractiveDrafter, isStrict: Bool = false
        ) {
            self.question = question
            self.vector = vector
            self.drafter = drafter
            self.isStrict = isStrict
        }
    }

    /// A draft for one mail, or why there is none.
    /// - Throws: what the encoder throws; `.dimensionMismatch`.
    package func answer(_ inquiry: Inquiry) async throws -> Answer { try await self.answers(to: [inquiry])[0] }

    /// A draft for each mail, or why there is none. The encoder sees what has to be embedded of all mails at once.
    /// - Throws: what the encoder throws; `.dimensionMismatch`.
    package func answers(to inquiries: [Inquiry]) async throws -> [Answer] {
        let index = self.index
        let generation = self.generation
        let missing = inquiries.indices.filter { inquiries[$0].vector == nil }
        var wholes = inquiries.map { $0.vector ?? [] }
        if !missing.isEmpty {
            let vectors = try await self.encoder.encode(missing.map { inquiries[$0].question.text })
            for (position, vector) in zip(missing, vectors) { wholes[position] = vector }
        }
        let looks = try zip(inquiries, wholes).map { try Look($0, whole: $1, index: index) }
        // Customers of a batch often say the same sentence; it is embedded once.
        let sentences = Array(Set(looks.flatMap { $0.statements.map(\.text) })).sorted()
        let vectors = sentences.isEmpty ? [] : try await self.encoder.encode(sentences)
        let vectorOf = Dictionary(uniqueKeysWithValues: zip(sentences, vectors))
        var answers: [Answer] = []
        for look in looks {
            let parts = try look.statements.map { statement in
                let vector = vectorOf[statement.text] ?? []
                return Part(
                    text: statement.text, isRequest: statement.isRequest, vector: vector,
                    found: try index.search(statement.text, vector: vector, limit: 3, expecting: look.expecting))
            }
            answers.append(try await self.answer(look, parts: parts, index: index, generation: generation))
        }
        return answers
    }

    private func answer(
        _ look: Look, parts: [Part], index: KnowledgeIndex, generation: Int
    ) async throws -> Answer {
        let drafter = look.inquiry.drafter
        let found = look.found
        // A long mail blurs its question: the clearest sentence may stand for the mail.
        let clearest = parts.max { $0.found.answerable < $1.found.answerable }
        let leader = clearest.flatMap { Self.sentenceTrust * $0.found.answerable > found.answerable ? $0 : nil }
        let answerable = leader.map { Self.sentenceTrust * $0.found.answerable } ?? found.answerable
        var wanted: [(hit: SearchHit, vector: [Float])] = []
        if let hit = Self.best(of: leader?.found ?? found, within: found) {
            wanted.append((hit, leader?.vector ?? look.whole))
        }
        for part in parts where part.isRequest && part.found.answerable >= max(0.6, drafter.floor) {
            guard let hit = part.found.hits.first, !part.isCovered(by: wanted.map(\.hit.index)) else { continue }
            wanted.append((hit, part.vector))
        }
        var sources: [DraftSource] = []
        for (hit, asked) in wanted.prefix(2) {
            sources.append(try await self.source(hit, index: index, generation: generation, vector: asked))
        }
        let used = wanted.prefix(2).map(\.hit.index)
        let requests = parts.filter(\.isRequest)
        var uncovered = requests.filter { part in
            part.found.answerable < Self.coveredFloor || !part.isCovered(by: used)
        }.map(\.text)
        if look.inquiry.isStrict {
            uncovered += parts.filter { !$0.isRequest && $0.found.answerable < Self.relatedFloor }.map(\.text)
            if look.inquiry.question.isLong { uncovered.append("the rest of a long mail") }
        }
        let outcome = drafter.draft(
            look.inquiry.question, answerable: answerable, sources: sources, uncovered: uncovered,
            requests: requests.count)
        return Answer(outcome: outcome, found: found, answerable: answerable, uncovered: uncovered)
    }

    /// The article that fits a sentence best, where the mail around it has a say: a question such as "who pays for
    /// that?" is close to several articles, and the rest of the mail tells which one is meant.
    private static func best(of part: SearchResult, within mail: SearchResult) -> SearchHit? {
        let context = Dictionary(mail.hits.map { ($0.index, $0.score) }, uniquingKeysWith: max)
        return part.hits.max { left, right in
            left.score + (context[left.index] ?? 0) < right.score + (context[right.index] ?? 0)
        }
    }

    private struct Part {
        let text: String
        let isRequest: Bool
        let vector: [Float]
        let found: SearchResult

        /// Whether one of the articles in use is what answers it, or nearly as good.
        func isCovered(by used: [Int]) -> Bool {
            guard let best = self.found.hits.first else { return false }
            return self.found.hits.contains { used.contains($0.index) && $0.score >= 0.8 * best.score }
        }
    }

    /// A mail searched as a whole, and what of it needs a look on its own.
    private struct Look {
        let inquiry: Inquiry
        let whole: [Float]
        let expecting: Analysis.Label?
        let found: SearchResult
        /// Each sentence; empty when the mail as a whole is clear and asks one thing.
        let statements: [MailQuestion.Statement]

        init(_ inquiry: Inquiry, whole: [Float], index: KnowledgeIndex) throws {
            let question = inquiry.question
            self.inquiry = inquiry
            self.whole = whole
            self.expecting = question.category.map { Analysis.Label(name: $0, confidence: question.categoryConfidence) }
            self.found = try index.search(question.text, vector: whole, limit: 5, expecting: self.expecting)
            let statements = question.statements
            let isClear =
                !inquiry.isStrict && self.found.answerable >= Answerer.clear
                && statements.count(where: \.isRequest) <= 1
            let isNeeded = !index.isEmpty && !isClear && statements.map(\.text) != [question.text]
            self.statements = isNeeded ? statements : []
        }
    }

    private func source(
        _ hit: SearchHit, index: KnowledgeIndex, generation: Int, vector: [Float]
    ) async throws -> DraftSource {
        let passages = index.passages(of: hit.index).map(\.content)
        var vectors = self.sentenceVectors[hit.index]
        if vectors == nil || self.generation != generation {
            vectors = try await self.encoder.encode(DraftSource.outline(passages).map(\.text))
            if self.generation == generation { self.sentenceVectors[hit.index] = vectors }
        }
        let text = Grounding.Source(
            article: hit.article.key, title: hit.article.title, text: passages.joined(separator: "\n"))
        return DraftSource(
            text: text, passages: passages, vectors: vectors ?? [],
            passageCosines: try index.cosines(of: hit.index, with: vector), vector: vector)
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
    /// What is known of the customer from before, for the agent's eyes; one phrase each.
    package var memories: [String] = []

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
