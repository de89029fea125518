/// The wait before the next attempt: exponential with full jitter, so that many mailboxes do not return together.
///
/// Holds no clock and no generator: the caller sleeps and brings the randomness.
package struct Backoff: Sendable {
    private let base: Duration
    private let cap: Duration
    /// Failures since the last `reset`.
    package private(set) var failures = 0

    /// - Parameters:
    ///   - base: upper bound of the first wait.
    ///   - cap: upper bound of every wait.
    package init(base: Duration = .seconds(1), cap: Duration = .seconds(300)) {
        self.base = base
        self.cap = cap
    }

    /// Counts a failure and draws a wait between zero and the bound, which doubles each time up to the cap.
    package mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        var bound = min(self.base, self.cap)
        for _ in 0..<min(self.failures, 40) where bound < self.cap { bound = min(bound * 2, self.cap) }
        self.failures += 1
        return bound * Double.random(in: 0...1, using: &generator)
    }

    /// To be called once something has worked.
    package mutating func reset() { self.failures = 0 }
}
