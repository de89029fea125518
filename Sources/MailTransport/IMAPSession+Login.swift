internal import Curl
internal import DeskModel
package import Logging

extension IMAPSession {
    /// Connects and logs in.
    ///
    /// Nothing secret crosses an unencrypted link unless `endpoint.allowsCleartextLogin`; what the server said before
    /// TLS is forgotten; PREAUTH is refused, because it would leave open whose mailbox this is.
    /// - Throws: `.authenticationFailed` (with the server's words; not retryable), `.unavailable` when the server cannot
    ///   just now, `.authenticationUnavailable`, `.cleartextLoginRefused`, and the codes of the link.
    package static func connect(
        to endpoint: MailEndpoint, as credential: SASLCredential, timeouts: MailTimeouts = MailTimeouts(),
        limits: IMAPLimits = IMAPLimits(), logger: Logger
    ) async throws(MailError) -> IMAPSession {
        guard endpoint.security != .none || endpoint.allowsCleartextLogin else {
            throw MailError(.cleartextLoginRefused, "the link to \(endpoint.host) is not encrypted")
        }
        let connection: CurlConnection
        do {
            connection = try await CurlConnection.connect(
                to: endpoint.target(.imap, clientName: nil), timeout: timeouts.connect)
        } catch {
            throw MailError(error)
        }
        let session = IMAPSession(
            endpoint: endpoint, connection: connection, timeouts: timeouts, limits: limits, logger: logger)
        guard !connection.handshake.contains(where: { $0.uppercased().hasPrefix("* PREAUTH") }) else {
            await session.close()
            throw MailError(.protocolViolation, "the server claims that we are logged in already (PREAUTH)")
        }
        do {
            try await session.logIn(credential)
        } catch {
            await session.close()
            throw error
        }
        return session
    }

    private func logIn(_ credential: SASLCredential) async throws(MailError) {
        // Asked again here: what libcurl saw may be from before TLS.
        try await self.refreshCapabilities()
        let offered = self.capabilities
        let conversation = try await SASLConversation.choose(
            credential, offered: offered.mechanisms, endpoint: self.endpoint)
        try await self.begin()
        defer { self.end() }
        self.capabilities = IMAPCapabilities([])
        let deadline = ContinuousClock.now + self.timeouts.login
        let completion: Completion
        var refusal: String?
        if let conversation {
            (completion, refusal) = try await self.authenticate(
                conversation, sendsInitial: offered.contains("SASL-IR"), until: deadline)
        } else if case .password(let user, let password) = credential, !offered.contains("LOGINDISABLED") {
            let login = IMAPCommand("LOGIN").appending(string: user).appending(string: password.reveal())
            completion = try await self.perform(login, until: deadline)
        } else {
            throw MailError(
                .authenticationUnavailable,
                "the server offers \(offered.mechanisms.sorted().joined(separator: " ")), none of which fits")
        }
        guard completion.status == .ok else {
            throw Self.loginRefusal(completion.text, detail: refusal)
        }
        self.logger.debug("logged in to imap server", metadata: .with([.host: self.endpoint.host]))
        if completion.text.codeName == "CAPABILITY" {
            let names = completion.text.codeArguments.uppercased().split(separator: " ").map(String.init)
            self.capabilities = IMAPCapabilities(names)
        } else if self.capabilities.names.isEmpty {
            _ = try await self.perform(IMAPCommand("CAPABILITY"), until: deadline)
        }
    }

    private func refreshCapabilities() async throws(MailError) {
        _ = try await self.run(IMAPCommand("CAPABILITY"))
        guard !self.capabilities.names.isEmpty else {
            throw self.fail(MailError(.protocolViolation, "the server names no capabilities"))
        }
    }

    private func authenticate(
        _ conversation: SASLConversation, sendsInitial: Bool, until deadline: ContinuousClock.Instant
    ) async throws(MailError) -> (Completion, refusal: String?) {
        var conversation = conversation
        var command = IMAPCommand("AUTHENTICATE \(conversation.mechanism)")
        if sendsInitial, let initial = conversation.initialResponse() {
            command.append(" \(initial.isEmpty ? "=" : initial)")
        }
        do throws(MailError) {
            let (tag, _) = try await self.send(command, until: deadline)
            while true {
                switch try await self.next(until: deadline) {
                case .continuation(let challenge):
                    let answer = try conversation.answer(to: challenge)
                    try await self.write(Array("\(answer)\r\n".utf8), until: deadline)
                case .tagged(tag, let status, let text):
                    return (Completion(status: status, text: text), conversation.refusal)
                case .tagged: throw MailError(.protocolViolation, "an answer to no command")
                default: continue
                }
            }
        } catch {
            throw self.fail(error)
        }
    }

    static func loginRefusal(_ text: IMAPResponse.Text, detail: String?) -> MailError {
        let context = detail.map { "\(text.shown) \($0)" } ?? text.shown
        return MailError(Self.isTemporary(text.codeName) ? .unavailable : .authenticationFailed, context)
    }
}

extension MailEndpoint {
    func target(_ scheme: CurlConnection.Scheme, clientName: String?) -> CurlConnection.Target {
        let security: CurlConnection.Security =
            switch self.security {
            case .tls: .tls
            case .startTLS: .startTLS
            case .none: .none
            }
        return CurlConnection.Target(
            scheme: scheme, host: self.host, port: self.port, security: security, caFile: self.caFile,
            clientName: clientName)
    }
}
