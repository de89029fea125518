/// Why a command ended early, in words for the person who typed it.
struct CommandError: Error, CustomStringConvertible {
    enum Code: Int32, Sendable {
        /// The command ran and did not succeed.
        case failed = 1
        /// The arguments or the configuration are wrong; systemd does not restart on it.
        case usage = 2
    }

    let code: Code
    /// One sentence without a full stop; never a secret or the text of a mail.
    let context: String
    /// What to do about it; nil when nothing better than the sentence is known.
    let remedy: String?

    init(_ code: Code, _ context: String, remedy: String? = nil) {
        self.code = code
        self.context = context
        self.remedy = remedy
    }

    /// The sentence, and below it what to do.
    var description: String { self.remedy.map { "\(self.context)\n  → \($0)" } ?? self.context }
}
