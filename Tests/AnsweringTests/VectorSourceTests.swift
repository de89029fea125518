import Answering
import DeskModel
import Encoder
import Testing

/// Vectors as a database would hold them: the nearest few, exactly.
private struct ListedVectors: VectorSource {
    struct Row { var match: VectorMatch; var vector: [Float] }
    var rows: [Row] = []
    private var articles: [ArticleID: Article] = [:]
    /// At most so many are ever found by nearness.
    var most = Int.max

    init(_ entries: [KnowledgeIndex.Entry]) {
        for entry in entries {
            self.articles[entry.id] = entry.article
            self.rows.append(Row(match: .init(article: entry.id, ordinal: nil, cosine: 0), vector: entry.titleVector))
            for (ordinal, vector) in entry.vectors.enumerated() {
                self.rows.append(Row(match: .init(article: entry.id, ordinal: ordinal, cosine: 0), vector: vector))
            }
        }
    }

    private func match(_ row: Row, _ vector: [Float]) -> VectorMatch {
        var match = row.match
        match.cosine = zip(row.vector, vector).reduce(0) { $0 + $1.0 * $1.1 }
        return match
    }

    func nearest(
        to vector: [Float], limit: Int, filter: KnowledgeFilter, share: Double
    ) async throws -> [VectorMatch] {
        let sorted = self.rows.filter { self.articles[$0.match.article].map(filter.admits) ?? true }
            .map { self.match($0, vector) }.sorted { $0.cosine > $1.cosine }
        return Array(sorted.prefix(min(limit, self.most)))
    }

    func cosines(of articles: [ArticleID], with vector: [Float]) async throws -> [VectorMatch] {
        self.rows.filter { articles.contains($0.match.article) }.map { self.match($0, vector) }
    }

    func vector(of article: ArticleID, ordinal: Int) async throws -> [Float]? {
        self.rows.first { $0.match.article == article && $0.match.ordinal == ordinal }?.vector
    }
}

@Suite("Knowledge index with its vectors elsewhere") struct VectorSourceTests {
    private let encoder = WordEncoder()

    /// 60 articles, so that not every one is a candidate.
    private func entries() async throws -> [KnowledgeIndex.Entry] {
        let things = ["lamp", "chair", "table", "kettle", "jacket", "boot", "tent", "rope", "clock", "mirror"]
        let matters = ["returns", "delivery", "repair", "price", "colour", "warranty"]
        var entries: [KnowledgeIndex.Entry] = []
        for (number, pair) in things.flatMap({ thing in matters.map { (thing, $0) } }).enumerated() {
            let article = Article(
                key: "\(pair.0)-\(pair.1)", title: "The \(pair.0): \(pair.1)",
                content: "About \(pair.1) of the \(pair.0).\n\n## Number \(number)\nThe \(pair.0) has number \(number)."
            )
            let chunks = Chunker.chunks(of: article)
            let texts = [article.title] + chunks.map { Chunker.embeddedText(title: article.title, chunk: $0) }
            let vectors = try await self.encoder.encode(texts)
            entries.append(
                .init(
                    id: ArticleID(Int64(number + 1)), article: article, titleVector: vectors[0], chunks: chunks,
                    vectors: Array(vectors.dropFirst())))
        }
        return entries
    }

    private func without(_ entry: KnowledgeIndex.Entry) -> KnowledgeIndex.Entry {
        var entry = entry
        (entry.titleVector, entry.vectors) = ([], [])
        return entry
    }

    private func search(_ index: KnowledgeIndex, _ question: String) async throws -> SearchResult {
        try await index.search(question, vector: try await self.encoder.encode([question])[0], limit: 5)
    }

    private func expectSame(_ found: SearchResult, _ wanted: SearchResult, _ question: String) {
        #expect(found.hits.map(\.article.key) == wanted.hits.map(\.article.key), "\(question)")
        #expect(found.hits.map(\.chunk) == wanted.hits.map(\.chunk), "\(question)")
        #expect(found.hits.map(\.score) == wanted.hits.map(\.score), "\(question)")
        #expect(found.evidence == wanted.evidence, "\(question)")
    }

    private static let questions = [
        "What colour is the tent?", "How long is the warranty of the kettle?", "My boot needs repair",
        "Which thing has number 42?", "Who won the match yesterday?",
    ]

    @Test(arguments: Self.questions)
    func `hits, scores and evidence are those of the index that holds all vectors`(_ question: String) async throws {
        let entries = try await self.entries()
        let exact = try KnowledgeIndex(entries: entries, dimensions: 64)
        // The first ten stay in memory, as case cards do.
        let mixed = try KnowledgeIndex(
            entries: entries.prefix(10) + entries.dropFirst(10).map(self.without), dimensions: 64,
            source: ListedVectors(entries))
        self.expectSame(try await self.search(mixed, question), try await self.search(exact, question), question)
    }

    @Test(arguments: Self.questions, [KnowledgeFilter(category: "tent"), KnowledgeFilter(products: ["lamp", "rope"])])
    func `a filtered search finds the same with vectors here or elsewhere`(
        _ question: String, _ filter: KnowledgeFilter
    ) async throws {
        var entries = try await self.entries()
        for index in entries.indices {
            let thing = String(entries[index].article.key.prefix { $0 != "-" })
            entries[index].article.category = thing.uppercased()
            // Every second article holds for all products.
            entries[index].article.products = index % 2 == 0 ? [] : [thing]
        }
        let exact = try KnowledgeIndex(entries: entries, dimensions: 64)
        let mixed = try KnowledgeIndex(
            entries: entries.prefix(10) + entries.dropFirst(10).map(self.without), dimensions: 64,
            source: ListedVectors(entries))
        let vector = try await self.encoder.encode([question])[0]
        let wanted = try await exact.search(question, vector: vector, limit: 60, among: exact.selection(filter))
        let found = try await mixed.search(question, vector: vector, limit: 60, among: mixed.selection(filter))
        self.expectSame(found, wanted, question)
        #expect(wanted.hits.allSatisfy { filter.admits($0.article) })
        #expect(wanted.hits.count == entries.count { filter.admits($0.article) })
        #expect(wanted.hits.count < entries.count)
    }

    @Test func `products are known by their own words`() async throws {
        var entries = try await self.entries()
        entries[0].article.products = ["Milo", "Milo Mini"]
        let index = try KnowledgeIndex(entries: entries, dimensions: 64)
        #expect(index.products(namedIn: "My MILO flickers.") == ["Milo"])
        #expect(index.products(namedIn: "my milo-mini flickers") == ["Milo Mini"])
        #expect(index.products(namedIn: "The Milo Mini is smaller than the Milo.") == ["Milo", "Milo Mini"])
        #expect(index.products(namedIn: "Milos lamp").isEmpty)
    }

    @Test func `an article that only shares words with the question is a candidate too`() async throws {
        let entries = try await self.entries()
        var source = ListedVectors(entries)
        source.most = 0
        let index = try KnowledgeIndex(entries: entries.map(self.without), dimensions: 64, source: source)
        let found = try await self.search(index, "Which thing has number 42?")
        #expect(found.hits.first?.article.key == entries[42].article.key)
    }

    @Test func `a passage that the database has and this copy has not is left out`() async throws {
        let entries = try await self.entries()
        var newer = entries
        newer[3].vectors += [newer[3].vectors[0], newer[3].vectors[0]]
        newer.append(newer[4])
        newer[60].id = ArticleID(999)
        let index = try KnowledgeIndex(
            entries: entries.map(self.without), dimensions: 64, source: ListedVectors(newer))
        let exact = try KnowledgeIndex(entries: entries, dimensions: 64)
        let question = "What is the price of the lamp?"
        self.expectSame(try await self.search(index, question), try await self.search(exact, question), question)
    }

    @Test func `a draft and a warning come out the same`() async throws {
        let entries = try await self.entries()
        let exact = try KnowledgeIndex(entries: entries, dimensions: 64)
        let index = try KnowledgeIndex(
            entries: entries.map(self.without), dimensions: 64, source: ListedVectors(entries))
        let question = MailQuestion(subject: "Tent", body: "What colour is the tent?")
        let drafter = ExtractiveDrafter(floor: 0, signature: "The shop")
        let wanted = try await Answerer(encoder: self.encoder, index: exact)
            .answer(.init(question, drafter: drafter)).draft?.body
        let draft = try await Answerer(encoder: self.encoder, index: index)
            .answer(.init(question, drafter: drafter)).draft?.body
        #expect(draft != nil && draft == wanted)
        let twin = KnowledgeIndex.Entry(
            id: ArticleID(500), article: Article(key: "twin", title: "Twin", content: ""),
            titleVector: entries[0].titleVector, chunks: entries[0].chunks, vectors: entries[0].vectors)
        let twins = entries + [twin]
        let doubled = try KnowledgeIndex(
            entries: twins.map(self.without), dimensions: 64, source: ListedVectors(twins))
        let warnings = try await Answerer(encoder: self.encoder, index: doubled).warnings(about: ["twin"])
        #expect(warnings.contains { $0.kind == .duplicate && $0.other == entries[0].article.key })
    }
}
