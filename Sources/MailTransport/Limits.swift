/// How long each step may take. All are absolute: a server that sends one octet a second gains nothing.
package struct MailTimeouts: Sendable {
    /// Resolving, connecting, TLS, greeting.
    package var connect: Duration = .seconds(20)
    /// Logging in; servers delay the answer after failures.
    package var login: Duration = .seconds(45)
    /// One command with its answer, apart from mail contents.
    package var command: Duration = .seconds(60)
    /// The answer after the final dot, during which the server files the mail. RFC 5321 §4.5.3.2 asks for 10 minutes.
    package var finalReply: Duration = .seconds(300)
    /// Octets a second that a transfer of mail contents must reach; extends `command` by the expected size.
    package var slowestTransfer = 16 << 10

    package init() {}

    func transfer(of bytes: Int) -> Duration {
        self.command + .milliseconds(Int64(max(0, bytes)) * 1000 / Int64(max(1, self.slowestTransfer)))
    }
}

/// What a server may make us hold in memory.
package struct IMAPLimits: Sendable {
    /// Octets of one response outside literals.
    package var line = 64 << 10
    /// The same for search results, which list every hit on one line where the server lacks ESEARCH.
    package var searchLine = 8 << 20
    /// Octets of one literal, so of one mail.
    package var literal = 64 << 20
    /// Octets that one command may cause, on top of the mail contents it asked for.
    package var command = 64 << 20
    /// Parentheses within parentheses.
    package var depth = 32

    package init() {}
}
