package import DeskModel
package import Encoder

/// Finds and drafts answers: the index, the encoder and the drafter in one place.
///
/// An article is read when it is first the best for something and kept until the index changes, so that a backlog
/// costs the embeddings of its mails and of their sentences, each different one once a batch.
package actor Answerer {
    private let encoder: any TextEncoder
    private let matters: (any MatterReader)?
    private var index: KnowledgeIndex
    private var generation = 0
    /// By position in the index.
    private var articles: [Int: Task<QuotableArticle, any Error>] = [:]

    /// Articles of which mail and sentences are compared.
    private static let considered = 24
    /// Articles whose sentences are kept with their vectors.
    private static let articlesKept = 1000
    /// Articles that one answer draws from.
    private static let articleLimit = 3

    /// - Parameter matters: tells what mails are about; the index must have been made with the same one.
    package init(encoder: any TextEncoder, index: KnowledgeIndex, matters: (any MatterReader)? = nil) {
        self.encoder = encoder
        self.index = index
        self.matters = matters
    }

    /// Whether there is anything to answer from.
    package var isEmpty: Bool { self.index.isEmpty }

    /// What articles are about alone, spelled as they spell it, in order.
    package var products: [String] { self.index.products.keys.sorted() }

    package func replaceIndex(_ index: KnowledgeIndex) {
        self.index = index
        self.generation += 1
        self.articles = [:]
    }

    /// What an author should look at in these articles.
    /// - Throws: what the source of the vectors throws.
    package func warnings(about keys: Set<String>) async throws -> [KnowledgeWarning] {
        try await self.index.warnings(about: keys)
    }

    /// The articles nearest to each query, best first.
    /// - Parameter readingBest: Reads the best article of each, so that `answerable` knows its nearest sentence. The
    ///   sentences of an article are embedded when it is first read, which takes longer than the search.
    /// - Throws: what the encoder throws; `.dimensionMismatch`.
    package func search(
        _ queries: [String], limit: Int, filter: KnowledgeFilter = KnowledgeFilter(), readingBest: Bool = false
    ) async throws -> [SearchResult] {
        let vectors = try await self.encoder.encode(queries)
        let index = self.index
        let generation = self.generation
        let selection = index.selection(filter)
        var results: [SearchResult] = []
        for (query, vector) in zip(queries, vectors) {
            var result = try await index.search(query, vector: vector, limit: limit, among: selection)
            if readingBest, let best = result.hits.first, !best.isCase {
                let article = try await self.article(best, index: index, generation: generation)
                result.evidence.sentence = article.nearness(to: vector)
            }
            results.append(result)
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
        let matters = try self.matters(of: inquiries.map(\.question.text), vectors: wholes)
        var looks: [Look] = []
        var selections: [KnowledgeFilter: KnowledgeIndex.Selection?] = [:]
        for (position, inquiry) in inquiries.enumerated() {
            let question = inquiry.question
            let filter = Self.filter(question, index)
            let selection = selections[filter] ?? index.selection(filter)
            selections[filter] = .some(selection)
            let found = try await index.search(
                question.text, vector: wholes[position], limit: Self.considered, among: selection,
                matter: matters[position], quoting: false)
            looks.append(
                Look(
                    inquiry: inquiry, selection: selection, whole: wholes[position], found: found,
                    statements: index.isEmpty ? [] : question.parts))
        }
        // Customers of a batch often say the same sentence; it is embedded once.
        let sentences = Array(Set(looks.flatMap { $0.statements.map(\.text) })).sorted()
        let vectors = sentences.isEmpty ? [] : try await self.encoder.encode(sentences)
        let known = zip(vectors, try self.matters(of: sentences, vectors: vectors))
        let knownOf = Dictionary(uniqueKeysWithValues: zip(sentences, known))
        var answers: [Answer] = []
        for look in looks {
            var parts: [MailPart] = []
            for (position, statement) in look.statements.enumerated() {
                guard let (vector, matter) = knownOf[statement.text] else { continue }
                let found = try await index.search(
                    statement.text, vector: vector, limit: Self.considered, among: look.selection, matter: matter,
                    quoting: false)
                parts.append(MailPart(position: position, statement: statement, vector: vector, found: found))
            }
            answers.append(try await self.answer(look, parts: parts, index: index, generation: generation))
        }
        return answers
    }

    /// What the mail itself rules out: articles in other languages where there are some in its own, and articles only
    /// for other products than it names.
    private static func filter(_ question: MailQuestion, _ index: KnowledgeIndex) -> KnowledgeFilter {
        KnowledgeFilter(
            language: index.languages.contains(question.language) ? question.language : nil,
            products: index.products(namedIn: question.text))
    }

    private func matters(of texts: [String], vectors: [[Float]]) throws -> [[Float]] {
        guard let matters, !texts.isEmpty else { return texts.map { _ in [] } }
        return try matters.matters(of: texts, vectors: vectors)
    }

    /// An article that the answer draws from, and what it is asked.
    private struct Wanted {
        let hit: SearchHit
        /// Where the mail asks for it.
        let position: Int
        var asked: [[Float]]
        let answerable: Double
    }

    private func answer(
        _ look: Look, parts: [MailPart], index: KnowledgeIndex, generation: Int
    ) async throws -> Answer {
        let inquiry = look.inquiry
        let requests = parts.filter(\.statement.isRequest)
        var evidence = MailEvidence(
            whole: look.found, parts: parts.filter { !$0.statement.isAside },
            asks: parts.isEmpty ? inquiry.question.statements.contains(where: \.isRequest) : !requests.isEmpty)
        if let best = evidence.candidates.first {
            let article = try await self.article(best.hit, index: index, generation: generation)
            evidence.read(article, whole: look.whole)
        }
        let wanted = Self.wanted(look, evidence, parts: parts, floor: inquiry.drafter.floor)
        var sources: [DraftSource] = []
        for article in wanted {
            sources.append(
                try await self.source(
                    article.hit, index: index, generation: generation, asked: article.asked,
                    named: look.selection?.filter.products ?? []))
        }
        let used = wanted.map(\.hit.index)
        let uncovered = requests.filter { !$0.isCovered(by: used) }.map(\.text)
        var foreign: [String] = []
        if inquiry.isStrict {
            foreign = parts.filter { !$0.statement.isRequest && $0.isForeign(to: used) }.map(\.text)
            if inquiry.question.isLong { foreign.append("the rest of a long mail") }
        }
        let answerable = wanted.map(\.answerable).min() ?? 0
        let outcome = inquiry.drafter.draft(
            inquiry.question, answerable: answerable, sources: sources, uncovered: uncovered,
            requests: requests.count)
        var answer = Answer(
            outcome: outcome, found: look.found, answerable: answerable, uncovered: uncovered, foreign: foreign)
        answer.isStrict = inquiry.isStrict
        answer.noteOmissions(inquiry.question, sources: sources.map(\.text))
        return answer
    }

    /// The article for the mail as a whole, and one for each part of it that is surely about something else; in the
    /// order in which the mail speaks of them.
    private static func wanted(
        _ look: Look, _ evidence: MailEvidence, parts: [MailPart], floor: Double
    ) -> [Wanted] {
        guard let best = evidence.candidates.first else { return [] }
        var wanted = [
            Wanted(
                hit: best.hit, position: best.part?.position ?? 0, asked: Self.asked(look, of: best, parts: parts),
                answerable: evidence.answerable)
        ]
        for part in parts where wanted.count < Self.articleLimit {
            // What only tells a story cannot stand for the whole mail.
            guard let hit = part.ownArticle(besides: wanted.map(\.hit.index)),
                evidence.answerable >= floor || part.statement.isRequest || part.statement.isQuestion
            else { continue }
            wanted.append(
                Wanted(hit: hit, position: part.position, asked: [part.vector], answerable: max(floor, part.answerable))
            )
        }
        // Two questions blur each other: what is unsure of the whole may be sure of its parts.
        if wanted.count > 1, wanted[0].answerable < floor { wanted.removeFirst() }
        if wanted.count > 1, wanted[0].hit.index == best.hit.index, let part = best.part {
            wanted[0].asked = [part.vector] + Self.requests(parts, of: best)
        }
        return wanted.sorted { $0.position < $1.position }
    }

    /// What an article is asked: the mail with its best sentence before the rest, and each request that it answers.
    private static func asked(_ look: Look, of best: MailEvidence.Candidate, parts: [MailPart]) -> [[Float]] {
        guard let part = best.part else { return [look.whole] }
        let mean = zip(look.whole, part.vector).map { $0 + $1 }
        let length = VectorTable.product(mean, mean).squareRoot()
        return [length > 0 ? mean.map { $0 / length } : look.whole] + Self.requests(parts, of: best)
    }

    private static func requests(_ parts: [MailPart], of best: MailEvidence.Candidate) -> [[Float]] {
        parts.filter { part in
            part.statement.isRequest && !part.statement.isVague && part.found.hits.first?.index == best.hit.index
        }.prefix(3).map(\.vector)
    }

    /// A mail searched as a whole, and what of it needs a look on its own.
    private struct Look {
        let inquiry: Inquiry
        let selection: KnowledgeIndex.Selection?
        let whole: [Float]
        let found: SearchResult
        /// Each sentence; empty when the mail is nothing but one.
        let statements: [MailQuestion.Statement]
    }

    private func source(
        _ hit: SearchHit, index: KnowledgeIndex, generation: Int, asked: [[Float]], named: Set<String>
    ) async throws -> DraftSource {
        let article = try await self.article(hit, index: index, generation: generation)
        var questions: [DraftSource.Asked] = []
        for vector in asked {
            let cosines = try await index.cosines(of: hit.index, with: vector)
            questions.append(DraftSource.Asked(vector: vector, passageCosines: cosines))
        }
        return DraftSource(article, asked: questions, named: named)
    }

    private func article(_ hit: SearchHit, index: KnowledgeIndex, generation: Int) async throws -> QuotableArticle {
        let isCurrent = self.generation == generation
        if isCurrent, let reading = self.articles[hit.index] { return try await reading.value }
        // Others who want it meanwhile wait for the same reading, which therefore is no part of this task.
        let reading = Task { [encoder] in
            try await QuotableArticle.read(hit.article, passages: index.passages(of: hit.index)) {
                try await encoder.encode($0)
            }
        }
        if isCurrent {
            if self.articles.count >= Self.articlesKept { self.articles = [:] }
            self.articles[hit.index] = reading
        }
        do {
            return try await reading.value
        } catch {
            if self.generation == generation { self.articles[hit.index] = nil }
            throw error
        }
    }
}

/// The answer to one mail, with what it was made from.
package struct Answer: Sendable {
    package private(set) var outcome: DraftOutcome
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
    /// Whether the answer may go out alone.
    var isStrict = false
    /// What the draft leaves unsaid, one phrase each; looked for only in a strict inquiry.
    private var omissions: [String] = []

    init(
        outcome: DraftOutcome, found: SearchResult, answerable: Double, uncovered: [String], foreign: [String]
    ) {
        self.outcome = outcome
        self.found = found
        self.answerable = answerable
        self.uncovered = uncovered
        self.foreign = foreign
    }

    func replacing(_ outcome: DraftOutcome) -> Answer {
        var answer = self
        answer.outcome = outcome
        return answer
    }

    /// Looks for what the draft leaves unsaid.
    mutating func noteOmissions(_ question: MailQuestion, sources: [Grounding.Source]) {
        guard self.isStrict, let draft = self.draft else { return }
        self.omissions = Omissions(question, draft: draft, sources: sources).remarks
    }

    package var draft: Draft? {
        if case .draft(let draft, _) = self.outcome { draft } else { nil }
    }

    package var remarks: [String] {
        switch self.outcome {
        case .draft(_, let remarks): remarks + self.omissions
        case .nothing(let gap): [gap.reason]
        }
    }
}
