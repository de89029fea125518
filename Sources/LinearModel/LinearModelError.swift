/// Why a linear model cannot be trained or read. None is worth a retry with the same data.
package struct LinearModelError: Error, CustomStringConvertible {
    package enum Code: String, Sendable { case badTrainingData, malformedModel }

    package let code: Code
    package var isRetryable: Bool { false }
    package let context: String

    package init(_ code: Code, _ context: String) {
        self.code = code
        self.context = context
    }

    package var description: String { "\(self.code): \(self.context)" }
}
