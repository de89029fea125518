internal import CPQ
internal import ConnectionThread

/// One NOTIFY.
package struct PostgresNotification: Sendable, Hashable {
    package let channel: String
    /// Empty when NOTIFY gave none; at most 7,999 bytes.
    package let payload: String
}

/// Notifications from a connection of its own, which is made again when it breaks.
///
/// ```swift
/// for await event in pool.notifications(channels: ["job"]).cancelOnGracefulShutdown() { … }
/// ```
/// What was sent while there was no connection is lost: `.reconnected`, also the first event of all, tells the reader
/// to look for itself once. Ends only when its task is cancelled. Holds no thread while it waits.
package struct PostgresNotifications: AsyncSequence, Sendable {
    package enum Element: Sendable, Hashable {
        /// Listening from now on.
        case reconnected
        case notification(PostgresNotification)
    }

    package typealias Failure = Never

    private let configuration: PostgresConfiguration
    private let channels: [String]

    init(configuration: PostgresConfiguration, channels: [String]) {
        self.configuration = configuration
        self.channels = channels
    }

    package func makeAsyncIterator() -> Iterator {
        Iterator(configuration: self.configuration, channels: self.channels)
    }

    package struct Iterator: AsyncIteratorProtocol {
        private let configuration: PostgresConfiguration
        private let channels: [String]
        private var connection: PostgresConnection?
        private var pending: ArraySlice<PostgresNotification> = []
        private var failures = 0

        init(configuration: PostgresConfiguration, channels: [String]) {
            self.configuration = configuration
            self.channels = channels
        }

        package mutating func next() async -> Element? {
            await self.next(isolation: nil)
        }

        package mutating func next(isolation actor: isolated (any Actor)?) async -> Element? {
            while !Task.isCancelled {
                if let notification = self.pending.popFirst() { return .notification(notification) }
                guard let connection = self.connection else {
                    if await self.connect() { return .reconnected }
                    continue
                }
                do throws(PostgresError) {
                    // The pause ends by itself, so that a connection that died silently is found by asking.
                    self.pending = try await connection.notifications(within: .seconds(30))[...]
                    if self.pending.isEmpty, !Task.isCancelled { try await connection.query("select 1") }
                } catch {
                    self.connection = nil
                }
            }
            return nil
        }

        private mutating func connect() async -> Bool {
            do throws(PostgresError) {
                let connection = try await PostgresConnection.connect(self.configuration)
                for channel in self.channels { try await connection.query("listen \(identifier: channel)") }
                self.connection = connection
                self.failures = 0
                return true
            } catch {
                let pause = Swift.min(5_000, 100 << Swift.min(self.failures, 6))
                self.failures += 1
                try? await Task.sleep(for: .milliseconds(Int.random(in: pause / 2...pause)))
                return false
            }
        }
    }
}

extension PostgresConnection {
    /// Whether the session still lives as far as the kernel knows; asks the server nothing.
    func isAlive() -> Bool {
        guard let raw = self.raw else { return false }
        // Does not block. The first read may get the server's farewell, the second then the end.
        for _ in 0..<2 where PQconsumeInput(raw) == 0 || PQstatus(raw) == CONNECTION_BAD {
            self.close()
            break
        }
        return self.raw != nil
    }

    /// The notifications that came, at the latest after `limit`; none when the task is cancelled.
    ///
    /// The thread is free meanwhile.
    func notifications(within limit: Duration) async throws(PostgresError) -> [PostgresNotification] {
        let deadline = ContinuousClock.now + limit
        while true {
            guard let raw = self.raw else {
                throw PostgresError(.closed, "the connection is closed", context: "wait for notifications")
            }
            guard PQconsumeInput(raw) == 1 else {
                let message = Self.message(of: raw)
                self.close()
                throw PostgresError(.connectionLost, message, context: "wait for notifications")
            }
            var received: [PostgresNotification] = []
            while let notify = PQnotifies(raw) {
                received.append(
                    PostgresNotification(
                        channel: String(cString: notify.pointee.relname), payload: String(cString: notify.pointee.extra)
                    ))
                PQfreemem(notify)
            }
            if !received.isEmpty { return received }
            switch await SocketPoller.shared.wait(for: PQsocket(raw), .read, until: deadline) {
            case .ready: continue
            case .timedOut, .cancelled: return []
            }
        }
    }
}
