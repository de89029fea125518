internal import ConnectionThread
internal import Curl
internal import Logging

/// What an IMAP server can do, in upper case.
package struct IMAPCapabilities: Sendable, Hashable {
    package let names: Set<String>

    init(_ names: [String]) { self.names = Set(names) }

    package func contains(_ name: String) -> Bool { self.names.contains(name) }
    package var hasIdle: Bool { self.contains("IDLE") }
    package var hasCondStore: Bool { self.contains("CONDSTORE") || self.contains("QRESYNC") }
    var mechanisms: Set<String> { Set(self.names.filter { $0.hasPrefix("AUTH=") }.map { String($0.dropFirst(5)) }) }
}

/// A logged-in conversation with an IMAP server. RFC 3501, RFC 9051 and the extensions that the server offers.
///
/// Commands of several tasks wait for each other; one that waits ends a running `idle`. While idle the session holds
/// no thread. After an error of the link or the protocol (`.closed`, `.timedOut`, `.cancelled`, `.protocolViolation`,
/// `.unavailable` by BYE) the session is finished and `isClosed`; a refusal (NO, BAD) leaves it usable.
package actor IMAPSession {
    /// How a command ended.
    struct Completion: Sendable {
        var status: IMAPResponse.Status
        var text: IMAPResponse.Text
        var responses: [IMAPResponse] = []
    }

    let endpoint: MailEndpoint
    let connection: CurlConnection
    let timeouts: MailTimeouts
    let limits: IMAPLimits
    let logger: Logger
    private let turn = Turnstile(width: 1)
    /// Commands that wait for their turn.
    private(set) var waiting = 0
    var framer: ResponseFramer
    private var tagNumber = 0
    private var failure: MailError?
    private var isLoggingOut = false
    /// What the server offers now.
    package internal(set) var capabilities = IMAPCapabilities([])
    /// Messages in the selected folder, kept up to date by whatever the server says.
    package internal(set) var exists = 0
    package internal(set) var selected: FolderName?
    /// Something changed that no command asked for, since the last `idle` returned or the folder was selected.
    var hasChanged = false
    /// Messages that another session has seen in the folder, for the next look; 0 when nobody said so.
    var expected = 0
    /// Whether the running command causes FETCH and EXPUNGE responses itself.
    var causesChanges = false
    /// The wait of a running `idle`, for a command to end.
    var idleWait: Task<Result<[UInt8], CurlError>, Never>?

    init(
        endpoint: MailEndpoint, connection: CurlConnection, timeouts: MailTimeouts, limits: IMAPLimits, logger: Logger
    ) {
        self.endpoint = endpoint
        self.connection = connection
        self.timeouts = timeouts
        self.limits = limits
        self.logger = logger
        self.framer = ResponseFramer(limits: limits)
    }

    deinit { self.connection.close() }

    package var isClosed: Bool { self.failure != nil }

    /// Keeps the connection alive and lets the server report changes.
    package func noop() async throws(MailError) { _ = try await self.run(IMAPCommand("NOOP")) }

    /// Says good-bye and ends the connection; never fails.
    package func logout() async {
        guard !self.isClosed, (try? await self.begin()) != nil else { return self.close() }
        defer { self.end() }
        self.isLoggingOut = true
        _ = try? await self.perform(IMAPCommand("LOGOUT"), until: .now + min(self.timeouts.command, .seconds(5)))
        self.close()
    }

    /// Ends the connection at once, also under a command that runs in another task.
    package func close() {
        if self.failure == nil { self.failure = MailError(.closed, "the session was closed") }
        self.connection.close()
    }

    // MARK: Commands

    /// Sends one command in its turn.
    /// - Throws: what the server's refusal means, or what ended the session.
    func run(
        _ command: IMAPCommand, within budget: Duration? = nil, causesChanges: Bool = false
    ) async throws(MailError) -> Completion {
        try await self.begin()
        defer { self.end() }
        self.causesChanges = causesChanges
        let completion = try await self.perform(command, until: .now + (budget ?? self.timeouts.command))
        guard completion.status == .ok else { throw Self.refusal(completion) }
        return completion
    }

    /// Waits for the turn; `end` must follow.
    func begin() async throws(MailError) {
        self.waiting += 1
        self.idleWait?.cancel()
        let entered = await self.turn.enter()
        self.waiting -= 1
        guard entered else { throw MailError(.cancelled, "cancelled before the command was sent") }
        if let failure = self.failure {
            self.turn.leave()
            throw MailError(.closed, "the session has ended: \(failure)")
        }
    }

    func end() {
        self.causesChanges = false
        self.turn.leave()
    }

    /// Sends a command and takes its answers; the caller has the turn. Every error it throws has ended the session.
    func perform(_ command: IMAPCommand, until deadline: ContinuousClock.Instant) async throws(MailError) -> Completion
    {
        do {
            let from = self.framer.consumed
            let (tag, early) = try await self.send(command, until: deadline)
            if let early { return early }
            return try await self.completion(of: tag, from: from, until: deadline)
        } catch {
            throw self.fail(error)
        }
    }

    /// Takes responses until the one with `tag`.
    func completion(
        of tag: String, from: Int, until deadline: ContinuousClock.Instant
    ) async throws(MailError) -> Completion {
        var responses: [IMAPResponse] = []
        while true {
            let response = try await self.next(until: deadline)
            guard self.framer.consumed - from <= self.limits.command else {
                throw MailError(.protocolViolation, "a command brought more than allowed")
            }
            switch response {
            case .tagged(tag, let status, let text):
                return Completion(status: status, text: text, responses: responses)
            case .tagged, .continuation: throw MailError(.protocolViolation, "an answer to no command")
            case .other, .exists, .expunge, .vanished: break
            case .status, .capability, .fetch, .list, .folderStatus, .search, .namespace: responses.append(response)
            }
        }
    }

    /// Sends a command; literals wait for the server's leave where they must.
    /// - Returns: the tag, and how the command ended when the server refused a literal.
    func send(
        _ command: IMAPCommand, until deadline: ContinuousClock.Instant
    ) async throws(MailError) -> (tag: String, early: Completion?) {
        self.tagNumber += 1
        let tag = "m\(self.tagNumber)"
        var bytes = Array("\(tag) ".utf8)
        for part in command.parts {
            switch part {
            case .text(let text): bytes += text.utf8
            case .literal(let literal) where self.sendsAtOnce(literal.count):
                bytes += "{\(literal.count)+}\r\n".utf8
                bytes += literal
            case .literal(let literal):
                bytes += "{\(literal.count)}\r\n".utf8
                try await self.write(bytes, until: deadline)
                if let early = try await self.goAhead(tag, until: deadline) { return (tag, early) }
                bytes = literal
            }
        }
        bytes += "\r\n".utf8
        try await self.write(bytes, until: deadline)
        return (tag, nil)
    }

    /// Waits for `+`.
    /// - Returns: nil, or how the command ended instead.
    func goAhead(_ tag: String, until deadline: ContinuousClock.Instant) async throws(MailError) -> Completion? {
        let from = self.framer.consumed
        while true {
            switch try await self.next(until: deadline) {
            case .continuation: return nil
            case .tagged(tag, let status, let text):
                guard status != .ok else { throw MailError(.protocolViolation, "an answer before the command's end") }
                return Completion(status: status, text: text)
            case .tagged: throw MailError(.protocolViolation, "an answer to no command")
            default:
                guard self.framer.consumed - from <= self.limits.command else {
                    throw MailError(.protocolViolation, "a command brought more than allowed")
                }
            }
        }
    }

    func sendsAtOnce(_ count: Int) -> Bool {
        // RFC 7888
        self.capabilities.contains("LITERAL+") || (self.capabilities.contains("LITERAL-") && count <= 4096)
    }

    // MARK: The stream

    func write(_ bytes: [UInt8], until deadline: ContinuousClock.Instant) async throws(MailError) {
        do { try await self.connection.write(bytes, until: deadline) } catch { throw MailError(error) }
    }

    /// The next response; changes of the selected folder are noted on the way.
    func next(until deadline: ContinuousClock.Instant) async throws(MailError) -> IMAPResponse {
        while true {
            if let response = try self.nextBuffered() { return response }
            do { self.framer.append(try await self.connection.read(until: deadline)) } catch { throw MailError(error) }
        }
    }

    /// The next response that has arrived as a whole; nil when there is none.
    func nextBuffered() throws(MailError) -> IMAPResponse? {
        guard let range = try self.framer.next() else { return nil }
        let response = try ResponseParser.parse(self.framer.buffer, range, limits: self.limits)
        switch response {
        case .exists(let count):
            if count != self.exists { self.hasChanged = true }
            self.exists = count
        case .expunge:
            self.exists = max(0, self.exists - 1)
            if !self.causesChanges { self.hasChanged = true }
        case .vanished, .fetch: if !self.causesChanges { self.hasChanged = true }
        case .capability(let names): self.capabilities = IMAPCapabilities(names)
        case .status(.bye, let text) where !self.isLoggingOut:
            throw MailError(.unavailable, "the server ended the session: \(text.shown)")
        case .status, .tagged, .continuation, .list, .folderStatus, .search, .namespace, .other: break
        }
        return response
    }

    /// Ends the session; what waits on it gets `.closed`.
    func fail(_ error: MailError) -> MailError {
        if self.failure == nil { self.failure = error }
        self.connection.close()
        return error
    }

    /// What a NO or BAD means. RFC 5530.
    static func refusal(_ completion: Completion) -> MailError {
        let context = "\(completion.status.rawValue) \(completion.text.shown)"
        return switch completion.text.codeName {
        case "NONEXISTENT", "TRYCREATE": MailError(.folderMissing, context)
        case "OVERQUOTA": MailError(.overQuota, context)
        case let name where Self.isTemporary(name): MailError(.unavailable, context)
        default: MailError(.rejected, context)
        }
    }

    static func isTemporary(_ code: String) -> Bool {
        ["UNAVAILABLE", "THROTTLED", "LIMIT", "INUSE", "SERVERBUG"].contains(code)
    }
}
