internal import DeskModel
internal import DeskStore
internal import Logging

/// Words about mail that waits for a mailbox which was taken out of the configuration.
package enum StrandedMail {
    package static func text(_ mailbox: String, _ count: Int) -> String {
        "\(count) \(count == 1 ? "mail waits" : "mails wait") for \(mailbox), which is not in the configuration"
    }

    package static func remedy(_ mailbox: String) -> String {
        "configure it again under that name, or: martlet outbox cancel --mailbox \(mailbox)"
    }

    /// Tells of each such mailbox in the log.
    static func report(_ context: DeskContext) async throws {
        let names = context.settings.mailboxes.map(\.name)
        for (mailbox, count) in try await context.store.strandedMails(besides: names) {
            context.logger.warning(
                "outgoing mail waits for ever",
                metadata: .with([
                    .mailbox: mailbox, .count: count,
                    .reason: "\(Self.text(mailbox, count)); \(Self.remedy(mailbox))",
                ]))
        }
    }
}
