package import DeskModel
package import Postgres

/// Searches among the vectors of a large knowledge base, in the database.
extension DeskStore {
    private static let vectorIndex = "chunk_embedding_nearest"
    private static let buildLimit: Duration = .seconds(6 * 3600)

    /// Passages of active articles that have vectors of `model`.
    package func passageCount(model: Int64) async throws -> Int {
        let rows = try await self.pool.query(
            """
            select count(*) from chunk_embedding e join chunk c on c.id = e.chunk_id
            join knowledge_base k on k.id = c.article_id
            where e.model_id = \(model) and e.kind = 'chunk' and k.is_active
            """)
        return Int(try rows[0].decode(Int64.self))
    }

    /// Passages and titles of active articles nearest to `vector`, nearest first: exact without the index of vectors,
    /// nearly exact and much faster with it.
    /// - Parameters:
    ///   - filter: only of articles that it admits.
    ///   - share: about how many of all passages it admits, above 0, at most 1.
    package func nearestVectors(
        to vector: [Float], model: Int64, limit: Int, filter: KnowledgeFilter = KnowledgeFilter(), share: Double = 1
    ) async throws -> [VectorMatch] {
        let candidates = min(1000, max(120, limit))
        // A rare filter has to look at more rows before it has enough.
        let looked = Int(min(1_000_000, max(20_000, 4 * Double(limit) / max(share, 0.000_1))))
        // One implicit transaction, which the settings end with. Rows that do not belong are skipped by looking on.
        let results = try await self.pool.pipeline([
            """
            select set_config('hnsw.ef_search', \("\(candidates)"), true),
                set_config('hnsw.iterative_scan', 'relaxed_order', true),
                set_config('hnsw.max_scan_tuples', \("\(looked)"), true)
            """,
            Self.nearest(Vector(vector), model: model, limit: limit, filter: filter),
        ])
        return try Self.matches(results[1])
    }

    /// Numbers stand in the text, so that no plan is made that would do for any limit and uses no index.
    static func nearest(
        _ vector: Vector, model: Int64, limit: Int, filter: KnowledgeFilter = KnowledgeFilter()
    ) -> SQL {
        """
        select c.article_id, case when e.kind = 'chunk' then c.ordinal end, (-(e.embedding <#> \(vector)))::real
        from chunk_embedding e join chunk c on c.id = e.chunk_id join knowledge_base k on k.id = c.article_id
        where e.model_id = \(unescaped: "\(model)") and k.is_active \(Self.condition(filter))
        order by e.embedding <#> \(vector) limit \(unescaped: "\(limit)")
        """
    }

    /// The same rules as `KnowledgeFilter.admits`.
    private static func condition(_ filter: KnowledgeFilter) -> SQL {
        var condition: SQL = ""
        if let language = filter.language {
            condition = condition + " and (k.language is null or k.language = \(language))"
        }
        if let category = filter.category { condition = condition + " and lower(k.category) = lower(\(category))" }
        if !filter.products.isEmpty {
            condition = condition + " and (k.products = '{}' or k.products && \(filter.products.sorted()))"
        }
        return condition
    }

    /// Exact cosine of every passage and title of these articles.
    package func cosines(of articles: [ArticleID], with vector: [Float], model: Int64) async throws -> [VectorMatch] {
        if articles.isEmpty { return [] }
        let rows = try await self.pool.query(
            """
            select c.article_id, case when e.kind = 'chunk' then c.ordinal end,
                (-(e.embedding <#> \(Vector(vector))))::real
            from chunk c join chunk_embedding e on e.chunk_id = c.id and e.model_id = \(model)
            where c.article_id = any(\(articles.map(\.rawValue)))
            """)
        return try Self.matches(rows)
    }

    /// The vector of one passage; nil when there is none.
    package func passageVector(of article: ArticleID, ordinal: Int, model: Int64) async throws -> [Float]? {
        let rows = try await self.pool.query(
            """
            select e.embedding from chunk c join chunk_embedding e on e.chunk_id = c.id and e.kind = 'chunk'
            where c.article_id = \(article.rawValue) and c.ordinal = \(Int32(ordinal)) and e.model_id = \(model)
            """)
        return try rows.first.map { try $0.decode(Vector.self).values }
    }

    private static func matches(_ rows: PostgresRows) throws -> [VectorMatch] {
        try rows.map { row in
            let (article, ordinal, cosine) = try row.decode(Int64.self, Int32?.self, Float.self)
            return VectorMatch(article: ArticleID(article), ordinal: ordinal.map { Int($0) }, cosine: cosine)
        }
    }

    /// Whether the index of vectors is there and complete.
    package func hasVectorIndex() async throws -> Bool {
        let rows = try await self.pool.query(
            "select indisvalid from pg_index where indexrelid = to_regclass(\(Self.vectorIndex))")
        return try rows.first.map { try $0.decode(Bool.self) } ?? false
    }

    /// Makes the index of vectors beside searches and imports, which go on meanwhile; takes a minute for 100,000
    /// passages. Nothing is done while another process makes it.
    /// - Parameter owner: connects as the role that owns the tables, past a pooler.
    /// - Returns: whether it was made.
    /// - Throws: 42501 when the role does not own the tables.
    package func buildVectorIndex(as owner: PostgresConfiguration) async throws -> Bool {
        let connection = try await PostgresConnection.connect(owner)
        do {
            let isBuilt = try await self.buildVectorIndex(on: connection)
            await connection.close()
            return isBuilt
        } catch {
            await connection.close()
            throw error
        }
    }

    private func buildVectorIndex(on connection: PostgresConnection) async throws -> Bool {
        // Until the connection ends.
        let lock = try await connection.query(
            "select pg_try_advisory_lock(hashtext('martlet vector index ' || current_schema()))")
        guard try lock[0].decode(Bool.self), try await !self.hasVectorIndex() else { return false }
        try await connection.query("select set_config('maintenance_work_mem', '512MB', false)")
        // An interrupted build leaves a useless one.
        try await connection.execute(
            SQL(unescaped: "drop index concurrently if exists \(Self.vectorIndex)"), timeout: Self.buildLimit)
        try await connection.execute(
            SQL(
                unescaped: """
                    create index concurrently \(Self.vectorIndex) on chunk_embedding
                    using hnsw (embedding halfvec_ip_ops)
                    """), timeout: Self.buildLimit)
        return true
    }
}
