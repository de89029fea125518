internal import CPosix
internal import Glibc

/// One thread that waits on any number of sockets, so that an idle connection holds no thread of its own.
///
/// A waiter suspends; the poller's thread resumes it when the socket is ready, its deadline has passed, or its task was
/// cancelled. One waiter per socket and direction at a time; the sockets stay owned by their connections.
package final class SocketPoller: Sendable {
    package enum Direction: Sendable { case read, write }
    package enum Wake: Sendable { case ready, timedOut, cancelled }

    /// The poller of the process: every connection shares it, and its thread lives as long as the process.
    package static let shared = SocketPoller()

    private struct Waiter {
        let descriptor: Int32
        let direction: Direction
        let deadline: ContinuousClock.Instant
        let continuation: CheckedContinuation<Wake, Never>
    }

    private struct State {
        var waiters: [UInt64: Waiter] = [:]
        var cancelled: Set<UInt64> = []
        var next: UInt64 = 0
    }

    private let state = Locked(State())
    private let event = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))

    package init() {
        var thread = pthread_t()
        let status = pthread_create(
            &thread, nil,
            { argument in
                Unmanaged<SocketPoller>.fromOpaque(argument!).takeRetainedValue().run()
            }, Unmanaged.passRetained(self).toOpaque())
        precondition(status == 0, "no thread can be created: \(String(cString: strerror(status)))")
        _ = shim_set_thread_name(thread, "socket-poller")
        pthread_detach(thread)
    }

    /// Suspends until `descriptor` can be read or written, `deadline` has passed or the task is cancelled.
    ///
    /// With TLS, read until the library has nothing left before waiting: bytes it holds do not make the socket readable.
    package func wait(
        for descriptor: Int32, _ direction: Direction, until deadline: ContinuousClock.Instant
    ) async -> Wake {
        let id = self.state.withLock { state in
            state.next += 1
            return state.next
        }
        // A cancellation that arrives after the wait has ended leaves its mark behind.
        defer { self.state.withLock { _ = $0.cancelled.remove(id) } }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let cancelled = self.state.withLock { state in
                    if state.cancelled.remove(id) != nil { return true }
                    state.waiters[id] = Waiter(
                        descriptor: descriptor, direction: direction, deadline: deadline, continuation: continuation)
                    return false
                }
                if cancelled { continuation.resume(returning: .cancelled) } else { self.signal() }
            }
        } onCancel: {
            let waiter = self.state.withLock { state in
                let waiter = state.waiters.removeValue(forKey: id)
                if waiter == nil { state.cancelled.insert(id) }
                return waiter
            }
            waiter?.continuation.resume(returning: .cancelled)
            self.signal()
        }
    }

    private func signal() { _ = eventfd_write(self.event, 1) }

    private func run() -> Never {
        while true {
            let waiting = self.state.withLock { state in Array(state.waiters) }
            var descriptors = [pollfd(fd: self.event, events: Int16(POLLIN), revents: 0)]
            descriptors.reserveCapacity(waiting.count + 1)
            var nearest = ContinuousClock.now + .seconds(3600)
            for (_, waiter) in waiting {
                let events = waiter.direction == .read ? POLLIN : POLLOUT
                descriptors.append(pollfd(fd: waiter.descriptor, events: Int16(events), revents: 0))
                nearest = min(nearest, waiter.deadline)
            }
            let left = max(0, ((nearest - .now) / .milliseconds(1)).rounded(.up))
            _ = poll(&descriptors, nfds_t(descriptors.count), Int32(min(left, 3_600_000)))
            if descriptors[0].revents != 0 {
                var count: eventfd_t = 0
                _ = eventfd_read(self.event, &count)
            }
            let now = ContinuousClock.now
            for (index, (id, waiter)) in waiting.enumerated() {
                let ready = descriptors[index + 1].revents != 0
                guard ready || waiter.deadline <= now else { continue }
                // Whoever takes the waiter out of the table resumes it: this thread or the cancellation handler.
                let mine = self.state.withLock { $0.waiters.removeValue(forKey: id) != nil }
                if mine { waiter.continuation.resume(returning: ready ? .ready : .timedOut) }
            }
        }
    }
}
