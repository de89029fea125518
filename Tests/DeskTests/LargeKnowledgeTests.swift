import Answering
import DeskModel
import Encoder
import Postgres
import TestSupport
import Testing

@testable import Desk
@testable import DeskStore

/// Articles with vectors in clusters, and questions near some of them; from one seed.
private struct ClusteredShop: TextEncoder {
    let model = EncoderModel(
        name: "clusters", weightsSHA256: String(repeating: "c", count: 64), dimensions: 384, pooling: "none",
        tokenizer: "none")
    var rows: [KnowledgeRow] = []
    var questions: [String: [Float]] = [:]

    init(articles: Int, questions: Int, seed: Seeded) {
        var random = seed
        let middles = (0..<100).map { _ in Self.direction(&random) }
        for number in 0..<articles {
            let own = Self.near(middles[number % 100], 0.8, &random)
            self.rows.append(
                KnowledgeRow(
                    id: ArticleID(0),
                    article: Article(key: "a\(number)", title: "Article \(number)", content: "Passage of \(number)"),
                    titleVector: Self.near(own, 0.3, &random),
                    chunks: (0..<2).map {
                        KnowledgeChunk(ordinal: $0, heading: "", content: "Passage \($0) of group\(number % 37)")
                    }, vectors: (0..<2).map { _ in Self.near(own, 0.5, &random) }))
        }
        for number in 0..<questions {
            let row = self.rows[Int.random(in: 0..<articles, using: &random)]
            self.questions["question \(number) of group\(number % 37)"] = Self.near(row.vectors[0], 0.7, &random)
        }
    }

    func encode(_ texts: [String]) async throws -> [[Float]] {
        texts.map { self.questions[$0] ?? [Float](repeating: 0, count: 384) }
    }

    private static func direction(_ random: inout Seeded) -> [Float] {
        Self.normalized((0..<384).map { _ in Float.random(in: -1..<1, using: &random) })
    }

    private static func near(_ middle: [Float], _ spread: Float, _ random: inout Seeded) -> [Float] {
        Self.normalized(zip(middle, Self.direction(&random)).map { $0 + spread * $1 })
    }

    private static func normalized(_ vector: [Float]) -> [Float] {
        let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return vector.map { $0 / length }
    }
}

@Suite("Large knowledge bases", .database(deskMigrations, connections: 4), .timeLimit(.minutes(10)))
struct LargeKnowledgeTests {
    private func filled(_ shop: ClusteredShop) async throws -> (store: DeskStore, model: Int64) {
        let store = DeskStore(pool: try TestDatabase.required().pool)
        let model = try await store.embeddingModel(
            name: shop.model.name, weightsSHA256: shop.model.weightsSHA256, tokenizer: shop.model.tokenizer,
            dimensions: shop.model.dimensions, pooling: shop.model.pooling)
        try await store.storeArticles(shop.rows, model: model, revision: 1)
        return (store, model)
    }

    private func keys(_ base: KnowledgeBase, _ questions: [String]) async throws -> [[String]] {
        try await base.answerer.search(questions, limit: 10).map { $0.hits.map(\.article.key) }
    }

    private func recall(_ found: [[String]], of wanted: [[String]]) -> Double {
        let shares = zip(found, wanted).map { Double(Set($0).intersection($1).count) / Double($1.count) }
        return shares.reduce(0, +) / Double(shares.count)
    }

    @Test func `recall at 10 stays above 0.95 of the exact search, with the index of vectors and without`() async throws
    {
        let shop = ClusteredShop(articles: 3000, questions: 100, seed: TestRun.choices(31))
        let (store, model) = try await self.filled(shop)
        let questions = shop.questions.keys.sorted()
        let exact = try KnowledgeBase(store: store, encoder: shop)
        try await exact.refresh()
        #expect(try await !exact.indexVectorsWhenLarge())
        let wanted = try await self.keys(exact, questions)

        let database = try TestDatabase.required()
        let large = try KnowledgeBase(
            store: store, encoder: shop, owner: database.adminConfiguration, heldPassages: 5999)
        try await large.refresh()
        #expect(self.recall(try await self.keys(large, questions), of: wanted) >= 0.95)

        #expect(try await large.indexVectorsWhenLarge())
        #expect(try await store.hasVectorIndex())
        #expect(try await !large.indexVectorsWhenLarge())
        try await database.asAdmin { try await $0.query("analyze chunk_embedding") }
        let nearest = DeskStore.nearest(Vector(shop.rows[0].vectors[0]), model: model, limit: 160)
        let plan = try await store.pool.query("explain " + nearest)
        #expect(try plan.contains { try $0.decode(String.self).contains("chunk_embedding_nearest") })
        #expect(self.recall(try await self.keys(large, questions), of: wanted) >= 0.95)
    }

    @Test func `with the index too, articles that take no part leave no gap`() async throws {
        let shop = ClusteredShop(articles: 1500, questions: 20, seed: TestRun.choices(32))
        let (store, model) = try await self.filled(shop)
        let database = try TestDatabase.required()
        #expect(try await store.buildVectorIndex(as: database.adminConfiguration))
        // All but every twentieth: far more than one look into the index gives.
        try await database.asAdmin {
            try await $0.query("update knowledge_base set is_active = substr(key, 2)::int % 20 = 0")
            try await $0.query("analyze knowledge_base, chunk, chunk_embedding")
        }
        for vector in shop.questions.values {
            let found = try await store.nearestVectors(to: vector, model: model, limit: 160)
            #expect(found.count >= 150)
        }
        #expect(try await store.passageCount(model: model) == 150)
    }

    @Test func `with the index too, a filter leaves no gap and lets nothing else through`() async throws {
        var shop = ClusteredShop(articles: 3000, questions: 20, seed: TestRun.choices(35))
        for number in shop.rows.indices {
            shop.rows[number].article.language = ["en", "de", nil][number % 3]
            shop.rows[number].article.category = number % 4 == 0 ? "Shipping" : "Returns"
            shop.rows[number].article.products = number % 5 == 0 ? [] : ["P\(number % 5)", "All"]
        }
        let (store, model) = try await self.filled(shop)
        let database = try TestDatabase.required()
        #expect(try await store.buildVectorIndex(as: database.adminConfiguration))
        try await database.asAdmin { try await $0.query("analyze knowledge_base, chunk, chunk_embedding") }
        let filter = KnowledgeFilter(language: "de", category: "shipping", products: ["P1", "P2"])
        let articleOf = try await store.knowledge(model: model).reduce(into: [:]) { $0[$1.id] = $1.article }
        let admitted = articleOf.values.count { filter.admits($0) }
        #expect(admitted > 200 && admitted < 600)
        let exact = try KnowledgeBase(store: store, encoder: shop)
        try await exact.refresh()
        let large = try KnowledgeBase(store: store, encoder: shop, heldPassages: 5999)
        try await large.refresh()
        let questions = shop.questions.keys.sorted()
        for vector in shop.questions.values {
            let found = try await store.nearestVectors(
                to: vector, model: model, limit: 160, filter: filter, share: Double(admitted) / 3000)
            #expect(found.count >= 150)
            #expect(found.allSatisfy { match in articleOf[match.article].map(filter.admits) ?? false })
        }
        for filter in [filter, KnowledgeFilter(language: "en")] {
            let wanted = try await exact.answerer.search(questions, limit: 10, filter: filter)
            let found = try await large.answerer.search(questions, limit: 10, filter: filter)
            #expect(wanted.allSatisfy { $0.hits.count == 10 && $0.hits.allSatisfy { filter.admits($0.article) } })
            #expect(
                self.recall(found.map { $0.hits.map(\.article.key) }, of: wanted.map { $0.hits.map(\.article.key) })
                    >= 0.95)
        }
    }

    @Test func `an index that was left half-made is made again`() async throws {
        let shop = ClusteredShop(articles: 20, questions: 1, seed: TestRun.choices(33))
        let (store, _) = try await self.filled(shop)
        let database = try TestDatabase.required()
        #expect(try await store.buildVectorIndex(as: database.adminConfiguration))
        try await database.asAdmin {
            try await $0.query(
                "update pg_index set indisvalid = false where indexrelid = 'chunk_embedding_nearest'::regclass")
        }
        #expect(try await !store.hasVectorIndex())
        #expect(try await store.buildVectorIndex(as: database.adminConfiguration))
        #expect(try await store.hasVectorIndex())
    }

    @Test func `a role that does not own the tables is told so, and searches go on`() async throws {
        let shop = ClusteredShop(articles: 20, questions: 1, seed: TestRun.choices(34))
        let (store, _) = try await self.filled(shop)
        let base = try KnowledgeBase(
            store: store, encoder: shop, owner: try TestDatabase.required().configuration, heldPassages: 10)
        try await base.refresh()
        let error = await #expect(throws: PostgresError.self) { try await base.indexVectorsWhenLarge() }
        #expect(error?.sqlState == "42501")
        #expect(try await self.keys(base, Array(shop.questions.keys))[0].count == 10)
    }
}
