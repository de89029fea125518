internal import ConnectionThread

/// Something to do has turned up: wakes one waiter, and is remembered until somebody waits.
final class WakeSignal: Sendable {
    private struct State {
        var isPending = false
        var waiter: (id: UInt64, continuation: CheckedContinuation<Void, Never>)?
        var next: UInt64 = 0
        var cancelled: Set<UInt64> = []
    }

    private let state = Locked(State())

    func signal() {
        let waiter = self.state.withLock { state in
            let waiter = state.waiter
            state.waiter = nil
            if waiter == nil { state.isPending = true }
            return waiter
        }
        waiter?.continuation.resume()
    }

    /// Returns when there is a signal, `limit` has passed, or the task is cancelled.
    func wait(atMost limit: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.next() }
            group.addTask { try? await Task.sleep(for: limit) }
            await group.next()
            group.cancelAll()
        }
    }

    private func next() async {
        let id = self.state.withLock { state in
            state.next += 1
            return state.next
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let resume = self.state.withLock { state in
                    if state.isPending || state.cancelled.remove(id) != nil {
                        state.isPending = false
                        return true
                    }
                    state.waiter = (id, continuation)
                    return false
                }
                if resume { continuation.resume() }
            }
        } onCancel: {
            let waiter = self.state.withLock { state in
                guard let waiter = state.waiter, waiter.id == id else {
                    state.cancelled.insert(id)
                    return nil as (id: UInt64, continuation: CheckedContinuation<Void, Never>)?
                }
                state.waiter = nil
                return waiter
            }
            waiter?.continuation.resume()
        }
        self.state.withLock { _ = $0.cancelled.remove(id) }
    }
}
