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
    /// `answerable` from which one request may bring in a second article.
    private static let secondFloor = 0.6
    /// The same for the score of the article in the whole mail.
    private static let secondScore: Float = 0.47

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

    /// What an author should look at in these articles.
    /// - Throws: what the source of the vectors throws.
    package func warnings(about keys: Set<String>) async throws -> [KnowledgeWarning] {
        try await self.index.warnings(about: keys)
    }

    /// The articles nearest to each query, best first.
    /// - Throws: what the encoder throws; `.dimensionMismatch`.
    package func search(_ queries: [String], limit: Int) async throws -> [SearchResult] {
        let vectors = try await self.encoder.encode(queries)
        let index = self.index
        var results: [SearchResult] = []
        for (query, vector) in zip(queries, vectors) {
            results.append(try await index.search(query, vector: vector, limit: limit))
        }
        return results
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
        var looks: [Look] = []
        for (inquiry, whole) in zip(inquiries, wholes) {
            looks.append(try await Look(inquiry, whole: whole, index: index))
        }
        // Customers of a batch often say the same sentence; it is embedded once.
        let sentences = Array(Set(looks.flatMap { $0.statements.map(\.text) })).sorted()
        let vectors = sentences.isEmpty ? [] : try await self.encoder.encode(sentences)
        let vectorOf = Dictionary(uniqueKeysWithValues: zip(sentences, vectors))
        var answers: [Answer] = []
        for look in looks {
            var parts: [MailPart] = []
            for statement in look.statements {
                let vector = vectorOf[statement.text] ?? []
                let found = try await index.search(
                    statement.text, vector: vector, limit: 8, expecting: look.expecting, quoting: false)
                parts.append(MailPart(statement: statement, vector: vector, found: found))
            }
            answers.append(try await self.answer(look, parts: parts, index: index, generation: generation))
        }
        return answers
    }

    private func answer(
        _ look: Look, parts: [MailPart], index: KnowledgeIndex, generation: Int
    ) async throws -> Answer {
        let drafter = look.inquiry.drafter
        let evidence = MailEvidence(whole: look.found, parts: parts)
        let requests = parts.filter(\.statement.isRequest)
        var wanted: [(hit: SearchHit, asked: [[Float]])] = []
        if let best = evidence.candidates.first {
            wanted.append((best.hit, Self.asked(look, of: best, requests: requests)))
        }
        for part in requests where !part.isCovered(by: wanted.map(\.hit.index)) {
            guard let second = Self.second(part, evidence), !wanted.contains(where: { $0.hit.index == second.index })
            else { continue }
            wanted.append((second, [part.vector]))
        }
        var sources: [DraftSource] = []
        for (hit, asked) in wanted.prefix(2) {
            sources.append(try await self.source(hit, index: index, generation: generation, asked: asked))
        }
        let used = wanted.prefix(2).map(\.hit.index)
        let uncovered = requests.filter { !$0.isCovered(by: used) }.map(\.text)
        var foreign: [String] = []
        if look.inquiry.isStrict {
            foreign = parts.filter { !$0.statement.isRequest && $0.isForeign(to: used) }.map(\.text)
            if look.inquiry.question.isLong { foreign.append("the rest of a long mail") }
        }
        let outcome = drafter.draft(
            look.inquiry.question, answerable: evidence.answerable, sources: sources, uncovered: uncovered,
            requests: requests.count)
        return Answer(
            outcome: outcome, found: look.found, answerable: evidence.answerable, uncovered: uncovered,
            foreign: foreign)
    }

    /// What an article is asked: the mail with its best sentence before the rest, and each request that it answers.
    private static func asked(
        _ look: Look, of best: MailEvidence.Candidate, requests: [MailPart]
    ) -> [[Float]] {
        guard let part = best.part else { return [look.whole] }
        let mean = zip(look.whole, part.vector).map { $0 + $1 }
        let length = VectorTable.product(mean, mean).squareRoot()
        let own = requests.filter { !$0.statement.isVague && $0.found.hits.first?.index == best.hit.index }
        return [length > 0 ? mean.map { $0 / length } : look.whole] + own.prefix(3).map(\.vector)
    }

    /// Another article for a request that the first one does not answer.
    private static func second(_ part: MailPart, _ evidence: MailEvidence) -> SearchHit? {
        guard let hit = part.found.hits.first else { return nil }
        if part.found.answerable >= Self.secondFloor { return hit }
        let context = evidence.candidates.first { $0.hit.index == hit.index }
        return part.isCovered(by: [hit.index]) && (context?.score ?? 0) >= Self.secondScore ? hit : nil
    }

    /// A mail searched as a whole, and what of it needs a look on its own.
    private struct Look {
        let inquiry: Inquiry
        let whole: [Float]
        let expecting: Analysis.Label?
        let found: SearchResult
        /// Each sentence; empty when the mail as a whole is clear and asks one thing.
        let statements: [MailQuestion.Statement]

        init(_ inquiry: Inquiry, whole: [Float], index: KnowledgeIndex) async throws {
            let question = inquiry.question
            self.inquiry = inquiry
            self.whole = whole
            self.expecting = question.category.map { Analysis.Label(name: $0, confidence: question.categoryConfidence) }
            self.found = try await index.search(
                question.text, vector: whole, limit: 8, expecting: self.expecting, quoting: false)
            let statements = question.statements
            let isClear =
                !inquiry.isStrict && self.found.answerable >= Answerer.clear
                && statements.count(where: \.isRequest) <= 1
            let isNeeded = !index.isEmpty && !isClear && statements.map(\.text) != [question.text]
            self.statements = isNeeded ? statements : []
        }
    }

    private func source(
        _ hit: SearchHit, index: KnowledgeIndex, generation: Int, asked: [[Float]]
    ) async throws -> DraftSource {
        let passages = index.passages(of: hit.index).map(\.content)
        var vectors = self.sentenceVectors[hit.index]
        if vectors == nil || self.generation != generation {
            vectors = try await self.encoder.encode(DraftSource.outline(passages).map(\.text))
            if self.generation == generation { self.sentenceVectors[hit.index] = vectors }
        }
        let text = Grounding.Source(
            article: hit.article.key, title: hit.article.title, text: passages.joined(separator: "\n"))
        var questions: [DraftSource.Asked] = []
        for vector in asked {
            let cosines = try await index.cosines(of: hit.index, with: vector)
            questions.append(DraftSource.Asked(vector: vector, passageCosines: cosines))
        }
        return DraftSource(text: text, passages: passages, vectors: vectors ?? [], asked: questions)
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
    /// Sentences that ask nothing and have nothing to do with the answer; they too forbid an automatic one. Looked for
    /// only in a strict inquiry.
    package let foreign: [String]

    /// Why a chat model's draft is not used; nil when none was asked, or its draft stands.
    package var modelFailure: ChatFailure?

    func replacing(_ outcome: DraftOutcome, failure: ChatFailure? = nil) -> Answer {
        var answer = Answer(
            outcome: outcome, found: self.found, answerable: self.answerable, uncovered: self.uncovered,
            foreign: self.foreign)
        answer.memories = self.memories
        answer.modelFailure = failure
        return answer
    }

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
