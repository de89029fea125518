internal import ConnectionThread
internal import Logging
internal import ServiceLifecycle

/// A bounded set of connections that are lent out one at a time.
///
/// Connections are made when they are wanted. Who finds none free waits in line, with a deadline. While the database
/// is down, calls fail at once with `.unavailable` and one of them tries again after a growing pause; nobody hangs.
package final class PostgresPool: PostgresSession, Service {
    /// What someone in line gets: a connection, or the right to make one.
    private enum Grant: Sendable {
        case connection(PostgresConnection)
        case room
    }

    private struct Idle {
        let connection: PostgresConnection
        let since: ContinuousClock.Instant
    }

    private struct Waiter {
        let id: UInt64
        let continuation: CheckedContinuation<Result<Grant, PostgresError>, Never>
    }

    private struct State {
        /// The most recently used last.
        var idle: [Idle] = []
        /// Lent out or being made.
        var busy = 0
        var waiters: [Waiter] = []
        var nextWaiter: UInt64 = 0
        /// Waiters that were given up before they stood in line.
        var givenUp: [UInt64: PostgresError] = [:]
        var isClosed = false
        /// Connections idle since before this must prove that they live.
        var doubtBefore = ContinuousClock.now
        var failures = 0
        var retryAfter = ContinuousClock.now
        var lastFailure: PostgresError?
    }

    package let configuration: PostgresConfiguration
    /// Connections at most.
    package let size: Int
    private let waitLimit: Duration
    private let state = Locked(State())

    /// - Parameters:
    ///   - size: connections at most, 1…64; each one holds a thread.
    ///   - waitLimit: how long a call stands in line for a connection before it fails with `.unavailable`.
    package init(_ configuration: PostgresConfiguration, size: Int, waitLimit: Duration = .seconds(10)) {
        self.configuration = configuration
        self.size = min(max(size, 1), 64)
        self.waitLimit = waitLimit
    }

    // MARK: Use

    /// Lends a connection to `body`. One that comes back broken or with an open transaction is replaced.
    @discardableResult
    package func withConnection<R>(_ body: (PostgresConnection) async throws -> R) async throws -> R {
        let connection = try await self.lease()
        defer { self.giveBack(connection) }
        return try await body(connection)
    }

    /// Runs `body` in a transaction: committed when it returns, rolled back when it throws.
    ///
    /// Does not try again by itself: see `PostgresError.isRetryable` and `isOutcomeUnknown`.
    @discardableResult
    package func withTransaction<R>(
        _ options: TransactionOptions = .init(), _ body: (PostgresTransaction) async throws -> R
    ) async throws -> R {
        try await self.withConnection { connection in try await connection.transaction(options, body) }
    }

    package func query(_ sql: SQL, timeout: Duration?) async throws(PostgresError) -> PostgresRows {
        let connection = try await self.lease()
        defer { self.giveBack(connection) }
        return try await connection.query(sql, timeout: timeout)
    }

    package func pipeline(_ statements: [SQL], timeout: Duration?) async throws(PostgresError) -> [PostgresRows] {
        let connection = try await self.lease()
        defer { self.giveBack(connection) }
        return try await connection.pipeline(statements, timeout: timeout)
    }

    package func copy(_ rows: PostgresCopy, timeout: Duration?) async throws(PostgresError) -> Int {
        let connection = try await self.lease()
        defer { self.giveBack(connection) }
        return try await connection.copy(rows, timeout: timeout)
    }

    /// What is sent by NOTIFY to the channels, from a connection apart from the pool's.
    /// - Parameter configuration: where to listen; nil means the pool's own database. Never through a pooler.
    package func notifications(
        channels: [String], configuration: PostgresConfiguration? = nil
    ) -> PostgresNotifications {
        PostgresNotifications(configuration: configuration ?? self.configuration, channels: channels)
    }

    /// Numbers for health and metrics.
    package struct Occupancy: Sendable, Hashable {
        package var busy: Int
        package var idle: Int
        package var waiting: Int
    }

    package var occupancy: Occupancy {
        self.state.withLock { Occupancy(busy: $0.busy, idle: $0.idle.count, waiting: $0.waiters.count) }
    }

    // MARK: Life

    /// Waits for graceful shutdown, then closes.
    package func run() async throws {
        try? await gracefulShutdown()
        await self.close()
    }

    /// Refuses new calls and closes the connections; those in use close when they come back.
    package func close() async {
        let (idle, waiters) = self.state.withLock { state in
            state.isClosed = true
            defer {
                state.idle = []
                state.waiters = []
            }
            return (state.idle, state.waiters)
        }
        for waiter in waiters { waiter.continuation.resume(returning: .failure(Self.closed)) }
        for entry in idle { await entry.connection.close() }
    }

    private static let closed = PostgresError(.closed, "the pool is closed", context: "take a connection")

    // MARK: Lending

    private enum Step {
        case grant(Grant, doubtful: Bool)
        case wait(id: UInt64)
        case fail(PostgresError)
    }

    private func lease() async throws(PostgresError) -> PostgresConnection {
        while true {
            let grant: Grant
            var isDoubtful = false
            switch self.state.withLock({ self.nextStep(&$0) }) {
            case .fail(let error): throw error
            case .grant(let given, let doubtful): (grant, isDoubtful) = (given, doubtful)
            case .wait(let id):
                grant = try await self.standInLine(id).get()
                // Who stood in line behind a failed attempt does not wait for one of its own.
                if case .room = grant, let failure = self.state.withLock({ Self.outage($0) }) {
                    self.handOn(.room)
                    throw failure
                }
            }
            switch grant {
            case .room: return try await self.connect()
            case .connection(let connection):
                if !isDoubtful { return connection }
                if await connection.isAlive() { return connection }
                self.giveBack(connection)
            }
        }
    }

    private func nextStep(_ state: inout State) -> Step {
        if state.isClosed { return .fail(Self.closed) }
        if let entry = state.idle.popLast() {
            state.busy += 1
            let isDoubtful = entry.since < state.doubtBefore || entry.since.duration(to: .now) > .seconds(1)
            return .grant(.connection(entry.connection), doubtful: isDoubtful)
        }
        if state.busy < self.size {
            if let failure = Self.outage(state) { return .fail(failure) }
            state.busy += 1
            return .grant(.room, doubtful: false)
        }
        state.nextWaiter += 1
        return .wait(id: state.nextWaiter)
    }

    /// The answer while the database is down and it is not yet time to try again.
    private static func outage(_ state: State) -> PostgresError? {
        guard let cause = state.lastFailure, state.retryAfter > .now else { return nil }
        return PostgresError(.unavailable, "the database is down: \(cause.message)", context: "take a connection")
    }

    private func connect() async throws(PostgresError) -> PostgresConnection {
        do throws(PostgresError) {
            let connection = try await PostgresConnection.connect(self.configuration)
            self.state.withLock { state in
                state.failures = 0
                state.lastFailure = nil
            }
            return connection
        } catch {
            self.state.withLock { state in
                guard error.code != .cancelled else { return }
                state.lastFailure = error
                // 100 ms, 200 ms… 2 s; a random part keeps several hosts from coming back in step.
                let pause = min(2_000, 100 << min(state.failures, 5))
                state.failures += 1
                state.retryAfter = .now + .milliseconds(Int.random(in: pause / 2...pause))
            }
            Logger.current.debug("database connection failed", metadata: ["error": .string(error.description)])
            self.handOn(.room)
            throw error
        }
    }

    private func standInLine(_ id: UInt64) async -> Result<Grant, PostgresError> {
        // A cancellation that came after the grant leaves its mark behind.
        defer { self.state.withLock { _ = $0.givenUp.removeValue(forKey: id) } }
        return await withTaskCancellationHandler {
            await withTaskGroup(of: Result<Grant, PostgresError>?.self) { group in
                group.addTask {
                    await withCheckedContinuation { continuation in
                        let answer = self.state.withLock { state -> Result<Grant, PostgresError>? in
                            if let error = state.givenUp.removeValue(forKey: id) { return .failure(error) }
                            if state.isClosed { return .failure(Self.closed) }
                            // What came free between the look and the line.
                            if let entry = state.idle.popLast() {
                                state.busy += 1
                                return .success(.connection(entry.connection))
                            }
                            if state.busy < self.size {
                                state.busy += 1
                                return .success(.room)
                            }
                            state.waiters.append(Waiter(id: id, continuation: continuation))
                            return nil
                        }
                        if let answer { continuation.resume(returning: answer) }
                    }
                }
                group.addTask {
                    try? await Task.sleep(for: self.waitLimit)
                    if !Task.isCancelled {
                        self.giveUp(
                            id,
                            PostgresError(
                                .unavailable, "no connection came free in time", context: "take a connection"))
                    }
                    return nil
                }
                var result: Result<Grant, PostgresError>?
                while result == nil, let next = await group.next() { result = next }
                group.cancelAll()
                return result ?? .failure(Self.closed)
            }
        } onCancel: {
            self.giveUp(id, PostgresError(.cancelled, "the task was cancelled", context: "take a connection"))
        }
    }

    private func giveUp(_ id: UInt64, _ error: PostgresError) {
        let waiter = self.state.withLock { state -> Waiter? in
            guard let index = state.waiters.firstIndex(where: { $0.id == id }) else {
                state.givenUp[id] = error
                return nil
            }
            return state.waiters.remove(at: index)
        }
        waiter?.continuation.resume(returning: .failure(error))
    }

    private func giveBack(_ connection: PostgresConnection) {
        // A transaction left open by statements of the caller's own ends with its connection.
        guard connection.isUsable, connection.isIdle, !self.state.withLock(\.isClosed) else {
            self.state.withLock { $0.doubtBefore = .now }
            return self.handOn(.room)
        }
        self.handOn(.connection(connection))
    }

    /// Gives what came free to the first in line, or keeps it.
    private func handOn(_ grant: Grant) {
        let waiter = self.state.withLock { state -> Waiter? in
            if !state.isClosed, !state.waiters.isEmpty { return state.waiters.removeFirst() }
            state.busy -= 1
            if case .connection(let connection) = grant, !state.isClosed {
                state.idle.append(Idle(connection: connection, since: .now))
            }
            return nil
        }
        waiter?.continuation.resume(returning: .success(grant))
    }
}
