internal import ConnectionThread

/// How far the reading of an inbox has come, for who must not run ahead of it: an answer that is read before the mail
/// that it answers finds no ticket, and the customer would be answered twice.
struct InboxProgress: Sendable {
    /// An inbox that shows no life for so long is waited for no longer: answers in tickets that exist count too.
    private static let patience: Duration = .seconds(60)

    private let state = Locked((isCaughtUp: false, moved: ContinuousClock.now))

    /// Everything that is there has been read.
    func caughtUp() { self.state.withLock { $0.isCaughtUp = true } }

    /// There is more to read, or nobody knows.
    func fellBehind() { self.state.withLock { $0 = (false, .now) } }

    func moved() { self.state.withLock { $0.moved = .now } }

    var mayBeFollowed: Bool {
        self.state.withLock { $0.isCaughtUp || ContinuousClock.now - $0.moved > Self.patience }
    }
}
