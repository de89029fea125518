package import DeskModel

/// Vectors of a large knowledge base, which stay in the database: the process would need 1.5 KB for each of them.
package protocol VectorSource: Sendable {
    /// Passages and titles nearest to `vector` of articles that the filter admits, nearest first; one or the other may
    /// be missed.
    /// - Parameter share: about how many of all passages the filter admits, above 0, at most 1.
    func nearest(to vector: [Float], limit: Int, filter: KnowledgeFilter, share: Double) async throws -> [VectorMatch]

    /// Exact cosine of every passage and title of these articles.
    func cosines(of articles: [ArticleID], with vector: [Float]) async throws -> [VectorMatch]

    /// The vector of one passage; nil when it is gone.
    func vector(of article: ArticleID, ordinal: Int) async throws -> [Float]?
}
