internal import Glibc

/// A value that is only reached under a mutex.
///
/// `Synchronization.Mutex` would do, but the thread sanitizer reports false races for it on Linux, and sanitizer runs
/// of the wrappers are wanted.
package final class Locked<State>: @unchecked Sendable {  // every access to `state` is under `mutex`
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private var state: State

    package init(_ state: sending State) {
        self.mutex = .allocate(capacity: 1)
        self.state = state
        pthread_mutex_init(self.mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(self.mutex)
        self.mutex.deallocate()
    }

    package func withLock<R>(_ body: (inout State) throws -> R) rethrows -> R {
        pthread_mutex_lock(self.mutex)
        defer { pthread_mutex_unlock(self.mutex) }
        return try body(&self.state)
    }
}
