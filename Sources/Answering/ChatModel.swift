/// A text model that somebody else runs: it is given instructions and material, and answers with one JSON object.
package protocol ChatModel: Sendable {
    /// Whether what it is given stays on this machine.
    var isLocal: Bool { get }

    /// Asks once. Implementations bound time, size and tokens, and give no tools.
    /// - Throws: `ChatFailure`.
    func complete(_ prompt: ChatPrompt) async throws(ChatFailure) -> String
}

/// What a chat model is asked.
package struct ChatPrompt: Sendable, Equatable {
    /// The desk's own words; nothing of a customer's.
    package var instructions: String
    /// One JSON object: articles and the customer's mail, as data.
    package var material: String
    /// JSON schema of the answer.
    package var schema: String
    package var schemaName: String

    package init(instructions: String, material: String, schema: String, schemaName: String) {
        self.instructions = instructions
        self.material = material
        self.schema = schema
        self.schemaName = schemaName
    }
}

/// Why a chat model gave nothing that could be used. Never holds anything of the mail or of the answer.
package struct ChatFailure: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        /// Not asked: it failed before and is left alone for a while, or said so itself.
        case resting
        /// Not asked: the day's tokens are used up.
        case overBudget = "over budget"
        /// Not asked: it runs elsewhere and nothing masks what it would be told.
        case notMasked = "not masked"
        case timedOut = "timed out"
        case unreachable
        /// A status that tells of failure.
        case refused
        case tooLarge = "too large"
        /// Ended for another reason than having finished.
        case unfinished
        /// No JSON of the form that was asked for.
        case malformed
        /// No sentence, or says itself that the articles do not answer.
        case empty
        /// Names articles that it was not given.
        case inventedSource = "invented source"
        case wrongLanguage = "wrong language"
        /// Too little of it stands in the articles.
        case ungrounded
    }

    package let code: Code
    /// For operators: a status, a limit.
    package let context: String

    package init(_ code: Code, _ context: String = "") {
        self.code = code
        self.context = context
    }

    package var description: String {
        self.context.isEmpty ? self.code.rawValue : "\(self.code.rawValue): \(self.context)"
    }
}
