/// What one check of the doctor found.
struct Finding: Sendable, Encodable {
    enum Outcome: String, Sendable, Encodable {
        case ok, warn, fail
        /// Could not be looked at because of an earlier failure.
        case skip
    }

    /// What was looked at: `database`, `imap support`.
    let check: String
    let outcome: Outcome
    let detail: String
    /// What to do; nil when nothing.
    let remedy: String?

    static func ok(_ check: String, _ detail: String) -> Finding { Finding(check, .ok, detail, nil) }
    static func warn(_ check: String, _ detail: String, _ remedy: String?) -> Finding {
        Finding(check, .warn, detail, remedy)
    }
    static func fail(_ check: String, _ detail: String, _ remedy: String?) -> Finding {
        Finding(check, .fail, detail, remedy)
    }
    static func skip(_ check: String, _ detail: String) -> Finding { Finding(check, .skip, detail, nil) }
    static func failure(_ check: String, _ error: CommandError) -> Finding {
        .fail(check, error.context, error.remedy)
    }

    private init(_ check: String, _ outcome: Outcome, _ detail: String, _ remedy: String?) {
        self.check = check
        self.outcome = outcome
        self.detail = detail
        self.remedy = remedy
    }

    /// One line, and one more with what to do.
    var text: String {
        let mark =
            switch self.outcome {
            case .ok: "ok  "
            case .warn: "warn"
            case .fail: "FAIL"
            case .skip: "-   "
            }
        let line = "\(mark)  \(self.check): \(DisplayWidth.printable(self.detail))"
        return self.remedy.map { "\(line)\n      → \(DisplayWidth.printable($0))" } ?? line
    }
}
