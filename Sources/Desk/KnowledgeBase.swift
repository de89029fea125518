package import Answering
package import DeskModel
package import DeskStore
package import Encoder
package import Postgres

/// The knowledge base as the desk uses it: imported into PostgreSQL, searched in memory.
///
/// The index is read when it is first needed and again whenever the database says that something changed; a search in
/// between works on the old one.
package actor KnowledgeBase {
    package nonisolated let answerer: Answerer
    private let store: DeskStore
    private let encoder: any TextEncoder
    /// Connects as the role that owns the tables.
    private let owner: PostgresConfiguration?
    private let heldPassages: Int
    private let matters: (any MatterReader)?
    /// What titles are about, so that a change of one article does not cost a look at all.
    private var matterOf: [String: [Float]] = [:]
    private var matterOfHeading: [String: [Float]] = [:]
    private var isLarge = false
    private var modelID: Int64?
    private var version: KnowledgeVersion?
    /// How the shipped confidence is fitted to what this desk's people send.
    package private(set) var calibration = ConfidenceCalibration.prior
    private var learned: ContinuousClock.Instant?

    /// Number of the way passages are cut and embedded; a change here makes the next import renew everything.
    private static let revision = 1
    /// Passages embedded and stored as one step.
    private static let batch = 256

    /// - Parameters:
    ///   - owner: may make the index of vectors that a large base needs to be fast.
    ///   - heldPassages: up to how many passages the vectors are held in memory.
    ///   - matters: tells what mails and titles are about.
    /// - Throws: never for a new base; the signature follows the index's.
    package init(
        store: DeskStore, encoder: any TextEncoder, owner: PostgresConfiguration? = nil,
        heldPassages: Int = KnowledgeIndex.heldPassages, matters: (any MatterReader)? = nil
    ) throws {
        self.matters = matters
        self.owner = owner
        self.heldPassages = heldPassages
        self.store = store
        self.encoder = encoder
        let empty = try KnowledgeIndex(entries: [], dimensions: encoder.model.dimensions)
        self.answerer = Answerer(encoder: encoder, index: empty, matters: matters)
    }

    /// What an import did.
    package struct ImportReport: Sendable, Codable {
        /// Articles in the input, the last one of each key.
        package var articles: Int
        /// New or different; the others were left alone.
        package var changed: Int
        package var chunks: Int
        package var removed: Int
        /// Where an article that is new or different says the same as another, or the contrary.
        package var warnings: [KnowledgeWarning] = []
    }

    /// Brings articles in; only what is new or different is cut and embedded.
    /// - Parameters:
    ///   - replace: removes every article that is not among these.
    ///   - origin: folder that they come from; `replace` then leaves articles of other origins alone.
    ///   - progress: called with the number of articles done and the number to do.
    package func importArticles(
        _ articles: [Article], replace: Bool, origin: String? = nil,
        progress: @Sendable (Int, Int) -> Void = { _, _ in }
    ) async throws -> ImportReport {
        var byKey: [String: Article] = [:]
        for var article in articles {
            article.language = article.language ?? StopWords.language(of: article.content)
            byKey[article.key] = article
        }
        let unique = byKey.values.sorted { $0.key < $1.key }
        let model = try await self.model()
        let changedKeys = try await self.store.changedArticles(unique, model: model, revision: Self.revision)
        let changed = unique.filter { changedKeys.contains($0.key) }
        var report = ImportReport(articles: unique.count, changed: changed.count, chunks: 0, removed: 0)
        // While the database stores one batch the encoder works on the next.
        try await withThrowingTaskGroup(of: Int.self) { storing in
            var pending: [(article: Article, chunks: [KnowledgeChunk])] = []
            var waiting = 0
            for (done, article) in changed.enumerated() {
                let chunks = Chunker.chunks(of: article)
                pending.append((article, chunks))
                waiting += chunks.count
                report.chunks += chunks.count
                guard waiting >= Self.batch || done + 1 == changed.count else { continue }
                let rows = try await self.embedded(pending)
                (pending, waiting) = ([], 0)
                if let stored = try await storing.next() { progress(stored, changed.count) }
                storing.addTask { [store] in
                    try await store.storeArticles(rows, model: model, revision: Self.revision, origin: origin ?? "")
                    return done + 1
                }
            }
            if let stored = try await storing.next() { progress(stored, changed.count) }
        }
        if replace {
            report.removed = try await self.store.removeArticles(except: unique.map(\.key), origin: origin)
        }
        try await self.refresh()
        if !changedKeys.isEmpty { report.warnings = try await self.answerer.warnings(about: changedKeys) }
        return report
    }

    /// Reads the index again when the database holds something else than it was made from.
    package func refresh() async throws {
        let version = try await self.store.knowledgeVersion()
        guard version != self.version else { return }
        let model = try await self.model()
        let isLarge = try await self.store.passageCount(model: model) > self.heldPassages
        var index = try KnowledgeIndex(
            entries: [], dimensions: self.encoder.model.dimensions,
            source: isLarge ? StoredVectors(store: self.store, model: model) : nil)
        var matterOf: [String: [Float]] = [:]
        try await self.store.readKnowledge(model: model, vectors: !isLarge) { rows in
            let entries = rows.map { row in
                var article = row.article
                // Its passages say the same.
                article.content = ""
                return KnowledgeIndex.Entry(
                    id: row.id, article: article, titleVector: row.titleVector, chunks: row.chunks,
                    vectors: row.vectors)
            }
            for entry in try self.withMatters(entries, &matterOf) { try index.append(entry) }
        }
        let cards = try await CaseCards.entries(store: self.store, encoder: self.encoder, model: model)
        for card in try self.withMatters(cards, &matterOf) { try index.append(card) }
        try await self.tellHeadings(&index)
        await self.answerer.replaceIndex(index)
        self.matterOf = matterOf
        self.isLarge = isLarge
        self.version = version
    }

    /// Headings up to which it is looked at what they are about: they are embedded anew with each start.
    private static let headingLimit = 2000

    private func tellHeadings(_ index: inout KnowledgeIndex) async throws {
        let headings = index.headings
        guard let matters, headings.count <= Self.headingLimit else { return }
        let new = headings.subtracting(self.matterOfHeading.keys).sorted()
        if !new.isEmpty {
            let found = try matters.matters(of: new, vectors: try await self.encoder.encode(new))
            for (heading, matter) in zip(new, found) { self.matterOfHeading[heading] = matter }
        }
        self.matterOfHeading = self.matterOfHeading.filter { headings.contains($0.key) }
        index.tellMatters(ofHeadings: self.matterOfHeading)
    }

    private func withMatters(
        _ entries: [KnowledgeIndex.Entry], _ matterOf: inout [String: [Float]]
    ) throws -> [KnowledgeIndex.Entry] {
        guard let matters else { return entries }
        func text(_ entry: KnowledgeIndex.Entry) -> String { entry.matching ?? entry.article.title }
        let new = entries.filter { self.matterOf[text($0)] == nil && !$0.titleVector.isEmpty }
        let found = try matters.matters(of: new.map(text), vectors: new.map(\.titleVector))
        for (entry, matter) in zip(new, found) { matterOf[text(entry)] = matter }
        return entries.map { entry in
            var entry = entry
            entry.matter = matterOf[text(entry)] ?? self.matterOf[text(entry)] ?? []
            matterOf[text(entry)] = entry.matter
            return entry
        }
    }

    /// Makes the index of vectors in the database when the base is large and lacks it; searches go on meanwhile, only
    /// slower than with it.
    /// - Returns: whether it was made.
    @discardableResult
    package func indexVectorsWhenLarge() async throws -> Bool {
        guard self.isLarge, let owner, try await !self.store.hasVectorIndex() else { return false }
        return try await self.store.buildVectorIndex(as: owner)
    }

    /// Outcomes that the fit looks at, newest first.
    private static let outcomeLimit = 2000
    private static let learningInterval: Duration = .seconds(600)

    /// Compares drafts with what people sent instead, and fits the confidence to it.
    package func learn() async throws {
        let pending = try await self.store.uncomparedDrafts(limit: 500)
        try await self.store.record(
            pending.map { pair in
                DraftOutcomeRecord(
                    draftID: pair.draftID, messageID: pair.messageID, category: pair.category,
                    prior: pair.prior ?? pair.confidence, shown: pair.confidence,
                    likeness: TextLikeness.of(pair.draft, pair.answer),
                    isNear: TextLikeness.isNear(pair.draft, pair.answer))
            })
        let outcomes = try await self.store.outcomes(limit: Self.outcomeLimit)
        self.calibration = ConfidenceCalibration(
            fitting: outcomes.map { .init(prior: $0.prior, category: $0.category, isNear: $0.isNear) })
    }

    /// The same, at most every ten minutes.
    package func learnWhenDue() async throws {
        let now = ContinuousClock.now
        if let learned, now - learned < Self.learningInterval { return }
        self.learned = now
        try await self.learn()
    }

    private func embedded(
        _ pending: [(article: Article, chunks: [KnowledgeChunk])]
    ) async throws -> [KnowledgeRow] {
        let texts = pending.flatMap { article, chunks in
            [article.title] + chunks.map { Chunker.embeddedText(title: article.title, chunk: $0) }
        }
        var vectors = try await self.encoder.encode(texts)[...]
        var rows: [KnowledgeRow] = []
        for (article, chunks) in pending {
            let own = vectors.prefix(chunks.count + 1)
            vectors = vectors.dropFirst(chunks.count + 1)
            rows.append(
                KnowledgeRow(
                    id: ArticleID(0), article: article, titleVector: own.first ?? [], chunks: chunks,
                    vectors: Array(own.dropFirst())))
        }
        return rows
    }

    private func model() async throws -> Int64 {
        if let modelID { return modelID }
        let model = self.encoder.model
        let id = try await self.store.embeddingModel(
            name: model.name, weightsSHA256: model.weightsSHA256, tokenizer: model.tokenizer,
            dimensions: model.dimensions, pooling: model.pooling)
        self.modelID = id
        return id
    }
}

/// The vectors of a large base, where they are stored.
private struct StoredVectors: VectorSource {
    let store: DeskStore
    let model: Int64

    func nearest(
        to vector: [Float], limit: Int, filter: KnowledgeFilter, share: Double
    ) async throws -> [VectorMatch] {
        try await self.store.nearestVectors(
            to: vector, model: self.model, limit: limit, filter: filter, share: share)
    }

    func cosines(of articles: [ArticleID], with vector: [Float]) async throws -> [VectorMatch] {
        try await self.store.cosines(of: articles, with: vector, model: self.model)
    }

    func vector(of article: ArticleID, ordinal: Int) async throws -> [Float]? {
        try await self.store.passageVector(of: article, ordinal: ordinal, model: self.model)
    }
}
