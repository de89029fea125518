/// Why the encoder cannot be opened. Nothing here is worth a retry: a file or a library is missing or wrong.
package struct EncoderError: Error, CustomStringConvertible {
    package enum Code: String, Sendable {
        case missingFile, malformedWeights, malformedVocabulary, malformedConfiguration, missingLibrary
        /// No single solution: the matrix of a training is not positive definite.
        case singularMatrix
    }

    package let code: Code
    package var isRetryable: Bool { false }
    /// File or library, and what is wrong with it.
    package let context: String

    init(_ code: Code, _ context: String) {
        self.code = code
        self.context = context
    }

    package var description: String { "\(self.code): \(self.context)" }
}
