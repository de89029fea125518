internal import ConnectionThread
internal import Curl
internal import DeskModel
package import Logging

/// A conversation with an SMTP server, for one mail after the other. RFC 5321 and the extensions that are offered.
///
/// Errors carry the phase: before the final dot a mail was certainly not accepted; after it the outcome is unknown.
package actor SMTPSession {
    private let endpoint: MailEndpoint
    private let connection: CurlConnection
    private let timeouts: MailTimeouts
    private let logger: Logger
    private let turn = Turnstile(width: 1)
    private var parser = SMTPReplyParser()
    private var hasFailed = false
    /// A transaction was refused halfway; RSET comes before the next one.
    private var needsReset = false
    package private(set) var capabilities = SMTPCapabilities(nil)

    /// Whether another mail can be sent on this connection.
    package var isReusable: Bool { !self.hasFailed }

    private init(endpoint: MailEndpoint, connection: CurlConnection, timeouts: MailTimeouts, logger: Logger) {
        self.endpoint = endpoint
        self.connection = connection
        self.timeouts = timeouts
        self.logger = logger
    }

    deinit { self.connection.close() }

    /// Connects, greets and logs in.
    /// - Parameters:
    ///   - credential: nil for a relay that asks for none.
    ///   - helo: our own host name.
    /// - Throws: always with phase `.connect`; `.authenticationFailed`, `.authenticationUnavailable`,
    ///   `.cleartextLoginRefused`, `.unavailable`, and the codes of the link.
    package static func connect(
        to endpoint: MailEndpoint, as credential: SASLCredential?, helo: String,
        timeouts: MailTimeouts = MailTimeouts(), logger: Logger
    ) async throws(MailError) -> SMTPSession {
        let name = helo.filter { $0.isASCII && ($0.isLetter || $0.isNumber || ".-[]:".contains($0)) }
        do throws(MailError) {
            guard credential == nil || endpoint.security != .none || endpoint.allowsCleartextLogin else {
                throw MailError(.cleartextLoginRefused, "the link to \(endpoint.host) is not encrypted")
            }
            let connection: CurlConnection
            do {
                connection = try await CurlConnection.connect(
                    to: endpoint.target(.smtp, clientName: name.isEmpty ? "localhost" : name),
                    timeout: timeouts.connect)
            } catch {
                throw MailError(error)
            }
            let session = SMTPSession(endpoint: endpoint, connection: connection, timeouts: timeouts, logger: logger)
            do {
                try await session.greet(name.isEmpty ? "localhost" : name)
                if let credential { try await session.logIn(credential) }
            } catch {
                await session.close()
                throw error
            }
            return session
        } catch {
            throw error.during(.connect)
        }
    }

    /// Says good-bye and ends the connection; never fails.
    package func quit() async {
        guard !self.hasFailed, await self.turn.enter() else { return self.close() }
        defer { self.turn.leave() }
        _ = try? await self.command("QUIT", within: min(self.timeouts.command, .seconds(5)))
        self.close()
    }

    /// Ends the connection at once, also under a delivery that runs in another task.
    package func close() {
        self.hasFailed = true
        self.connection.close()
    }

    // MARK: Greeting and login

    /// libcurl has said EHLO, but its answer is not kept, and after STARTTLS the old one must not count.
    private func greet(_ name: String) async throws(MailError) {
        let reply = try await self.command("EHLO \(name)")
        guard reply.isPositive else { throw Self.refusal(reply) }
        self.capabilities = SMTPCapabilities(reply)
    }

    private func logIn(_ credential: SASLCredential) async throws(MailError) {
        let offered = self.capabilities.mechanisms
        guard
            var conversation = try await SASLConversation.choose(
                credential, offered: offered, endpoint: self.endpoint)
        else {
            throw MailError(
                .authenticationUnavailable,
                offered.isEmpty
                    ? "the server offers no AUTH" : "the server offers \(offered.sorted().joined(separator: " "))")
        }
        var line = "AUTH \(conversation.mechanism)"
        if let initial = conversation.initialResponse() { line += " \(initial.isEmpty ? "=" : initial)" }
        let deadline = ContinuousClock.now + self.timeouts.login
        try await self.write(Array("\(line)\r\n".utf8), until: deadline)
        var reply = try await self.reply(until: deadline)
        while reply.code == 334 {
            let answer = try conversation.answer(to: reply.text)
            try await self.write(Array("\(answer)\r\n".utf8), until: deadline)
            reply = try await self.reply(until: deadline)
        }
        guard reply.code == 235 else {
            let context = conversation.refusal.map { "\(reply) \($0)" } ?? "\(reply)"
            throw MailError(reply.isTransient ? .unavailable : .authenticationFailed, context)
        }
        self.logger.debug("logged in to smtp server", metadata: .with([.host: self.endpoint.host]))
    }

    // MARK: Delivery

    /// Sends one mail.
    ///
    /// Line ends become CRLF and leading dots are doubled. Refusals by the server are values in the result; only what
    /// could not be said or heard is thrown.
    /// - Parameter message: header and body with CRLF or LF line ends.
    /// - Throws: before anything is sent: `.invalidArgument`, `.needsSMTPUTF8`, `.needs8BITMIME`, `.messageTooLarge`;
    ///   later the codes of the link. Phase `.afterFinalDot` means that the outcome is unknown. A cancelled delivery
    ///   waits a little for the server's last word before it gives up.
    package func send(_ envelope: SMTPEnvelope, message: [UInt8]) async throws(MailError) -> SMTPDelivery {
        guard await self.turn.enter() else { throw MailError(.cancelled, "cancelled", phase: .beforeData) }
        defer { self.turn.leave() }
        guard !self.hasFailed else { throw MailError(.closed, "the session has ended", phase: .beforeData) }
        do throws(MailError) {
            let data = CanonicalText.smtpData(of: message)
            let transaction = try SMTPTransaction(envelope, data: data, capabilities: self.capabilities)
            if self.needsReset {
                guard try await self.command("RSET").isPositive else {
                    throw self.fail(MailError(.protocolViolation, "the server refuses RSET"))
                }
                self.needsReset = false
            }
            return try await self.run(transaction, recipients: envelope.recipients, data: data)
        } catch {
            throw error.during(.beforeData)
        }
    }

    private func run(
        _ transaction: SMTPTransaction, recipients: [MailAddress], data: [UInt8]
    ) async throws(MailError) -> SMTPDelivery {
        let pipelines = self.capabilities.contains("PIPELINING")
        self.needsReset = true
        if pipelines {
            let lines = [transaction.mail] + transaction.recipients + ["DATA"]
            try await self.write(
                Array(lines.joined(separator: "\r\n").utf8) + [0x0D, 0x0A], until: .now + self.timeouts.command)
        }
        let sender = try await self.answer(to: transaction.mail, isSent: pipelines)
        guard sender.isPositive || pipelines else { return SMTPDelivery(replies: [], final: sender) }
        var replies: [SMTPDelivery.Recipient] = []
        for (address, line) in zip(recipients, transaction.recipients) {
            let reply = try await self.answer(to: line, isSent: pipelines)
            replies.append(SMTPDelivery.Recipient(address: address, reply: reply))
        }
        let isWanted = sender.isPositive && replies.contains { $0.reply.isPositive }
        guard isWanted || pipelines else { return SMTPDelivery(replies: replies, final: nil) }
        let leave = try await self.answer(to: "DATA", isSent: pipelines)
        guard isWanted else {
            // A server may take DATA although nobody is left to send to: then an empty mail ends it. RFC 2920 §3.1.
            if leave.code == 354 {
                try await self.write([0x2E, 0x0D, 0x0A], until: .now + self.timeouts.command)
                _ = try await self.reply(until: .now + self.timeouts.finalReply)
            }
            return SMTPDelivery(
                replies: sender.isPositive ? replies : [], final: sender.isPositive ? nil : sender)
        }
        guard leave.code == 354 else { return SMTPDelivery(replies: replies, final: leave) }
        let final = try await self.transmit(data)
        if final.isPositive { self.needsReset = false }
        return SMTPDelivery(replies: replies, final: final)
    }

    /// Sends the mail itself and takes the server's last word.
    private func transmit(_ data: [UInt8]) async throws(MailError) -> SMTPReply {
        let deadline = ContinuousClock.now + self.timeouts.transfer(of: data.count)
        let size = 256 << 10
        var start = 0
        while data.count - start > size {
            try await self.write(Array(data[start..<(start + size)]), until: deadline)
            start += size
        }
        // From here the final dot may arrive even if we never learn of it.
        do throws(MailError) {
            try await self.write(Array(data[start...]) + [0x2E, 0x0D, 0x0A], until: deadline)
            return try await self.finalReply()
        } catch {
            throw error.during(.afterFinalDot)
        }
    }

    /// A cancelled task still waits a moment: a known outcome is worth more than a quick end.
    private func finalReply() async throws(MailError) -> SMTPReply {
        let deadline = ContinuousClock.now + self.timeouts.finalReply
        do throws(MailError) {
            return try await self.receive(until: deadline)
        } catch  where error.code == .cancelled {
            let last = Task { () async -> Result<SMTPReply, MailError> in
                do throws(MailError) {
                    return .success(try await self.reply(until: min(deadline, .now + .seconds(5))))
                } catch {
                    return .failure(error)
                }
            }
            return try await last.value.get()
        } catch {
            throw self.fail(error)
        }
    }

    // MARK: The stream

    private func answer(to line: String, isSent: Bool) async throws(MailError) -> SMTPReply {
        isSent ? try await self.reply(until: .now + self.timeouts.command) : try await self.command(line)
    }

    private func command(_ line: String, within budget: Duration? = nil) async throws(MailError) -> SMTPReply {
        let deadline = ContinuousClock.now + (budget ?? self.timeouts.command)
        guard self.parser.isEmpty else {
            throw self.fail(MailError(.protocolViolation, "the server answers before it is asked"))
        }
        try await self.write(Array("\(line)\r\n".utf8), until: deadline)
        return try await self.reply(until: deadline)
    }

    private func write(_ bytes: [UInt8], until deadline: ContinuousClock.Instant) async throws(MailError) {
        do { try await self.connection.write(bytes, until: deadline) } catch { throw self.fail(MailError(error)) }
    }

    /// The next reply; every error ends the session, and so does 421.
    private func reply(until deadline: ContinuousClock.Instant) async throws(MailError) -> SMTPReply {
        do { return try await self.receive(until: deadline) } catch { throw self.fail(error) }
    }

    private func receive(until deadline: ContinuousClock.Instant) async throws(MailError) -> SMTPReply {
        while true {
            if let reply = try self.parser.next() {
                if reply.code == 421 { self.close() }
                return reply
            }
            do { self.parser.append(try await self.connection.read(until: deadline)) } catch { throw MailError(error) }
        }
    }

    private func fail(_ error: MailError) -> MailError {
        self.close()
        return error
    }

    private static func refusal(_ reply: SMTPReply) -> MailError {
        MailError(reply.isTransient ? .unavailable : .rejected, "\(reply)")
    }
}
