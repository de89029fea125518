/// Lets a fixed number of tasks in at a time, first come first served.
///
/// Actors are re-entrant at every `await`; a turnstile of width 1 keeps one conversation on a connection together.
package final class Turnstile: Sendable {
    private struct State {
        var free: Int
        var waiters: [(id: UInt64, continuation: CheckedContinuation<Bool, Never>)] = []
        var cancelled: Set<UInt64> = []
        var next: UInt64 = 0
    }

    private let state: Locked<State>

    /// - Parameter width: how many may be inside; at least 1.
    package init(width: Int) { self.state = Locked(State(free: max(1, width))) }

    /// Waits for a place.
    /// - Returns: false when the task was cancelled before it got one; then `leave` must not be called.
    package func enter() async -> Bool {
        let id: UInt64? = self.state.withLock { state in
            if state.free > 0, state.waiters.isEmpty {
                state.free -= 1
                return nil
            }
            state.next += 1
            return state.next
        }
        guard let id else { return true }
        // A cancellation that arrives after the wait has ended leaves its mark behind.
        defer { self.state.withLock { _ = $0.cancelled.remove(id) } }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: Bool? = self.state.withLock { state in
                    if state.cancelled.remove(id) != nil { return false }
                    if state.free > 0, state.waiters.isEmpty {
                        state.free -= 1
                        return true
                    }
                    state.waiters.append((id, continuation))
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let waiter = self.state.withLock { state -> CheckedContinuation<Bool, Never>? in
                guard let index = state.waiters.firstIndex(where: { $0.id == id }) else {
                    state.cancelled.insert(id)
                    return nil
                }
                return state.waiters.remove(at: index).continuation
            }
            waiter?.resume(returning: false)
        }
    }

    /// Gives the place to the one who has waited longest.
    package func leave() {
        let waiter = self.state.withLock { state -> CheckedContinuation<Bool, Never>? in
            guard !state.waiters.isEmpty else {
                state.free += 1
                return nil
            }
            return state.waiters.removeFirst().continuation
        }
        waiter?.resume(returning: true)
    }
}
