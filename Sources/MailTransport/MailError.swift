internal import Curl

/// What went wrong between us and a mail server. Policy reads `code`, `isRetryable` and `phase`; people read `context`.
package struct MailError: Error, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        // The link
        /// Name not found, nobody listens, or unreachable.
        case unreachable
        case timedOut
        /// The connection ended; a session that threw this is finished.
        case closed
        case cancelled
        case tlsNotOffered
        case tlsFailed
        /// Untrusted authority or expired certificate.
        case certificateInvalid
        case nameMismatch
        // Login
        /// The server refused user and secret.
        case authenticationFailed
        /// The server offers no way to log in that we may use.
        case authenticationUnavailable
        /// Credentials would have crossed an unencrypted link.
        case cleartextLoginRefused
        // Answers
        /// The server cannot serve now: BYE, `[UNAVAILABLE]`, `[THROTTLED]`, `[LIMIT]`, 421.
        case unavailable
        /// NO, BAD, 4xx or 5xx to a command.
        case rejected
        case folderMissing
        case overQuota
        /// The server spoke against the standard or past a limit; the session is finished.
        case protocolViolation
        // Our own side
        case messageTooLarge
        /// An address or header needs SMTPUTF8 and the server lacks it; nothing was sent.
        case needsSMTPUTF8
        /// The body holds 8-bit octets and the server lacks 8BITMIME; nothing was sent. Re-encode and send again.
        case needs8BITMIME
        /// The server lacks an extension that the call needs, such as IDLE or CONDSTORE.
        case notSupported
        case invalidArgument
    }

    /// How far an SMTP delivery was when it failed.
    package enum Phase: String, Sendable {
        /// Connecting, greeting, login.
        case connect
        /// The mail was certainly not accepted.
        case beforeData
        /// The final dot was on its way: the server may or may not have taken the mail.
        case afterFinalDot
    }

    package let code: Code
    /// Whether the same call may succeed later while nobody changes the configuration.
    package let isRetryable: Bool
    /// The server's own words are included; secrets and bodies never are.
    package let context: String
    /// Only for SMTP.
    package let phase: Phase?

    package var description: String {
        self.phase.map { "\(self.code.rawValue) (\($0.rawValue)): \(self.context)" }
            ?? "\(self.code.rawValue): \(self.context)"
    }

    package init(_ code: Code, _ context: String, isRetryable: Bool? = nil, phase: Phase? = nil) {
        self.code = code
        self.context = context
        self.phase = phase
        self.isRetryable = isRetryable ?? Self.isUsuallyRetryable(code)
    }

    init(_ error: CurlError) {
        let code: Code =
            switch error.code {
            case .dns, .refused, .failed: .unreachable
            case .timedOut: .timedOut
            case .closed: .closed
            case .cancelled: .cancelled
            case .tlsNotOffered: .tlsNotOffered
            case .tlsFailed: .tlsFailed
            case .certificateInvalid: .certificateInvalid
            case .nameMismatch: .nameMismatch
            case .badReply: .unavailable
            case .tooLarge: .protocolViolation
            case .invalidRequest: .invalidArgument
            }
        let line = error.serverLine.map { "; the server said: \(Self.printable($0))" } ?? ""
        self.init(code, error.context + line, isRetryable: error.isRetryable)
    }

    func during(_ phase: Phase) -> MailError {
        MailError(self.code, self.context, isRetryable: self.isRetryable, phase: self.phase ?? phase)
    }

    /// Text of a server, fit for a log line: one line, at most 300 characters.
    static func printable(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars.prefix(300) {
            result.append(scalar.properties.generalCategory == .control ? " " : scalar)
        }
        return String(result)
    }

    private static func isUsuallyRetryable(_ code: Code) -> Bool {
        switch code {
        case .unreachable, .timedOut, .closed, .tlsFailed, .unavailable, .protocolViolation: true
        case .cancelled, .tlsNotOffered, .certificateInvalid, .nameMismatch, .authenticationFailed,
            .authenticationUnavailable, .cleartextLoginRefused, .rejected, .folderMissing, .overQuota,
            .messageTooLarge, .needsSMTPUTF8, .needs8BITMIME, .notSupported, .invalidArgument:
            false
        }
    }
}
