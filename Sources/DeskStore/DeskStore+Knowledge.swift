package import DeskModel
import Postgres

package import struct Foundation.Date

/// An article with its passages and their vectors, on its way into or out of the database.
package struct KnowledgeRow: Sendable {
    package var id: ArticleID
    package var article: Article
    package var titleVector: [Float]
    package var chunks: [KnowledgeChunk]
    /// One for each chunk.
    package var vectors: [[Float]]

    package init(
        id: ArticleID, article: Article, titleVector: [Float], chunks: [KnowledgeChunk], vectors: [[Float]]
    ) {
        self.id = id
        self.article = article
        self.titleVector = titleVector
        self.chunks = chunks
        self.vectors = vectors
    }
}

/// One line of the list of articles.
package struct ArticleSummary: Sendable, Codable {
    package var id: ArticleID
    package var key: String
    package var title: String
    package var category: String?
    package var tags: [String]
    package var language: String?
    package var products: [String]
    package var chunks: Int
    /// Grows with every change of the content.
    package var version: Int
    /// Folder that is watched, or empty for what was imported by hand.
    package var origin: String
    package var updatedAt: Date
    package var isActive: Bool
}

/// A sign that changes whenever the knowledge base does.
package struct KnowledgeVersion: Sendable, Hashable {
    let text: String
}

extension DeskStore {
    /// The channel on which a change of the knowledge base is announced.
    package static let knowledgeChannel = "martlet_knowledge"

    /// Row of the weights that make vectors; made when it is new.
    package func embeddingModel(
        name: String, weightsSHA256: String, tokenizer: String, dimensions: Int, pooling: String
    ) async throws -> Int64 {
        let rows = try await self.pool.query(
            """
            with made as (
                insert into embedding_model (name, weights_sha256, tokenizer, dims, pooling)
                values (\(name), \(weightsSHA256), \(tokenizer), \(Int32(dimensions)), \(pooling))
                on conflict (weights_sha256, tokenizer, pooling) do nothing returning id)
            select id from made
            union all
            select id from embedding_model where weights_sha256 = \(weightsSHA256)
                and tokenizer = \(tokenizer) and pooling = \(pooling)
            """)
        if let row = rows.first { return try row.decode(Int64.self) }
        // Another process made it between the two halves of the statement.
        let again = try await self.pool.query(
            """
            select id from embedding_model where weights_sha256 = \(weightsSHA256)
                and tokenizer = \(tokenizer) and pooling = \(pooling)
            """)
        return try again[0].decode(Int64.self)
    }

    /// Keys of those articles that are new, differ from what is stored, or lack vectors of `model`.
    /// - Parameter revision: number of the way in which passages are cut; another one makes every article differ.
    package func changedArticles(_ articles: [Article], model: Int64, revision: Int) async throws -> Set<String> {
        let rows = try await self.pool.query(
            """
            select a.key from unnest(\(articles.map(\.key)), \(articles.map { Self.source($0, revision) }))
                as a(key, source)
            left join knowledge_base k on k.key = a.key
                and k.source_sha256 = sha256(convert_to(a.source, 'UTF8'))
            where k.id is null or not exists (select from chunk where article_id = k.id)
                or exists (select from chunk c where c.article_id = k.id and not exists (
                    select from chunk_embedding e where e.chunk_id = c.id and e.model_id = \(model)))
            """)
        return Set(try rows.map { try $0.decode(String.self) })
    }

    /// Puts articles in place with their passages and vectors, as one step; what had the same keys is replaced.
    /// - Parameter origin: folder that is watched, or empty.
    package func storeArticles(
        _ rows: [KnowledgeRow], model: Int64, revision: Int, origin: String = ""
    ) async throws {
        let articleIDs = try await self.ids.take(rows.count)
        var chunkIDs = try await self.ids.take(rows.reduce(0) { $0 + $1.chunks.count })[...]
        var columns = ChunkColumns()
        for row in rows {
            let own = Array(chunkIDs.prefix(row.chunks.count))
            chunkIDs = chunkIDs.dropFirst(row.chunks.count)
            columns.append(row, ids: own)
        }
        try await self.pool.withTransaction { transaction in
            try await Self.lockKnowledge(transaction)
            try await transaction.pipeline(
                zip(rows, articleIDs).map { Self.upsert($0.article, id: $1, revision: revision, origin: origin) })
            try await transaction.execute(
                """
                delete from chunk where article_id in (
                    select id from knowledge_base where key = any(\(rows.map(\.article.key))))
                """)
            try await transaction.execute(
                """
                insert into chunk (id, article_id, ordinal, heading, content)
                select c.id, k.id, c.ordinal, c.heading, c.content
                from unnest(\(columns.ids), \(columns.keys), \(columns.ordinals), \(columns.headings),
                    \(columns.contents)) as c(id, key, ordinal, heading, content)
                join knowledge_base k on k.key = c.key
                """)
            try await transaction.execute(
                """
                insert into chunk_embedding (chunk_id, model_id, kind, embedding)
                select e.chunk_id, \(model), e.kind, e.embedding
                from unnest(\(columns.vectorOwners), \(columns.kinds), \(columns.vectors))
                    as e(chunk_id, kind, embedding)
                """)
            try await Self.announceKnowledge(transaction)
        }
    }

    /// Removes every article whose key is not among `keys`.
    /// - Parameter origin: only those that came from there; nil means all.
    /// - Returns: how many were removed.
    package func removeArticles(except keys: [String], origin: String? = nil) async throws -> Int {
        try await self.pool.withTransaction { transaction in
            try await Self.lockKnowledge(transaction)
            let removed = try await transaction.execute(
                """
                delete from knowledge_base where key <> all(\(keys))
                    and (\(origin)::text is null or origin = \(origin)::text)
                """)
            if removed > 0 { try await Self.announceKnowledge(transaction) }
            return removed
        }
    }

    /// - Parameter name: the article's key, or its id.
    /// - Returns: false when there is none.
    package func removeArticle(_ name: String) async throws -> Bool {
        try await self.pool.withTransaction { transaction in
            try await Self.lockKnowledge(transaction)
            let removed = try await transaction.execute(
                "delete from knowledge_base where key = \(name) or id = \(Int64(name))")
            if removed > 0 { try await Self.announceKnowledge(transaction) }
            return removed > 0
        }
    }

    /// Lets an article take part in answers, or not. An import leaves it as it is.
    /// - Parameter name: the article's key, or its id.
    /// - Returns: false when there is none.
    package func setArticle(_ name: String, isActive: Bool) async throws -> Bool {
        try await self.pool.withTransaction { transaction in
            try await Self.lockKnowledge(transaction)
            let changed = try await transaction.execute(
                """
                update knowledge_base set is_active = \(isActive), updated_at = clock_timestamp()
                where key = \(name) or id = \(Int64(name))
                """)
            if changed > 0 { try await Self.announceKnowledge(transaction) }
            return changed > 0
        }
    }

    /// All active articles with passages and the vectors of `model`, by key. Articles without vectors are left out.
    package func knowledge(model: Int64) async throws -> [KnowledgeRow] {
        var result: [KnowledgeRow] = []
        try await self.readKnowledge(model: model, vectors: true) { result += $0 }
        return result
    }

    /// The same, some hundred articles at a time, all of one moment; a large base is never in memory as rows.
    /// - Parameter vectors: false leaves those of passages empty.
    package func readKnowledge(
        model: Int64, vectors: Bool, _ body: ([KnowledgeRow]) throws -> Void
    ) async throws {
        let options = TransactionOptions(isolation: .repeatableRead, isReadOnly: true)
        try await self.pool.withTransaction(options) { transaction in
            var last = ""
            while true {
                let keys = try await transaction.query(
                    """
                    select key from knowledge_base where is_active and key > \(last) order by key limit \(Self.pageSize)
                    """)
                guard keys.count > 0 else { return }
                let (after, end) = (last, try keys[keys.count - 1].decode(String.self))
                last = end
                try body(try await Self.page(after: after, to: end, model: model, vectors: vectors, transaction))
            }
        }
    }

    private static let pageSize: Int32 = 500

    private static func page(
        after: String, to end: String, model: Int64, vectors: Bool, _ transaction: PostgresTransaction
    ) async throws -> [KnowledgeRow] {
        let rows = try await transaction.query(
            """
            select k.id, k.key, k.title, case when c.ordinal = 0 then k.content else '' end, k.category, k.tags, k.url,
                k.language, k.products, c.ordinal, c.heading, c.content, case when \(vectors) then e.embedding end,
                (select t.embedding from chunk_embedding t
                    where t.chunk_id = c.id and t.model_id = \(model) and t.kind = 'title')
            from knowledge_base k
            join chunk c on c.article_id = k.id
            join chunk_embedding e on e.chunk_id = c.id and e.model_id = \(model) and e.kind = 'chunk'
            where k.is_active and k.key > \(after) and k.key <= \(end) order by k.key, k.id, c.ordinal
            """)
        var result: [KnowledgeRow] = []
        for row in rows {
            let (
                id, key, title, content, category, tags, url, language, products, ordinal, heading, text, vector,
                titleVector
            ) = try row.decode(
                Int64.self, String.self, String.self, String.self, String?.self, [String].self, String?.self,
                String?.self, [String].self, Int32.self, String.self, String.self, Vector?.self, Vector?.self)
            if result.last?.id.rawValue != id {
                result.append(
                    KnowledgeRow(
                        id: ArticleID(id),
                        article: Article(
                            key: key, title: title, content: content, category: category, tags: tags, url: url,
                            language: language, products: products),
                        titleVector: titleVector?.values ?? vector?.values ?? [], chunks: [], vectors: []))
            }
            let chunk = KnowledgeChunk(ordinal: Int(ordinal), heading: heading, content: text)
            result[result.count - 1].chunks.append(chunk)
            if let vector { result[result.count - 1].vectors.append(vector.values) }
        }
        return result
    }

    /// Changes with every import, removal and decision about a case card: compare it before reading everything again.
    package func knowledgeVersion() async throws -> KnowledgeVersion {
        let rows = try await self.pool.query(
            """
            select count(*) || ' ' || coalesce(max(updated_at), 'epoch') || ' ' || coalesce(sum(id), 0) || ' '
                || (select count(*) || ' ' || coalesce(max(updated_at), 'epoch') || ' ' || coalesce(sum(id), 0)
                    from case_card where state = 'approved')
            from knowledge_base
            """)
        return KnowledgeVersion(text: try rows[0].decode(String.self))
    }

    /// Every article by key.
    package func articles() async throws -> [ArticleSummary] {
        let rows = try await self.pool.query(
            """
            select id, key, title, category, tags, language, products, (select count(*) from chunk c where c.article_id = k.id), updated_at,
                is_active, version, origin
            from knowledge_base k order by key
            """)
        return try rows.map { row in
            let (id, key, title, category, tags, language, products, chunks, updated, isActive, version, origin) =
                try row.decode(
                    Int64.self, String.self, String.self, String?.self, [String].self, String?.self, [String].self,
                    Int64.self, Date.self, Bool.self, Int32.self, String.self)
            return ArticleSummary(
                id: ArticleID(id), key: key, title: title, category: category, tags: tags, language: language,
                products: products, chunks: Int(chunks),
                version: Int(version), origin: origin, updatedAt: updated, isActive: isActive)
        }
    }

    /// - Parameter name: the article's key, or its id.
    package func article(_ name: String) async throws -> Article? {
        let rows = try await self.pool.query(
            """
            select key, title, content, category, tags, url, language, products from knowledge_base
            where key = \(name) or id = \(Int64(name)) order by (key = \(name)) desc limit 1
            """)
        guard let row = rows.first else { return nil }
        let (key, title, content, category, tags, url, language, products) = try row.decode(
            String.self, String.self, String.self, String?.self, [String].self, String?.self, String?.self,
            [String].self)
        return Article(
            key: key, title: title, content: content, category: category, tags: tags, url: url, language: language,
            products: products)
    }

    /// Imports of several hosts follow each other; a search needs no lock.
    private static func lockKnowledge(_ transaction: PostgresTransaction) async throws {
        try await transaction.query("select pg_advisory_xact_lock(hashtext('martlet knowledge'))")
    }

    private static func announceKnowledge(_ transaction: PostgresTransaction) async throws {
        try await transaction.query("select pg_notify(\(Self.knowledgeChannel), '')")
    }

    /// Everything that decides what is stored for an article; the separator cannot stand in it by accident.
    private static func source(_ article: Article, _ revision: Int) -> String {
        [
            [String(revision), article.title, article.content, article.category ?? "", article.url ?? ""], article.tags,
            [article.language ?? ""], article.products,
        ].map { $0.joined(separator: "\u{1F}") }.joined(separator: "\u{1E}")
    }

    private static func upsert(_ article: Article, id: Int64, revision: Int, origin: String) -> SQL {
        """
        insert into knowledge_base (
            id, key, title, content, category, tags, url, language, products, origin, source_sha256)
        values (\(id), \(article.key), \(article.title), \(article.content), \(article.category), \(article.tags),
            \(article.url), \(article.language), \(article.products), \(origin), sha256(convert_to(\(Self.source(article, revision)), 'UTF8')))
        on conflict (key) do update set title = excluded.title, content = excluded.content,
            category = excluded.category, tags = excluded.tags, url = excluded.url,
            language = excluded.language, products = excluded.products,
            origin = excluded.origin, source_sha256 = excluded.source_sha256, updated_at = clock_timestamp(),
            version = knowledge_base.version + 1
        """
    }

    /// Passages and vectors of many articles, column by column.
    private struct ChunkColumns {
        var ids: [Int64] = []
        var keys: [String] = []
        var ordinals: [Int32] = []
        var headings: [String] = []
        var contents: [String] = []
        var vectorOwners: [Int64] = []
        var kinds: [String] = []
        var vectors: [Vector] = []

        mutating func append(_ row: KnowledgeRow, ids: [Int64]) {
            for (position, chunk) in row.chunks.enumerated() {
                self.ids.append(ids[position])
                self.keys.append(row.article.key)
                self.ordinals.append(Int32(chunk.ordinal))
                self.headings.append(chunk.heading)
                self.contents.append(chunk.content)
                self.add(row.vectors[position], kind: "chunk", of: ids[position])
            }
            if let first = ids.first { self.add(row.titleVector, kind: "title", of: first) }
        }

        private mutating func add(_ vector: [Float], kind: String, of chunk: Int64) {
            self.vectorOwners.append(chunk)
            self.kinds.append(kind)
            self.vectors.append(Vector(vector))
        }
    }
}
