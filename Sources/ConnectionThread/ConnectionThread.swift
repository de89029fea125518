internal import CPosix
internal import Glibc

/// A serial executor over one real thread, for code that must block in a C library.
///
/// The cooperative pool has one thread per core and must never block; a serial `DispatchQueue` per connection starves
/// libdispatch once a few hundred of them wait in `poll`. A real thread costs some kilobytes, and its run queue wakes by
/// an eventfd, so that a wait in `poll` can be interrupted from any thread (cancellation, shutdown).
package final class ConnectionThread: SerialExecutor {
    /// Shared by the handle and the thread, so that an idle thread does not keep the handle alive.
    private final class Inbox: Sendable {
        struct State {
            var jobs: [(UnownedJob, ConnectionThread)] = []
            var closed = false
            var interrupted = false
        }

        let state = Locked(State())
        let event = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))

        deinit { close(self.event) }

        func signal() { _ = eventfd_write(self.event, 1) }

        func clear() {
            var count: eventfd_t = 0
            _ = eventfd_read(self.event, &count)
        }

        func run() {
            while true {
                let (jobs, closed) = self.state.withLock { state in
                    defer { state.jobs = [] }
                    return (state.jobs, state.closed)
                }
                for (job, owner) in jobs { job.runSynchronously(on: owner.asUnownedSerialExecutor()) }
                guard jobs.isEmpty else { continue }
                if closed { return }
                var descriptor = pollfd(fd: self.event, events: Int16(POLLIN), revents: 0)
                _ = poll(&descriptor, 1, -1)
                self.clear()
            }
        }
    }

    /// How a wait ended.
    package enum Wake: Sendable { case ready, interrupted, timedOut }

    private let inbox = Inbox()

    /// - Parameter name: shown by `ps -L` and debuggers; the kernel keeps 15 bytes.
    package init(name: String) {
        var thread = pthread_t()
        let status = pthread_create(
            &thread, nil,
            { argument in
                Unmanaged<Inbox>.fromOpaque(argument!).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(self.inbox).toOpaque())
        precondition(status == 0, "no thread can be created: \(String(cString: strerror(status)))")
        _ = shim_set_thread_name(thread, String(name.prefix(15)))
        pthread_detach(thread)
    }

    deinit {
        self.inbox.state.withLock { $0.closed = true }
        self.inbox.signal()
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        self.inbox.state.withLock { $0.jobs.append((job, self)) }
        self.inbox.signal()
    }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

    /// Ends the current or the next `wait`; callable from any thread.
    package func interrupt() {
        self.inbox.state.withLock { $0.interrupted = true }
        self.inbox.signal()
    }

    /// Forgets an `interrupt` that came after the wait it was meant for; call it when a command starts.
    package func clearInterrupt() { self.inbox.state.withLock { $0.interrupted = false } }

    /// Blocks this thread until `descriptor` is ready, `interrupt` is called, or `timeout` has passed (monotonic clock).
    ///
    /// Only for code that runs on this executor.
    /// - Parameter events: `POLLIN`, `POLLOUT` or both.
    package func wait(for descriptor: Int32, events: Int32, timeout: Duration) -> Wake {
        let deadline = ContinuousClock.now + timeout
        while true {
            let interrupted = self.inbox.state.withLock { state in
                defer { state.interrupted = false }
                return state.interrupted
            }
            if interrupted { return .interrupted }
            let left = (deadline - .now) / .milliseconds(1)
            if left <= 0 { return .timedOut }
            var descriptors = [
                pollfd(fd: descriptor, events: Int16(events), revents: 0),
                pollfd(fd: self.inbox.event, events: Int16(POLLIN), revents: 0),
            ]
            _ = poll(&descriptors, 2, Int32(min(left.rounded(.up), 3_600_000)))
            if descriptors[1].revents != 0 { self.inbox.clear() }
            if descriptors[0].revents != 0 { return .ready }
        }
    }
}
