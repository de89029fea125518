/// Identity of the weights behind a set of vectors. Vectors, heads and thresholds are only comparable under the same one.
package struct EncoderModel: Hashable, Sendable, Codable {
    /// For people, for example `all-MiniLM-L6-v2`.
    package var name: String
    /// Of the weights file, lower-case hexadecimal.
    package var weightsSHA256: String
    /// Length of each vector.
    package var dimensions: Int
    /// How token vectors become one, for example `mean`.
    package var pooling: String
    /// For example `wordpiece-256`: the kind and the number of tokens that are read.
    package var tokenizer: String

    package init(name: String, weightsSHA256: String, dimensions: Int, pooling: String, tokenizer: String) {
        self.name = name
        self.weightsSHA256 = weightsSHA256
        self.dimensions = dimensions
        self.pooling = pooling
        self.tokenizer = tokenizer
    }
}

/// Turns texts into vectors of length 1 whose dot product says how alike two texts are.
package protocol TextEncoder: Sendable {
    var model: EncoderModel { get }

    /// One vector of `model.dimensions` numbers for each text, in order; an empty text has one too.
    ///
    /// - Throws: `CancellationError` between batches.
    func encode(_ texts: [String]) async throws -> [[Float]]

    /// Encodes what several calls are about to ask for, in one go. An encoder without a memory does nothing.
    ///
    /// - Throws: `CancellationError` between batches.
    func prepare(_ texts: [String]) async throws
}

extension TextEncoder {
    package func prepare(_ texts: [String]) async throws {}
}
