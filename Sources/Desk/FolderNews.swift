internal import MailTransport

/// Waits until something changes in the selected folder, or it is time to look.
struct FolderNews: Sendable {
    /// An IDLE is begun anew before servers end it. RFC 2177 §3.
    static let idleLimit: Duration = .seconds(9 * 60)

    let hold: MailboxHold
    let pollInterval: Duration
    let progress: @Sendable () -> Void

    /// - Parameter polling: Looks again soon, whatever the server can do.
    func wait(_ session: IMAPSession, polling: Bool = false) async throws {
        if !polling, await session.capabilities.hasIdle {
            let deadline = ContinuousClock.now + Self.idleLimit
            while ContinuousClock.now < deadline, !Task.isCancelled {
                // Short turns keep the watchdog fed and find a dead peer; the server sees one IDLE after the other.
                let turn = min(deadline, .now + .seconds(120))
                let event = try await session.idle(until: turn)
                _ = try await self.hold.current()
                self.progress()
                if case .changed = event { return }
            }
            try Task.checkCancellation()
            return
        }
        try await Task.sleep(for: self.pollInterval)
        _ = try await self.hold.current()
        self.progress()
        try await session.noop()
    }
}
