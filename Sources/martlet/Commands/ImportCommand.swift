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
        commandName: "import", abstract: "Draft answers for mail that was there before the desk.",
        discussion: """
            When a folder is first seen its older mail becomes closed history (import.since). This opens those mails of \
            the last days that nobody has answered. They get drafts; nobody is written to.

              martlet import --since 7d
              martlet import --since 30d --mailbox support
            """)

    @OptionGroup var options: GlobalOptions
    @Option(help: "How far back, such as 7d or 12h.") var since: String
    @Option(help: "Only this mailbox.") var mailbox: String?
    @Flag(help: "Print JSON.") var json = false

    private struct Row: Encodable {
        let mailbox: String
        let report: HistoryImport.Report
    }

    func run() async throws {
        guard let age = Quantity.duration(self.since), age > .zero else {
            throw CommandError(
                .usage, "--since is not a duration", remedy: "write a number with its unit: 12h, 7d or 30d")
        }
        let rows = try await DeskRuntime.with(self.options, needing: .everything) { runtime in
            let context = runtime.context(logger: Logger(label: "import") { _ in SwiftLogNoOpLogHandler() })
            var rows: [Row] = []
            for mailbox in try runtime.mailboxes(named: self.mailbox) {
                let report = try await HistoryImport(context: context).run(mailbox, since: age)
                rows.append(Row(mailbox: mailbox.name, report: report))
            }
            return rows
        }
        if self.json { return try JSONOutput.print(rows) }
        for row in rows {
            let report = row.report
            let words =
                report.isRead
                ? report.opened == 0
                    ? "nothing to open: no mail from before the desk waits for an answer"
                    : "\(Count.of(report.opened, "ticket")) from before the desk opened; drafts follow"
                : "not read yet; let martlet serve read it first, then run this again "
                    + "(\(Count.of(report.unanswered, "mail")) of that time without the mark of an answer)"
            Terminal.printWrapped("\(row.mailbox): \(words)")
        }
    }
}

extension DeskRuntime {
    /// What the parts of the desk share.
    func context(logger: Logger) -> DeskContext {
        DeskContext(
            settings: self.settings, store: self.store,
            queue: WorkQueue(pool: self.store.pool),
            parser: MailReader(settings: self.settings, isolated: { try await IsolatedParseCommand.parse($0) }),
            logger: logger)
    }

    /// The mailbox of this name, or all.
    func mailboxes(named name: String?) throws(CommandError) -> [MailboxSettings] {
        guard let name else { return self.settings.mailboxes }
        if let mailbox = self.settings.mailboxes.first(where: { $0.name == name }) { return [mailbox] }
        let near = Suggestion.nearest(to: name, among: self.settings.mailboxes.map(\.name))
        throw CommandError(
            .usage, "there is no mailbox \(name)",
            remedy: near.map { "did you mean \($0)?" }
                ?? "the configuration has \(self.settings.mailboxes.map(\.name).joined(separator: ", "))")
    }
}
