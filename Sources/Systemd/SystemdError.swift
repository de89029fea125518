internal import Glibc

/// What went wrong between this process and the machine around it.
package struct SystemdError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// The program of a child process could not be started.
        case spawnFailed
        /// A credential has a name that is no plain file name, is too large or cannot be read.
        case credentialUnreadable
    }

    package let code: Code
    /// True when the same call may work later (no memory, no process or descriptor left).
    package let isRetryable: Bool
    /// For people: which program or credential, and what the system said. Never contents.
    package let context: String

    init(_ code: Code, isRetryable: Bool = false, _ context: String) {
        self.code = code
        self.isRetryable = isRetryable
        self.context = context
    }

    init(_ code: Code, errno number: Int32, _ context: String) {
        self.init(
            code, isRetryable: [EAGAIN, ENOMEM, EMFILE, ENFILE].contains(number),
            "\(context): \(String(cString: strerror(number)))")
    }

    package var description: String { "\(self.code.rawValue): \(self.context)" }
}
