package import DeskModel

/// The knowledge base in memory: every passage with its vector and its words, ready to be searched.
///
/// PostgreSQL is the source of truth; this is a copy that is built whole and replaced whole. A search compares with
/// every passage (exact) and takes a few milliseconds up to 20,000 of them.
package struct KnowledgeIndex: Sendable {
    /// One article with its passages and vectors, as the database holds them.
    package struct Entry: Sendable {
        package var id: ArticleID
        package var article: Article
        package var titleVector: [Float]
        package var chunks: [KnowledgeChunk]
        /// One for each chunk, of length 1.
        package var vectors: [[Float]]
        /// What a question's words are matched with instead of title and passages; never shown.
        package var matching: String?

        package init(
            id: ArticleID, article: Article, titleVector: [Float], chunks: [KnowledgeChunk], vectors: [[Float]],
            matching: String? = nil
        ) {
            self.id = id
            self.article = article
            self.titleVector = titleVector
            self.chunks = chunks
            self.vectors = vectors
            self.matching = matching
        }
    }

    /// Share of the lexical part in the fused score: helps long documents much and costs short questions nothing.
    package static let lexicalShare: Float = 0.2

    /// What a sure category adds to the score of its articles.
    private static let categoryShare: Float = 0.06

    package let dimensions: Int
    package private(set) var articles: [Article] = []
    package private(set) var ids: [ArticleID] = []
    private(set) var chunks: [[KnowledgeChunk]] = []
    private var titles: VectorTable
    private var passages: VectorTable
    /// Index of the article of each passage; passages of one article are neighbours.
    private(set) var owners: [Int] = []
    private var words = TermIndex()

    /// - Throws: `.dimensionMismatch`.
    package init(entries: [Entry], dimensions: Int) throws(AnsweringError) {
        self.dimensions = dimensions
        self.titles = VectorTable(dimensions: dimensions)
        self.passages = VectorTable(dimensions: dimensions)
        for entry in entries {
            let owner = self.articles.count
            self.articles.append(entry.article)
            self.ids.append(entry.id)
            self.chunks.append(entry.chunks)
            try self.titles.append(entry.titleVector)
            for (chunk, vector) in zip(entry.chunks, entry.vectors) {
                try self.passages.append(vector)
                self.owners.append(owner)
                let text = entry.matching ?? Chunker.embeddedText(title: entry.article.title, chunk: chunk)
                self.words.append(terms: Words.terms(in: text))
            }
        }
    }

    package var isEmpty: Bool { self.articles.isEmpty }
    /// Passages in the index.
    package var count: Int { self.owners.count }

    /// The articles nearest to a question, best first, each once with its best passage.
    /// - Parameters:
    ///   - question: what the customer wrote; only its words are used.
    ///   - vector: the embedding of the same text, of length 1.
    ///   - expecting: a category with its probability; articles of it get a little ahead.
    ///   - quoting: whether hits name the sentence that shows why, which costs more than to find them.
    /// - Throws: `.dimensionMismatch`.
    package func search(
        _ question: String, vector: [Float], limit: Int = 10, expecting: Analysis.Label? = nil, quoting: Bool = true
    ) throws(AnsweringError) -> SearchResult {
        guard !self.isEmpty else { return SearchResult(hits: [], evidence: Evidence()) }
        let terms = Words.terms(in: question)
        let title = try self.titles.products(with: vector)
        let dense = try self.passages.products(with: vector)
        let covered = self.words.coverage(of: terms)
        var best = [Candidate?](repeating: nil, count: self.articles.count)
        var first = 0
        for passage in dense.indices {
            let owner = self.owners[passage]
            if passage > 0, self.owners[passage - 1] != owner { first = passage }
            let score = Self.fused(dense[passage], covered[passage])
            if var candidate = best[owner] {
                if score > candidate.passageScore {
                    candidate.passageScore = score
                    candidate.ordinal = passage - first
                }
                candidate.cosine = max(candidate.cosine, dense[passage])
                candidate.coverage = max(candidate.coverage, covered[passage])
                best[owner] = candidate
            } else {
                best[owner] = Candidate(
                    article: owner, ordinal: 0, passageScore: score, cosine: max(title[owner], dense[passage]),
                    coverage: covered[passage], expectation: self.expectation(expecting, of: owner))
            }
        }
        let ranked = best.compactMap(\.self).sorted { ($0.score, $1.article) > ($1.score, $0.article) }
        let hits = ranked.prefix(limit).map { self.hit($0, quoting: quoting ? Set(terms) : nil) }
        return SearchResult(hits: hits, evidence: self.evidence(ranked, question: terms))
    }

    func chunk(at passage: Int) -> KnowledgeChunk {
        let owner = self.owners[passage]
        let first = self.owners[..<passage].lastIndex { $0 != owner }.map { $0 + 1 } ?? 0
        return self.chunks[owner][passage - first]
    }

    /// Other passages at least this near to one, itself left out.
    func neighbours(of passage: Int, from least: Float) -> [(passage: Int, cosine: Float)] {
        // Its own vector has the index's length, so that the product cannot fail.
        let cosines = (try? self.passages.products(with: self.passages.vector(at: passage))) ?? []
        return cosines.enumerated().filter { $0.offset != passage && $0.element >= least }
            .map { ($0.offset, $0.element) }
    }

    /// Everything of one article, for drafting.
    package func passages(of article: Int) -> [KnowledgeChunk] { self.chunks[article] }

    /// Cosine of each passage of one article with `vector`.
    /// - Throws: `.dimensionMismatch`.
    func cosines(of article: Int, with vector: [Float]) throws(AnsweringError) -> [Float] {
        let first = self.chunks[..<article].reduce(0) { $0 + $1.count }
        return try self.passages.products(with: vector, rows: first..<(first + self.chunks[article].count))
    }

    private struct Candidate {
        var article: Int
        var ordinal: Int
        var passageScore: Float
        var cosine: Float
        var coverage: Float
        /// Probability that the mail is of the article's category, as far as it is known.
        var expectation: Float
        var score: Float {
            KnowledgeIndex.fused(self.cosine, self.coverage) + KnowledgeIndex.categoryShare * self.expectation
        }
    }

    private func expectation(_ expecting: Analysis.Label?, of article: Int) -> Float {
        guard let expecting, self.articles[article].category == expecting.name else { return 0 }
        return Float(expecting.confidence)
    }

    private static func fused(_ cosine: Float, _ coverage: Float) -> Float {
        (1 - Self.lexicalShare) * cosine + Self.lexicalShare * coverage
    }

    private func hit(_ candidate: Candidate, quoting terms: Set<String>?) -> SearchHit {
        let chunk = self.chunks[candidate.article][candidate.ordinal]
        return SearchHit(
            index: candidate.article, article: self.articles[candidate.article], chunk: chunk,
            span: terms.map { self.span(of: chunk, terms: $0) } ?? "", score: candidate.score,
            cosine: candidate.cosine, coverage: candidate.coverage)
    }

    /// The sentence of the passage that holds most of the question's rare words; its first one when none does.
    private func span(of chunk: KnowledgeChunk, terms: Set<String>) -> String {
        let sentences = SentenceSplitter.sentences(chunk.content)
        var best = (weight: Float(0), sentence: sentences.first ?? chunk.content)
        for sentence in sentences {
            let weight = Set(Words.terms(in: sentence)).intersection(terms).reduce(0) { $0 + self.words.rarity(of: $1) }
            if weight > best.weight { best = (weight, sentence) }
        }
        return best.sentence.hasPrefix("- ") ? String(best.sentence.dropFirst(2)) : best.sentence
    }

    private func evidence(_ ranked: [Candidate], question: [String]) -> Evidence {
        guard let top = ranked.first else { return Evidence() }
        let second = ranked.dropFirst().first
        let densest = ranked.max { $0.cosine < $1.cosine }
        let wordiest = ranked.max { $0.coverage < $1.coverage }
        return Evidence(
            cosine: top.cosine, margin: top.score - (second?.score ?? 0), coverage: top.coverage,
            legsAgree: densest?.article == top.article && wordiest?.article == top.article,
            expectation: top.expectation, terms: Set(question).count)
    }
}

/// One article that may answer a question.
package struct SearchHit: Sendable {
    /// Position in the index that was searched.
    package let index: Int
    package let article: Article
    /// The passage that fits best.
    package let chunk: KnowledgeChunk
    /// The sentence of it that shows why; empty when the search was not to quote.
    package let span: String
    /// Fused score, about −0.3…1; comparable within one index only.
    package let score: Float
    /// The better of title and best passage.
    package let cosine: Float
    /// Share of the question's words in the passage, rare ones weighing more: 0…1.
    package let coverage: Float
}

/// What a search found, and the signs by which one can tell whether it is an answer.
package struct SearchResult: Sendable {
    package let hits: [SearchHit]
    package let evidence: Evidence

    /// Probability that the knowledge base answers the question at all, 0…1.
    package var answerable: Double { self.hits.isEmpty ? 0 : self.evidence.answerable }
}

/// Signs that a question is answered by what was found.
package struct Evidence: Sendable, Equatable {
    package var cosine: Float = 0
    /// Fused score of the best article above the next one.
    package var margin: Float = 0
    package var coverage: Float = 0
    /// Whether meaning and words name the same article.
    package var legsAgree = false
    /// Probability that the question is of the article's category; 0 when triage was not asked.
    package var expectation: Float = 0
    /// Different words of the question that carry meaning.
    package var terms = 0
}
