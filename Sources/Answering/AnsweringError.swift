/// What can go wrong while knowledge is read or an answer is made.
package struct AnsweringError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// The file is of no kind that articles are read from.
        case unknownFormat
        /// The file is of a known kind and broken; `context` names the line.
        case malformedArticle
        /// A template of replies has a tag that is unknown or has no end; `context` names the line.
        case malformedTemplate
        /// Vectors of another length than the index was built for.
        case dimensionMismatch
    }

    package let code: Code
    /// Names the file and line; never article text.
    package let context: String
    /// Always false: the same input fails the same way.
    package let isRetryable = false

    package init(_ code: Code, _ context: String) {
        self.code = code
        self.context = context
    }

    package var description: String { "\(self.code.rawValue): \(self.context)" }
}
