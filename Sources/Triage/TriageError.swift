/// Why a taxonomy or model cannot be used. A retry with the same files fails again.
package struct TriageError: Error, CustomStringConvertible {
    package enum Code: String, Sendable {
        case malformedTaxonomy, malformedModel, otherEncoder, badTrainingData
    }

    package let code: Code
    package var isRetryable: Bool { false }
    /// What is wrong and where; for a taxonomy one line a problem, each with its line number.
    package let context: String

    package init(_ code: Code, _ context: String) {
        self.code = code
        self.context = context
    }

    package var description: String { "\(self.code): \(self.context)" }
}
