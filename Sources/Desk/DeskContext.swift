internal import DeskModel
package import DeskStore
internal import Foundation
package import Logging
package import WorkQueue

/// What the parts of the desk share. Made once by the command; holds no state of its own.
package struct DeskContext: Sendable {
    package let settings: DeskSettings
    package let store: DeskStore
    package let queue: WorkQueue
    package let signer: TokenSigner
    package let parser: MailReader
    package let logger: Logger
    /// The wait after a failure.
    let pause: @Sendable (Duration) async throws -> Void

    /// - Parameter pause: Waits after a failure; tests that break a link thousands of times bring their own.
    package init(
        settings: DeskSettings, store: DeskStore, queue: WorkQueue, parser: MailReader, logger: Logger,
        pause: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.settings = settings
        self.store = store
        self.queue = queue
        self.signer = TokenSigner(keys: settings.tokenKeys)
        self.parser = parser
        self.logger = logger
        self.pause = pause
    }

    /// Every address that is ours, lower case: a mail from one of them is no customer's.
    package var ownAddresses: Set<String> {
        Set(self.settings.mailboxes.flatMap { [$0.address] + $0.aliases }.map(\.normalized))
    }

    /// Every address of somebody who answers customers, lower case.
    var agentAddresses: Set<String> {
        Set(
            (self.settings.agents + self.settings.escalation.team + self.settings.escalation.onCall.map(\.address))
                .map(\.normalized)
        ).subtracting(self.ownAddresses)
    }

    var threading: Threading {
        Threading(
            signer: self.signer, ownAddresses: self.ownAddresses, reopenWindow: self.settings.reopenWindow,
            patterns: self.settings.threadReferences)
    }

    func mode(of mailbox: MailboxSettings) -> Mode { mailbox.mode ?? self.settings.mode }

    /// True while the hold file exists; looked at right before anything goes out (C9).
    func isHeld() -> Bool {
        !self.settings.holdFile.isEmpty && FileManager.default.fileExists(atPath: self.settings.holdFile)
    }
}
