internal import CPQ
internal import ConnectionThread
internal import Glibc
internal import Logging

/// One session with PostgreSQL, on a thread of its own.
///
/// A statement runs from start to end on that thread without suspending, so that two callers cannot interleave; a
/// transaction shuts other callers out until it ends. A cancelled task and a passed deadline cancel the statement on
/// the server; if that does not help within five seconds, the connection is given up.
package actor PostgresConnection: PostgresSession {
    /// What others may know without waiting for the thread.
    struct Health: Sendable {
        var isUsable = false
        var isIdle = true
    }

    /// How long one command may take, and what became of it.
    struct Command {
        var deadline: ContinuousClock.Instant
        let isCancellable: Bool
        let context: String
        var statement: String?
        /// Set once the server was asked to stop.
        var stop: PostgresError.Code?
        /// Whether the server may commit without an answer reaching us.
        var mayCommit = false
    }

    let thread: ConnectionThread
    package nonisolated var unownedExecutor: UnownedSerialExecutor { self.thread.asUnownedSerialExecutor() }

    package nonisolated let configuration: PostgresConfiguration
    nonisolated let health = Locked(Health())
    var raw: OpaquePointer?
    var statements: StatementCache
    var vectorTypes: (scalar: PostgresType, array: PostgresType)?
    private var openTransaction: UInt64?
    private var lastTransaction: UInt64 = 0

    private init(_ configuration: PostgresConfiguration) {
        self.thread = ConnectionThread(name: "postgres")
        self.configuration = configuration
        self.statements = StatementCache(capacity: configuration.isPooled ? 0 : 256)
    }

    isolated deinit { if let raw = self.raw { PQfinish(raw) } }

    /// Connects to the first host that accepts writes.
    /// - Throws: `.connectionFailed` with the last host's reason, `.cancelled`.
    package static func connect(
        _ configuration: PostgresConfiguration
    ) async throws(PostgresError) -> PostgresConnection {
        let connection = PostgresConnection(configuration)
        try await connection.open()
        return connection
    }

    /// False once the connection was lost or closed.
    package nonisolated var isUsable: Bool { self.health.withLock(\.isUsable) }

    /// True when no transaction is open.
    nonisolated var isIdle: Bool { self.health.withLock(\.isIdle) }

    package func close() {
        if let raw = self.raw { PQfinish(raw) }
        self.raw = nil
        self.health.withLock { $0.isUsable = false }
    }

    // MARK: Statements

    package func query(_ sql: SQL, timeout: Duration?) async throws(PostgresError) -> PostgresRows {
        try await self.query(sql, in: nil, timeout: timeout)
    }

    package func pipeline(
        _ statements: [SQL], timeout: Duration?
    ) async throws(PostgresError) -> [PostgresRows] {
        try await self.pipeline(statements, in: nil, timeout: timeout)
    }

    package func copy(_ rows: PostgresCopy, timeout: Duration?) async throws(PostgresError) -> Int {
        try await self.copy(rows, in: nil, timeout: timeout)
    }

    /// Runs any number of statements without values, separated by semicolons, as one implicit transaction.
    package func execute(script: String, timeout: Duration? = nil) async throws(PostgresError) {
        try self.enter(nil)
        try await self.command("run a script", timeout: timeout) { command throws(PostgresError) in
            try self.perform(script: script, &command)
        }
    }

    func query(_ sql: SQL, in transaction: UInt64?, timeout: Duration?) async throws(PostgresError) -> PostgresRows {
        try self.enter(transaction)
        return try await self.command("run a statement", timeout: timeout) { command throws(PostgresError) in
            try self.perform(sql, &command)
        }
    }

    func pipeline(
        _ statements: [SQL], in transaction: UInt64?, timeout: Duration?
    ) async throws(PostgresError) -> [PostgresRows] {
        try self.enter(transaction)
        if statements.isEmpty { return [] }
        return try await self.command("run a pipeline", timeout: timeout) { command throws(PostgresError) in
            try self.perform(pipeline: statements, &command)
        }
    }

    func copy(_ rows: PostgresCopy, in transaction: UInt64?, timeout: Duration?) async throws(PostgresError) -> Int {
        try self.enter(transaction)
        return try await self.command("copy rows", timeout: timeout) { command throws(PostgresError) in
            try self.perform(copy: rows, &command)
        }
    }

    // MARK: Transactions

    func begin(_ options: TransactionOptions) async throws(PostgresError) -> UInt64 {
        try self.enter(nil)
        try await self.command("begin", timeout: nil) { command throws(PostgresError) in
            try self.perform(script: options.beginStatement, &command)
        }
        self.lastTransaction += 1
        self.openTransaction = self.lastTransaction
        return self.lastTransaction
    }

    /// Never cancelled half-way: an unknown outcome costs more than the wait.
    func commit(_ transaction: UInt64) async throws(PostgresError) {
        try self.enter(transaction)
        self.openTransaction = nil
        let tag = try await self.command("commit", timeout: nil, isCancellable: false) {
            command throws(PostgresError) in
            command.mayCommit = true
            return try self.perform("commit", &command).commandTag
        }
        // The server answers the COMMIT of a failed transaction with ROLLBACK and no error.
        guard tag == "COMMIT" else {
            throw PostgresError(
                .server(sqlState: "25P02"), "a statement had failed, the transaction was rolled back", context: "commit"
            )
        }
    }

    func rollback(_ transaction: UInt64) async {
        guard self.openTransaction == transaction else { return }
        self.openTransaction = nil
        // Without a connection the server rolls back by itself; a failure here closes the connection.
        do throws(PostgresError) {
            try await self.command("roll back", timeout: .seconds(10), isCancellable: false) {
                command throws(PostgresError) in
                _ = try self.perform("rollback", &command)
            }
        } catch {
            self.close()
        }
    }

    private func enter(_ transaction: UInt64?) throws(PostgresError) {
        guard self.openTransaction == transaction else {
            let reason = transaction == nil ? "a transaction is open on this connection" : "the transaction has ended"
            throw PostgresError(.misuse, reason, context: "run a statement")
        }
    }

    // MARK: Commands

    /// Runs `body` with its deadline; a cancelled task interrupts the waits in it.
    func command<R: Sendable>(
        _ context: String, timeout: Duration?, isCancellable: Bool = true,
        _ body: (inout Command) throws(PostgresError) -> R
    ) async throws(PostgresError) -> R {
        self.thread.clearInterrupt()
        var command = Command(
            deadline: .now + (timeout ?? self.configuration.statementTimeout), isCancellable: isCancellable,
            context: context)
        defer { self.noteHealth() }
        guard isCancellable else { return try body(&command) }
        if Task.isCancelled { throw PostgresError(.cancelled, "the task was cancelled", context: context) }
        // The closure must use `self`, or it is not isolated to this actor and leaves the thread.
        let result = await withTaskCancellationHandler {
            self.result(of: body, &command)
        } onCancel: { [thread] in
            thread.interrupt()
        }
        return try result.get()
    }

    private func result<R: Sendable>(
        of body: (inout Command) throws(PostgresError) -> R, _ command: inout Command
    ) -> Result<R, PostgresError> {
        do throws(PostgresError) {
            return .success(try body(&command))
        } catch {
            return .failure(error)
        }
    }

    private func noteHealth() {
        let idle = self.raw.map { PQtransactionStatus($0) == PQTRANS_IDLE } ?? true
        let usable = self.raw != nil
        self.health.withLock { health in
            health.isIdle = idle
            health.isUsable = usable
        }
    }

    // MARK: Connecting

    private func open() async throws(PostgresError) {
        let attempts = try ConnectionParameters.attempts(for: self.configuration)
        var failure = PostgresError(.connectionFailed, "no host", context: "connect")
        for parameters in attempts {
            do throws(PostgresError) {
                return try await self.command("connect", timeout: self.configuration.connectTimeout) {
                    command throws(PostgresError) in
                    try self.open(parameters, &command)
                }
            } catch {
                if error.code == .cancelled { throw error }
                failure = error
            }
        }
        throw failure
    }

    private func open(_ parameters: ConnectionParameters, _ command: inout Command) throws(PostgresError) {
        guard let raw = parameters.withCStrings({ PQconnectStartParams($0, $1, 0) }) else {
            throw PostgresError(.connectionFailed, "out of memory", context: command.context)
        }
        func failure(_ message: String, _ code: PostgresError.Code = .connectionFailed) -> PostgresError {
            PQfinish(raw)
            return PostgresError(code, message, context: command.context)
        }
        if PQstatus(raw) == CONNECTION_BAD { throw failure(Self.message(of: raw)) }
        var progress = PGRES_POLLING_WRITING
        while progress != PGRES_POLLING_OK {
            let events = progress == PGRES_POLLING_WRITING ? POLLOUT : POLLIN
            let left = command.deadline - .now
            switch self.thread.wait(for: PQsocket(raw), events: Int32(events), timeout: left) {
            case .ready: break
            case .interrupted:
                if Task.isCancelled { throw failure("the task was cancelled", .cancelled) }
                continue
            case .timedOut: throw failure("no answer in time from \(Self.host(of: raw))")
            }
            progress = PQconnectPoll(raw)
            if progress == PGRES_POLLING_FAILED { throw failure(Self.message(of: raw)) }
        }
        PQsetnonblocking(raw, 1)
        PQsetNoticeReceiver(
            raw,
            { _, result in
                // Without a receiver libpq writes to standard error.
                guard let state = PQresultErrorField(result, Int32(UInt8(ascii: "C"))) else { return }
                Logger.current.debug("database notice", metadata: ["code": .string(String(cString: state))])
            }, nil)
        self.raw = raw
    }

    private static func host(of raw: OpaquePointer) -> String {
        PQhost(raw).map { String(cString: $0) } ?? "the host"
    }

    /// libpq's last error in one line.
    static func message(of raw: OpaquePointer) -> String {
        String(cString: PQerrorMessage(raw)).split(whereSeparator: \.isNewline).joined(separator: " ")
    }
}
