import ArgumentParser
import Desk
import DeskModel
import DeskStore
import Foundation
import Logging

/// `martlet quarantine`: mails that could not be read or stored, with their raw bytes.
struct QuarantineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quarantine", abstract: "Look at mails that could not be read.",
        discussion: """
            A mail that breaks the parser or that the database refuses is held here with its bytes, while the others go \
            on. Its ticket says so.

              martlet quarantine list
              martlet quarantine export 42 --to mail.eml
              martlet quarantine replay 42       read it again, as after an update
              martlet quarantine discard 42
            """,
        subcommands: [List.self, Show.self, Export.self, Replay.self, Discard.self], defaultSubcommand: List.self)

    private struct Row: Encodable {
        let id: Int64
        let ticket: String?
        let mailbox: String
        let uid: UInt32
        let reason: String
        let size: Int
        let state: String
        let createdAt: Date

        init(_ entry: QuarantineEntry) {
            self.id = entry.id
            self.ticket = entry.ticketNumber.map { TicketNumber($0).description }
            self.mailbox = entry.mailbox
            self.uid = entry.uid
            self.reason = entry.reason
            self.size = entry.size
            self.state = entry.state
            self.createdAt = entry.createdAt
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List held mails, newest first.")

        enum State: String, CaseIterable, ExpressibleByArgument { case held, replayed, discarded }

        @OptionGroup var options: GlobalOptions
        @Option(help: "held, replayed or discarded.") var state = State.held
        @Option(help: "At most this many.") var limit = 50
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let rows = try await DeskRuntime.with(self.options) { runtime in
                try await runtime.store.quarantine(state: self.state.rawValue, limit: self.limit).map { Row($0) }
            }
            if self.json { return try JSONOutput.print(rows) }
            var table = TextTable([
                .init("id", .right), .init("ticket"), .init("mailbox"), .init("uid", .right), .init("size", .right),
                .init("reason", isElastic: true), .init("since"),
            ])
            for row in rows {
                table.add([
                    String(row.id), row.ticket ?? "", row.mailbox, String(row.uid), String(row.size), row.reason,
                    Moment.text(row.createdAt),
                ])
            }
            table.print(empty: "no mail is \(self.state.rawValue)")
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the beginning of one mail, made harmless for the terminal.")

        @OptionGroup var options: GlobalOptions
        @Argument(help: "Id of the mail, as list shows it.") var id: Int64
        @Option(help: "Lines to print.") var lines = 60

        func run() async throws {
            let bytes = try await DeskRuntime.with(self.options) { try await $0.store.quarantinedBytes(self.id) }
            let text = String(decoding: bytes.prefix(256 << 10), as: UTF8.self)
            for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).prefix(self.lines) {
                Terminal.print(DisplayWidth.printable(String(line.prefix(1_000))))
            }
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Write one mail's bytes to a file.")

        @OptionGroup var options: GlobalOptions
        @Argument(help: "Id of the mail, as list shows it.") var id: Int64
        @Option(help: "File to write; standard output by default.") var to: String?

        func run() async throws {
            let bytes = try await DeskRuntime.with(self.options) { try await $0.store.quarantinedBytes(self.id) }
            guard let to else { return Terminal.write(Data(bytes)) }
            do {
                try Data(bytes).write(to: URL(filePath: to), options: .withoutOverwriting)
            } catch {
                throw CommandError(
                    .failed, "\(to) cannot be written", remedy: "choose a file that does not exist yet")
            }
        }
    }

    struct Replay: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read one mail again; when it can be read it becomes a mail like any other.")

        @OptionGroup var options: GlobalOptions
        @Argument(help: "Id of the mail, as list shows it.") var id: Int64

        func run() async throws {
            let result = try await DeskRuntime.with(self.options, needing: .everything) { runtime in
                let context = runtime.context(logger: Logger(label: "replay") { _ in SwiftLogNoOpLogHandler() })
                return try await QuarantineReplay(context: context).run(self.id, actor: Operator.name)
            }
            Terminal.print("mail \(self.id) is in \(result.number?.description ?? "no ticket")")
        }
    }

    struct Discard: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Give one mail up; its bytes stay until pruned.")

        @OptionGroup var options: GlobalOptions
        @Argument(help: "Id of the mail, as list shows it.") var id: Int64

        func run() async throws {
            try await DeskRuntime.with(self.options) {
                try await $0.store.settleQuarantine(self.id, state: "discarded")
            }
            Terminal.print("mail \(self.id) is discarded")
        }
    }
}
