internal import ConnectionThread

/// A few real threads for calls that block in libcurl, made when they are first needed.
///
/// Connecting (DNS, TCP, TLS) blocks; talking afterwards does not. So a handful of threads serve hundreds of sessions.
final class BlockingPool: Sendable {
    private actor Worker {
        private let thread: ConnectionThread
        nonisolated var unownedExecutor: UnownedSerialExecutor { self.thread.asUnownedSerialExecutor() }

        init(name: String) { self.thread = ConnectionThread(name: name) }

        func run<Result: Sendable>(_ body: @Sendable () -> Result) -> Result { body() }
    }

    private let name: String
    private let places: Turnstile
    private let idle = Locked<[Worker]>([])

    init(name: String, width: Int) {
        self.name = name
        self.places = Turnstile(width: width)
    }

    /// Runs `body` on one of the threads.
    /// - Returns: nil when the task was cancelled before a thread was free.
    func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result? {
        guard await self.places.enter() else { return nil }
        let worker = self.idle.withLock { $0.popLast() } ?? Worker(name: self.name)
        let result = await worker.run(body)
        self.idle.withLock { $0.append(worker) }
        self.places.leave()
        return result
    }
}
