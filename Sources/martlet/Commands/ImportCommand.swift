import ArgumentParser
import Desk
import DeskModel
import DeskStore
import Foundation
import Logging
import WorkQueue

/// `martlet import`: brings mail from before the desk back to work.
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Draft answers for unanswered mail from before the desk.",
        discussion: """
            Mails of that time without the mark "answered" become open tickets and get a draft. Nobody is written to: \
            mail older than automatic.max_age is never acknowledged or answered by itself.

              martlet import --since 7d
            """)

    @OptionGroup var options: GlobalOptions
    @Option(help: "How far back, such as 7d or 36h.") var since: String
    @Option(help: "Only this mailbox.") var mailbox: String?
    @Flag(help: "Print JSON.") var json = false

    private struct Row: Encodable {
        let mailbox: String
        let unanswered: Int
        let opened: Int
    }

    func run() async throws {
        guard let age = Quantity.duration(self.since) else {
            throw CommandError(.usage, "\(self.since) is no length of time", remedy: "write 7d, 36h or 90m")
        }
        try await DeskRuntime.with(self.options, needing: .everything) { runtime in
            let parser = MailReader(settings: runtime.settings, isolated: IsolatedParser.parse)
            let context = DeskContext(
                settings: runtime.settings, store: runtime.store,
                queue: WorkQueue(pool: runtime.store.pool, owner: MailboxHost.name), parser: parser,
                logger: Logger(label: "martlet"))
            let chosen = runtime.settings.mailboxes.filter { self.mailbox == nil || $0.name == self.mailbox }
            guard !chosen.isEmpty else {
                throw CommandError(.usage, "there is no mailbox \(self.mailbox ?? "")", remedy: "see the configuration")
            }
            var rows: [Row] = []
            for mailbox in chosen {
                let report = try await HistoryImport(context: context).run(mailbox, since: age)
                rows.append(Row(mailbox: mailbox.name, unanswered: report.unanswered, opened: report.opened))
            }
            if self.json { return try JSONOutput.print(rows) }
            for row in rows {
                Terminal.print(
                    "\(row.mailbox): \(row.unanswered) unanswered mails, \(row.opened) opened as tickets; drafts follow")
            }
        }
    }
}
