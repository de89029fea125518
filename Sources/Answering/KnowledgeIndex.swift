package import DeskModel

/// The knowledge base in memory: every passage with its vector and its words, ready to be searched.
///
/// PostgreSQL is the source of truth; this is a copy that is built whole and replaced whole. A search compares with
/// every passage (exact) and takes a few milliseconds up to 20,000 of them. A larger base leaves its vectors in the
/// database (`VectorSource`): what is near in meaning comes from there, what shares words from here, and the candidates
/// of both are scored and ranked as all articles are in a small one.
package struct KnowledgeIndex: Sendable {
    /// One article with its passages and vectors, as the database holds them.
    package struct Entry: Sendable {
        package var id: ArticleID
        package var article: Article
        package var titleVector: [Float]
        package var chunks: [KnowledgeChunk]
        /// One for each chunk, of length 1; empty when they are in the index's source.
        package var vectors: [[Float]]
        /// What a question's words are matched with instead of title and passages; never shown.
        package var matching: String?
        /// What its title is about, by a `MatterReader`; empty when nobody was asked.
        package var matter: [Float] = []

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

    /// What a sure agreement about the matter adds to the score.
    private static let matterShare: Float = 0.16

    /// Passages up to which vectors are held in memory.
    package static let heldPassages = 20_000

    /// Rows asked of the source, and articles by words alone, that are then scored exactly.
    private static let denseCandidates = 100
    private static let lexicalCandidates = 40
    /// Passages up to which all that a filter admits are scored exactly instead.
    private static let exactPassages = 1000

    /// Where things of one article stand.
    private struct Place {
        var passages: Range<Int>
        /// Rows of the first passage and of the title in their tables; nil when the vectors are in the source.
        var rows: (passages: Int, title: Int)?
    }

    package let dimensions: Int
    private let source: (any VectorSource)?
    package private(set) var articles: [Article] = []
    package private(set) var ids: [ArticleID] = []
    private(set) var chunks: [[KnowledgeChunk]] = []
    private var matters: [[Float]] = []
    /// What the heading of each chunk is about, empty where that is not known; or nothing at all.
    private var headingMatters: [[[Float]]] = []
    private var places: [Place] = []
    private var articleOf: [ArticleID: Int] = [:]
    private var titles: VectorTable
    private var passages: VectorTable
    /// Index of the article of each passage; passages of one article are neighbours.
    private(set) var owners: [Int] = []
    private var words = TermIndex()

    /// - Parameter source: where the vectors of entries without any are.
    /// - Throws: `.dimensionMismatch`.
    package init(
        entries: [Entry], dimensions: Int, source: (any VectorSource)? = nil
    ) throws(AnsweringError) {
        self.dimensions = dimensions
        self.source = source
        self.titles = VectorTable(dimensions: dimensions)
        self.passages = VectorTable(dimensions: dimensions)
        for entry in entries { try self.append(entry) }
    }

    /// - Throws: `.dimensionMismatch`.
    package mutating func append(_ entry: Entry) throws(AnsweringError) {
        let isHeld = self.source == nil || !entry.vectors.isEmpty
        let owner = self.articles.count
        let first = self.owners.count
        let rows = isHeld ? (passages: self.passages.count, title: self.titles.count) : nil
        if isHeld {
            guard entry.vectors.count == entry.chunks.count else {
                throw AnsweringError(
                    .dimensionMismatch, "\(entry.vectors.count) vectors of \(entry.chunks.count) passages")
            }
            try self.titles.append(entry.titleVector)
            for vector in entry.vectors { try self.passages.append(vector) }
        }
        if let language = entry.article.language { self.languages.insert(language) }
        for product in entry.article.products { self.products[product] = Words.all(in: product) }
        self.articles.append(entry.article)
        self.ids.append(entry.id)
        self.articleOf[entry.id] = owner
        self.chunks.append(entry.chunks)
        self.matters.append(entry.matter)
        for chunk in entry.chunks {
            self.owners.append(owner)
            let text = entry.matching ?? Chunker.embeddedText(title: entry.article.title, chunk: chunk)
            self.words.append(terms: Words.terms(in: text))
        }
        self.places.append(Place(passages: first..<self.owners.count, rows: rows))
    }

    /// The headings of all chunks.
    package var headings: Set<String> { Set(self.chunks.joined().map(\.heading)).subtracting([""]) }

    /// - Parameter matters: what headings are about, by a `MatterReader`.
    package mutating func tellMatters(ofHeadings matters: [String: [Float]]) {
        self.headingMatters = self.chunks.map { $0.map { matters[$0.heading] ?? [] } }
    }

    package var isEmpty: Bool { self.articles.isEmpty }
    /// ISO 639-1 codes of languages that articles are known to be in.
    private(set) var languages: Set<String> = []
    /// Products that articles are about alone, as they spell them, with their words.
    private(set) var products: [String: [String]] = [:]
    /// Passages in the index.
    package var count: Int { self.owners.count }

    /// The articles that a filter admits, found once for all searches with it.
    package struct Selection: Sendable {
        let filter: KnowledgeFilter
        /// For each article whether it may be found.
        let isAdmitted: [Bool]
        /// Passages of those articles.
        let passages: Int
    }

    /// - Returns: nil when the filter admits everything.
    package func selection(_ filter: KnowledgeFilter) -> Selection? {
        guard !filter.isEmpty else { return nil }
        let isAdmitted = self.articles.map(filter.admits)
        let passages = self.places.indices.reduce(0) { $0 + (isAdmitted[$1] ? self.places[$1].passages.count : 0) }
        return Selection(filter: filter, isAdmitted: isAdmitted, passages: passages)
    }

    /// The articles nearest to a question, best first, each once with its best passage.
    /// - Parameters:
    ///   - selection: the articles that may be found; nil means all.
    ///   - question: what the customer wrote; only its words are used.
    ///   - vector: the embedding of the same text, of length 1.
    ///   - matter: what the question is about, by a `MatterReader`; articles about the same get ahead.
    ///   - quoting: whether hits name the sentence that shows why, which costs more than to find them.
    /// - Throws: `.dimensionMismatch`; what the source of the vectors throws.
    package func search(
        _ question: String, vector: [Float], limit: Int = 10, among selection: Selection? = nil,
        matter: [Float]? = nil, quoting: Bool = true
    ) async throws -> SearchResult {
        guard !self.isEmpty, selection?.passages != 0 else { return SearchResult(hits: [], evidence: Evidence()) }
        let terms = Words.terms(in: question)
        var covered = self.words.coverage(of: terms)
        if let selection {
            for (passage, owner) in self.owners.enumerated() where !selection.isAdmitted[owner] { covered[passage] = 0 }
        }
        var candidates = try self.held(vector, covered, matter, among: selection)
        if let source {
            let wanted =
                if let selection, selection.passages <= Self.exactPassages {
                    Set(self.places.indices.filter { selection.isAdmitted[$0] })
                } else {
                    try await self.promising(vector, covered, limit: limit, among: selection, from: source)
                }
            let cosines = try await self.cosines(of: wanted, with: vector, from: source)
            candidates += cosines.compactMap { article, near in
                self.candidate(article, title: near.title, dense: near.passages[...], covered, matter)
            }
        }
        let ranked = candidates.sorted { ($0.score, $1.article) > ($1.score, $0.article) }
        let hits = ranked.prefix(limit).map { self.hit($0, quoting: quoting ? Set(terms) : nil) }
        return SearchResult(hits: hits, evidence: self.evidence(ranked, question: terms))
    }

    /// Articles of the source that may be among the best: those near in meaning, and those with the same words.
    private func promising(
        _ vector: [Float], _ covered: [Float], limit: Int, among selection: Selection?, from source: any VectorSource
    ) async throws -> Set<Int> {
        var wanted = self.wordiest(covered)
        let share = selection.map { Double($0.passages) / Double(self.count) } ?? 1
        let near = try await source.nearest(
            to: vector, limit: max(Self.denseCandidates, 2 * limit), filter: selection?.filter ?? KnowledgeFilter(),
            share: share)
        for match in near {
            guard let article = self.articleOf[match.article], selection?.isAdmitted[article] ?? true else { continue }
            wanted.insert(article)
        }
        return wanted
    }

    /// Every article whose vectors are in memory.
    private func held(
        _ vector: [Float], _ covered: [Float], _ matter: [Float]?, among selection: Selection?
    ) throws(AnsweringError) -> [Candidate] {
        let title = try self.titles.products(with: vector)
        let dense = try self.passages.products(with: vector)
        return self.places.indices.compactMap { article in
            let place = self.places[article]
            guard let rows = place.rows, selection?.isAdmitted[article] ?? true else { return nil }
            return self.candidate(
                article, title: title[rows.title],
                dense: dense[rows.passages..<(rows.passages + place.passages.count)], covered, matter)
        }
    }

    /// Articles of the source that share most with the question by words.
    private func wordiest(_ covered: [Float]) -> Set<Int> {
        let steps = 256
        var histogram = [Int](repeating: 0, count: steps + 1)
        for share in covered where share > 0 { histogram[Int(share * Float(steps))] += 1 }
        // All passages above some step, which are too few, and of those on it the first: sorting every passage would
        // cost more than the search.
        var step = steps
        var above = 0
        while step > 0, above + histogram[step] < Self.lexicalCandidates {
            above += histogram[step]
            step -= 1
        }
        let least = (on: Float(step) / Float(steps), above: Float(step + 1) / Float(steps))
        let best = covered.indices.lazy.filter { covered[$0] >= least.above }
        let next = covered.indices.lazy.filter {
            covered[$0] > 0 && covered[$0] >= least.on && covered[$0] < least.above
        }.prefix(Self.lexicalCandidates - above)
        return Set([best.map { self.owners[$0] }, next.map { self.owners[$0] }].joined())
            .filter { self.places[$0].rows == nil }
    }

    private struct Nearness {
        var title: Float = 0
        var passages: [Float]
    }

    private func cosines(
        of articles: Set<Int>, with vector: [Float], from source: any VectorSource
    ) async throws -> [Int: Nearness] {
        var result: [Int: Nearness] = [:]
        let far = articles.filter { self.places[$0].rows == nil }
        for match in try await source.cosines(of: far.map { self.ids[$0] }, with: vector) {
            guard let article = self.articleOf[match.article] else { continue }
            let count = self.places[article].passages.count
            // The database may already hold another version of the article than this copy.
            if let ordinal = match.ordinal {
                guard ordinal < count else { continue }
                result[article, default: Nearness(passages: .init(repeating: 0, count: count))]
                    .passages[ordinal] = match.cosine
            } else {
                result[article, default: Nearness(passages: .init(repeating: 0, count: count))].title = match.cosine
            }
        }
        return result
    }

    /// One article scored by its best passage.
    private func candidate(
        _ article: Int, title: Float, dense: ArraySlice<Float>, _ covered: [Float], _ matter: [Float]?
    ) -> Candidate? {
        let passages = self.places[article].passages
        guard !passages.isEmpty else { return nil }
        var candidate = Candidate(
            article: article, ordinal: 0, passageScore: -.infinity, title: title, passage: -1, coverage: 0, agreement: 0
        )
        for (ordinal, (cosine, coverage)) in zip(dense, covered[passages]).enumerated() {
            let score = Self.fused(cosine, coverage)
            if score > candidate.passageScore { (candidate.passageScore, candidate.ordinal) = (score, ordinal) }
            candidate.passage = max(candidate.passage, cosine)
            candidate.coverage = max(candidate.coverage, coverage)
        }
        if let matter {
            candidate.agreement = Matter.agreement(matter, self.matters[article])
            // An article about payments that fail may have a section about those that were made twice.
            if self.headingMatters.indices.contains(article) {
                let heading = self.headingMatters[article][candidate.ordinal]
                if !heading.isEmpty {
                    candidate.agreement = max(candidate.agreement, Matter.agreement(matter, heading))
                }
            }
        }
        return candidate
    }

    func chunk(at passage: Int) -> KnowledgeChunk {
        let owner = self.owners[passage]
        return self.chunks[owner][passage - self.places[owner].passages.lowerBound]
    }

    /// Other passages at least this near to one, itself left out; of a large base only the nearest few.
    /// - Throws: what the source of the vectors throws.
    func neighbours(of passage: Int, from least: Float) async throws -> [(passage: Int, cosine: Float)] {
        let place = self.places[self.owners[passage]]
        let offset = passage - place.passages.lowerBound
        var vector = place.rows.map { self.passages.vector(at: $0.passages + offset) }
        var near: [(passage: Int, cosine: Float)] = []
        if let source {
            if vector == nil { vector = try await source.vector(of: self.ids[self.owners[passage]], ordinal: offset) }
            guard let vector else { return [] }
            let all = KnowledgeFilter()
            for match in try await source.nearest(to: vector, limit: 40, filter: all, share: 1)
            where match.cosine >= least {
                guard let article = self.articleOf[match.article], let ordinal = match.ordinal,
                    ordinal < self.places[article].passages.count
                else { continue }
                near.append((self.places[article].passages.lowerBound + ordinal, match.cosine))
            }
        }
        if let vector, self.passages.count > 0 {
            let cosines = try self.passages.products(with: vector)
            for place in self.places {
                guard let rows = place.rows else { continue }
                for (offset, passage) in place.passages.enumerated() where cosines[rows.passages + offset] >= least {
                    near.append((passage, cosines[rows.passages + offset]))
                }
            }
        }
        return near.filter { $0.passage != passage }
    }

    /// Everything of one article, for drafting.
    package func passages(of article: Int) -> [KnowledgeChunk] { self.chunks[article] }

    /// Cosine of each passage of one article with `vector`.
    /// - Throws: `.dimensionMismatch`; what the source of the vectors throws.
    func cosines(of article: Int, with vector: [Float]) async throws -> [Float] {
        let place = self.places[article]
        if let rows = place.rows {
            return try self.passages.products(
                with: vector, rows: rows.passages..<(rows.passages + place.passages.count))
        }
        guard let source else { return [] }
        let found = try await self.cosines(of: [article], with: vector, from: source)
        return found[article]?.passages ?? [Float](repeating: 0, count: place.passages.count)
    }

    private struct Candidate {
        var article: Int
        var ordinal: Int
        var passageScore: Float
        /// Cosines of the title and of the nearest passage.
        var title: Float
        var passage: Float
        var coverage: Float
        /// Whether question and title are about the same matter.
        var agreement: Float
        var cosine: Float { max(self.title, self.passage) }
        var likeness: Float { KnowledgeIndex.fused(self.cosine, self.coverage) }
        var score: Float { self.likeness + KnowledgeIndex.matterShare * self.agreement }
    }

    private static func fused(_ cosine: Float, _ coverage: Float) -> Float {
        (1 - Self.lexicalShare) * cosine + Self.lexicalShare * coverage
    }

    private func hit(_ candidate: Candidate, quoting terms: Set<String>?) -> SearchHit {
        let chunk = self.chunks[candidate.article][candidate.ordinal]
        return SearchHit(
            index: candidate.article, article: self.articles[candidate.article], chunk: chunk,
            span: terms.map { self.span(of: chunk, terms: $0) } ?? "", score: candidate.score,
            likeness: candidate.likeness, agreement: candidate.agreement, title: candidate.title,
            passage: candidate.passage, coverage: candidate.coverage, passages: self.chunks[candidate.article])
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
            title: top.title, passage: top.passage, margin: top.score - (second?.score ?? 0), coverage: top.coverage,
            legsAgree: densest?.article == top.article && wordiest?.article == top.article,
            terms: Set(question).count)
    }
}
