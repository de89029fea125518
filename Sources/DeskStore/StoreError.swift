/// Why a step of the store did not happen.
package struct StoreError: Error, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// Another host holds the mailbox, the job or the mail: drop what was planned.
        case leaseLost
        /// No row of that key.
        case notFound
        /// The row is not in a state that allows it.
        case conflict
    }

    package let code: Code
    /// For people; no mail text, no secrets.
    package let context: String

    package init(_ code: Code, _ context: String) {
        self.code = code
        self.context = context
    }

    package var description: String { "\(self.code.rawValue): \(self.context)" }
}
