import DeskModel
import DeskStore
import TestSupport
import Testing
import WorkQueue

@Suite("Knowledge base in the database", .database(WorkQueue.migrations + DeskStore.migrations))
struct KnowledgeTests {
    private func vector(_ first: Float) -> [Float] { [first] + [Float](repeating: 0.5, count: 383) }

    private func row(_ key: String, title: String = "T", passages: Int = 2) -> KnowledgeRow {
        KnowledgeRow(
            id: ArticleID(0), article: Article(key: key, title: title, content: "C", tags: ["a", "b"]),
            titleVector: self.vector(0.25),
            chunks: (0..<passages).map { KnowledgeChunk(ordinal: $0, heading: "H", content: "passage \($0)") },
            vectors: (0..<passages).map { self.vector(Float($0)) })
    }

    private func store() throws -> DeskStore { DeskStore(pool: try TestDatabase.required().pool) }

    private func model(_ store: DeskStore, tokenizer: String = "t") async throws -> Int64 {
        try await store.embeddingModel(
            name: "m", weightsSHA256: String(repeating: "a", count: 64), tokenizer: tokenizer, dimensions: 384,
            pooling: "mean")
    }

    @Test func `articles come back with passages in order and their vectors`() async throws {
        let store = try self.store()
        let model = try await self.model(store)
        try await store.storeArticles([self.row("a"), self.row("b", passages: 1)], model: model, revision: 1)
        let rows = try await store.knowledge(model: model)
        #expect(rows.map(\.article.key) == ["a", "b"])
        #expect(rows[0].chunks.map(\.content) == ["passage 0", "passage 1"])
        #expect(rows[0].vectors == [self.vector(0), self.vector(1)])
        #expect(rows[0].titleVector == self.vector(0.25))
        #expect(rows[0].article.tags == ["a", "b"])
    }

    @Test func `only what is new or different has to be stored again`() async throws {
        let store = try self.store()
        let model = try await self.model(store)
        try await store.storeArticles([self.row("a"), self.row("b")], model: model, revision: 1)
        let articles = [self.row("a").article, self.row("b", title: "Other").article, self.row("c").article]
        #expect(try await store.changedArticles(articles, model: model, revision: 1) == ["b", "c"])
        #expect(try await store.changedArticles(articles, model: model, revision: 2) == ["a", "b", "c"])
        let otherModel = try await self.model(store, tokenizer: "u")
        #expect(try await store.changedArticles(articles, model: otherModel, revision: 1) == ["a", "b", "c"])
    }

    @Test func `storing again replaces the passages and keeps the article`() async throws {
        let store = try self.store()
        let model = try await self.model(store)
        try await store.storeArticles([self.row("a", passages: 3)], model: model, revision: 1)
        let before = try await store.articles()
        try await store.storeArticles([self.row("a", title: "New", passages: 1)], model: model, revision: 1)
        let after = try await store.articles()
        #expect(after.map(\.id) == before.map(\.id))
        #expect(after.map(\.chunks) == [1])
        #expect(after.map(\.title) == ["New"])
    }

    @Test func `an article that was switched off stays so through an import, and takes part in nothing`() async throws {
        let store = try self.store()
        let model = try await self.model(store)
        try await store.storeArticles([self.row("a"), self.row("b")], model: model, revision: 1)
        let before = try await store.knowledgeVersion()
        #expect(try await store.setArticle("a", isActive: false))
        #expect(try await store.knowledgeVersion() != before)
        #expect(try await !store.setArticle("z", isActive: false))
        #expect(try await store.changedArticles([self.row("a").article], model: model, revision: 1) == [])
        try await store.storeArticles([self.row("a", title: "New")], model: model, revision: 1)
        #expect(try await store.knowledge(model: model).map(\.article.key) == ["b"])
        #expect(try await store.articles().map(\.version) == [2, 1])
        #expect(try await store.setArticle("a", isActive: true))
        #expect(try await store.knowledge(model: model).map(\.article.key) == ["a", "b"])
    }

    @Test func `what vanished from one folder takes nothing of another along`() async throws {
        let store = try self.store()
        let model = try await self.model(store)
        try await store.storeArticles([self.row("a"), self.row("b")], model: model, revision: 1, origin: "/articles")
        try await store.storeArticles([self.row("c")], model: model, revision: 1)
        #expect(try await store.removeArticles(except: ["b"], origin: "/articles") == 1)
        #expect(try await store.knowledge(model: model).map(\.article.key) == ["b", "c"])
    }

    @Test func `removing takes passages and vectors along`() async throws {
        let store = try self.store()
        let model = try await self.model(store)
        try await store.storeArticles([self.row("a"), self.row("b"), self.row("c")], model: model, revision: 1)
        #expect(try await store.removeArticles(except: ["b", "c"]) == 1)
        #expect(try await store.removeArticle("c"))
        #expect(try await !store.removeArticle("c"))
        #expect(try await store.knowledge(model: model).map(\.article.key) == ["b"])
    }

    @Test func `every change shows in the version`() async throws {
        let store = try self.store()
        let model = try await self.model(store)
        var versions = [try await store.knowledgeVersion()]
        try await store.storeArticles([self.row("a")], model: model, revision: 1)
        versions.append(try await store.knowledgeVersion())
        try await store.storeArticles([self.row("a", title: "New")], model: model, revision: 1)
        versions.append(try await store.knowledgeVersion())
        _ = try await store.removeArticle("a")
        #expect(Set(versions).count == 3)
        #expect(try await store.knowledgeVersion() == versions[0])
    }

    @Test func `the same weights are one model`() async throws {
        let store = try self.store()
        #expect(try await self.model(store) == self.model(store))
        #expect(try await self.model(store) != self.model(store, tokenizer: "u"))
    }
}
