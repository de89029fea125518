/// Tells what texts are about, in words of the desk rather than of its products.
///
/// "How do I return a lamp?" shares its rarest word with every article about lamps; that it is about a return is what
/// triage was taught.
package protocol MatterReader: Sendable {
    /// Probabilities of the matters that the desk knows, one row a text, always in the same order.
    /// - Parameter vectors: the embeddings of the texts.
    func matters(of texts: [String], vectors: [[Float]]) throws -> [[Float]]
}

/// How far two texts are about the same.
enum Matter {
    /// What counts as agreement where one of the two could be about anything: neither for nor against.
    private static let doubt: Float = 0.3

    /// 0…1 of what a question and an article's title are about; empty rows are in doubt about everything.
    static func agreement(_ question: [Float], _ article: [Float]) -> Float {
        guard question.count == article.count else { return Self.doubt }
        let product = VectorTable.product(question, article)
        let sureness = VectorTable.product(question, question) * VectorTable.product(article, article)
        return min(1, product + Self.doubt * (1 - min(1, sureness.squareRoot())))
    }
}
