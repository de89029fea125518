import ArgumentParser
import DeskModel
import DeskStore
import Foundation

extension DeliveryState: ExpressibleByArgument {}

/// `martlet outbox`: mail that goes out, and decisions about what got stuck.
struct OutboxCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "outbox", abstract: "Look at outgoing mail, and decide what got stuck.",
        discussion: """
            A mail whose link broke right after its last byte is uncertain: the server may have taken it. Martlet never \
            sends it again by itself; retry or cancel it here.

              martlet outbox list --state uncertain
              martlet outbox show 17003
              martlet outbox retry 17003
            """,
        subcommands: [List.self, Show.self, Retry.self, Cancel.self], defaultSubcommand: List.self)

    private struct Row: Encodable {
        let id: Int64
        let ticket: String?
        let kind: String
        let recipients: [String]
        let state: String
        let attempt: Int
        let createdAt: Date
        let dueAt: Date
        let reply: String?

        init(_ mail: OutboxSummary) {
            self.id = mail.id.rawValue
            self.ticket = mail.ticketNumber.map { TicketNumber($0).description }
            self.kind = mail.kind
            self.recipients = mail.recipients
            self.state = mail.state.rawValue
            self.attempt = mail.attempt
            self.createdAt = mail.createdAt
            self.dueAt = mail.dueAt
            self.reply = mail.reply
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List mails, newest first.")

        @OptionGroup var options: GlobalOptions
        @Option(help: "Only this state; may be given more than once.") var state: [DeliveryState] = []
        @Option(help: "At most this many.") var limit = 50
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let rows = try await DeskRuntime.with(self.options) { runtime in
                try await runtime.store.outbox(states: self.state, limit: self.limit).map { Row($0) }
            }
            if self.json { return try JSONOutput.print(rows) }
            var table = TextTable([
                .init("id", .right), .init("ticket"), .init("kind"), .init("to", isElastic: true), .init("state"),
                .init("attempt", .right), .init("created"), .init("last word", isElastic: true, isOptional: true),
            ])
            for row in rows {
                table.add([
                    String(row.id), row.ticket ?? "", row.kind, row.recipients.joined(separator: ", "), row.state,
                    String(row.attempt), Moment.brief(row.createdAt), row.reply ?? "",
                ])
            }
            table.print(empty: "no outgoing mail")
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print one mail as it goes out.")

        @OptionGroup var options: GlobalOptions
        @Argument(help: "Id of the mail, as list shows it.") var id: Int64

        func run() async throws {
            let bytes = try await DeskRuntime.with(self.options) { try await $0.store.outboxBytes(OutboxID(self.id)) }
            Terminal.write(Data(bytes))
        }
    }

    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Send an uncertain or failed mail again.")

        @OptionGroup var options: GlobalOptions
        @Argument(help: "Id of the mail, as list shows it.") var id: Int64

        func run() async throws { try await OutboxCommand.decide(self.options, self.id, [.resend]) }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Do not send a queued or uncertain mail, or all that wait for one mailbox.")

        @OptionGroup var options: GlobalOptions
        @Argument(help: "Id of the mail, as list shows it.") var id: Int64?
        @Option(help: "All that are queued for the mailbox of this name, also when it is not configured any more.")
        var mailbox: String?

        func validate() throws {
            guard (self.id == nil) != (self.mailbox == nil) else {
                throw ValidationError("name one mail by its id, or a mailbox with --mailbox")
            }
        }

        func run() async throws {
            if let id { try await OutboxCommand.decide(self.options, id, [.cancel, .discard]) }
            guard let mailbox else { return }
            let count = try await DeskRuntime.with(self.options) {
                try await $0.store.cancelOutbox(ofMailbox: mailbox, actor: Operator.name)
            }
            Terminal.print("\(count) \(count == 1 ? "mail" : "mails") of \(mailbox) cancelled")
        }
    }

    /// Tries the events in order: which one fits depends on the state of the mail.
    private static func decide(_ options: GlobalOptions, _ id: Int64, _ events: [DeliveryState.Event]) async throws {
        let state = try await DeskRuntime.with(options) { runtime in
            for event in events.dropLast() {
                do {
                    return try await runtime.store.decideOutbox(OutboxID(id), event, actor: Operator.name)
                } catch let error as StoreError where error.code == .conflict {
                    continue
                }
            }
            return try await runtime.store.decideOutbox(OutboxID(id), events[events.count - 1], actor: Operator.name)
        }
        Terminal.print("mail \(id) is \(state.rawValue)")
    }
}
