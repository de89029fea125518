internal import DeskModel
internal import DeskStore
internal import Foundation
internal import MIME
internal import Postgres

/// Tells the team in one mail about all notices beyond the cap, so that a flood is neither a hundred mails nor silence.
struct NoticeDigest: Sendable {
    /// A burst is gathered for this long, before the first digest and between two.
    static let wait: Duration = .seconds(60)
    static let pause: Duration = .seconds(15 * 60)
    private static let lineLimit = 200

    let context: DeskContext

    /// Queues the digest that is due for a mailbox, if one is.
    func queue(for mailbox: MailboxSettings) async throws {
        let store = self.context.store
        let team = self.context.settings.escalation.recipients(category: nil)
        guard !team.isEmpty, let mailboxID = try await store.mailboxID(named: mailbox.name) else { return }
        let id = try await store.ids.one()
        try await store.pool.withTransaction { transaction in
            let held = try await store.heldNotices(
                mailbox: mailboxID, wait: Self.wait, pause: Self.pause, in: transaction)
            guard !held.isEmpty else { return }
            let outgoing = OutgoingMail(context: self.context, mailbox: mailbox, now: Date())
            let message = outgoing.digest(
                to: team,
                subject: held.count == 1 ? "1 more ticket needs a person" : "\(held.count) more tickets need a person",
                body: Self.body(held), sequence: id)
            let mail = OutboxMail(
                id: OutboxID(id), mailboxID: mailboxID, ticketID: nil, kind: .digest,
                internetMessageID: message.messageID.text, envelopeFrom: nil, recipients: team.map(\.address),
                bytes: MIMEComposer.compose(message), dueAt: nil)
            _ = try await transaction.pipeline(
                store.replaceStatements(held.map(\.id), by: OutboxID(id)) + store.queueStatements([mail]))
        }
    }

    private static func body(_ held: [HeldNotice]) -> String {
        var lines = ["More notices than escalation.hourly_cap allows. These tickets need a person:", ""]
        // The notices' subjects name ticket and reason, and hold no word of the customers.
        lines += held.prefix(Self.lineLimit).map { "- " + MIMEParser.parse($0.bytes).subject }
        if held.count > Self.lineLimit { lines.append("- and \(held.count - Self.lineLimit) more") }
        lines += ["", "martlet tickets list"]
        return lines.joined(separator: "\n") + "\n"
    }
}
