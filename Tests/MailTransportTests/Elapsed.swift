import ConnectionThread

/// A clock that a test moves by hand.
final class Elapsed: Sendable {
    private let value = Locked(0)
    var seconds: Int { self.value.withLock { $0 } }
    func set(_ seconds: Int) { self.value.withLock { $0 = seconds } }
}
