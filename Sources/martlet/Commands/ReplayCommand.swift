import ArgumentParser
import ConnectionThread
import Desk
import DeskModel
import Foundation
import Logging
import MailTransport
import Triage

/// `martlet replay`: what would have happened with the mails of an archive.
struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Show what would have happened with mails of the past.",
        discussion: """
            Reads an mbox file, a Maildir with its subfolders, a folder of .eml files, or with --mailbox the inbox of a \
            configured mailbox with its sent mail, where nothing is marked; and labels, drafts and decides as the desk \
            would, with the configured knowledge base. Nothing is stored, sent or told to another host. \
            Answers that people gave (mails of the desk's own addresses, or in a folder of sent mail) are compared with \
            the drafts.

            Example:
              martlet replay ~/Maildir --own anna@shop.example --html replay.html
              martlet replay --mailbox support --folder Archive
            """)

    @OptionGroup var options: GlobalOptions
    @Argument(help: "mbox file, Maildir or folder of .eml files.", completion: .file()) var archive: String?
    @Option(help: "A configured mailbox instead of files.") var mailbox: String?
    @Option(help: "Its folder; the inbox by default.") var folder: String?
    @Option(help: "More archives, of sent mail.", completion: .file()) var sent: [String] = []
    @Option(help: "Addresses of agents, besides the configured mailboxes.") var own: [String] = []
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Decide as in mode answer for these categories, or for all.", valueName: "category"))
    var auto: [String] = []
    @Option(help: "Write a page with every mail to this file.", completion: .file()) var html: String?
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard (self.archive == nil) != (self.mailbox == nil) else {
            throw ValidationError("name an archive, or a mailbox with --mailbox")
        }
        guard self.folder == nil || self.mailbox != nil else { throw ValidationError("--folder needs --mailbox") }
    }

    func run() async throws {
        let report = try await KnowledgeSession.think(self.options) { session, engine in
            let settings = session.settings
            try self.checkCategories(known: engine.taxonomy.names)
            var preview = AnswerPreview(engine: engine, answerer: session.base.answerer, settings: settings)
            // No chat model is asked: what customers wrote stays here.
            if !self.auto.isEmpty {
                preview.mode = .answer
                preview.settings.draft.automaticCategories = self.auto
            }
            let own = settings.mailboxes.flatMap { [$0.address] + $0.aliases }.map(\.normalized)
            var replay = Replay(
                preview: preview, own: Set(own + self.own.map { $0.lowercased() }), authservIDs: settings.authservIDs)
            if let archive { try MailArchive.read(archive, isSent: false) { replay.add($0, isSent: $1) } }
            if let mailbox { replay = try await self.adding(mailbox, of: settings, to: replay) }
            for path in self.sent { try MailArchive.read(path, isSent: true) { replay.add($0, isSent: $1) } }
            guard replay.count > 0 else {
                throw CommandError(
                    .failed, "there is no mail in \(self.archive ?? self.folder ?? "the inbox")",
                    remedy: "name an mbox file, a Maildir or a folder of .eml files")
            }
            let line = Locked(ProgressLine())
            let report = try await replay.run { done, all in
                line.withLock { $0.show("\(done) of \(all) mails") }
            }
            line.withLock { $0.clear() }
            return report
        }
        if let html {
            let page = Data(ReplayPage.html(report).utf8)
            guard FileManager.default.createFile(atPath: html, contents: page, attributes: [.posixPermissions: 0o600])
            else { throw CommandError(.failed, "\(html) cannot be written", remedy: "name a file you may write") }
        }
        if self.json { try JSONOutput.print(report) } else { Self.print(report) }
    }

    /// A name that no mail can have would look as if nothing were ever answered alone.
    private func checkCategories(known: [String]) throws(CommandError) {
        guard let unknown = self.auto.first(where: { $0 != "all" && !known.contains($0) }) else { return }
        throw CommandError(
            .usage, "the taxonomy has no category \(unknown)",
            remedy: Suggestion.nearest(to: unknown, among: known).map { "did you mean \($0)?" }
                ?? "name all, or one of \(known.filter { !$0.contains(" / ") }.joined(separator: ", "))")
    }

    /// The mails of a folder on the server.
    private func adding(_ name: String, of settings: DeskSettings, to replay: Replay) async throws -> Replay {
        guard let mailbox = settings.mailboxes.first(where: { $0.name == name }) else {
            let known = settings.mailboxes.map(\.name).joined(separator: ", ")
            throw CommandError(.usage, "there is no mailbox \(name)", remedy: "the configuration has \(known)")
        }
        let filled = Locked(replay)
        do {
            try await MailboxArchive.read(
                mailbox, folder: self.folder, maximumSize: settings.maximumMessageSize,
                logger: Logger(label: "replay") { _ in SwiftLogNoOpLogHandler() }
            ) { raw, isSent in
                filled.withLock { $0.add(raw, isSent: isSent) }
            }
        } catch let error as MailError {
            let finding = MailboxCheck.explain(error, name, mailbox.imap, key: "imap")
            throw CommandError(.failed, "\(name): \(finding.detail)", remedy: finding.remedy)
        }
        return filled.withLock { $0 }
    }

    private static func print(_ report: ReplayReport) {
        let automatic = report.silent.values.reduce(0, +)
        let copies =
            report.duplicates == 0 ? "" : " (\(Count.of(report.duplicates, "further copy", "further copies")) left out)"
        Terminal.print("mails        \(report.mails)\(copies)")
        Terminal.print("by the desk  \(report.ownMails)")
        Terminal.print("by machines  \(automatic), never answered")
        Terminal.print("customers    \(report.rows.count)")
        Terminal.print("  drafted    \(report.drafted), of which \(report.count(.auto)) would go out alone")
        Terminal.print("  to people  \(report.count(.escalate))")
        let compared = report.compared.count
        if compared > 0 {
            let share = Int((100 * Double(report.nearAnswers) / Double(compared)).rounded())
            let near = "\(report.nearAnswers) (\(share) %) near"
            Terminal.print("  compared   with people's answers: \(compared), of which \(near)")
        }
        if report.gaps > 0 {
            Terminal.print("  gaps       \(report.gaps) answered by people where no article answers")
        }
        var table = TextTable([
            .init("category", isElastic: true), .init("mails", .right), .init("drafted", .right),
            .init("alone", .right),
            .init("to people", .right),
        ])
        for row in report.categories {
            table.add([row.name, "\(row.mails)", "\(row.drafted)", "\(row.automatic)", "\(row.escalated)"])
        }
        Terminal.print("")
        table.print(empty: "no mail of a customer")
        for (title, found) in [("why to people", report.reasons), ("why not alone", report.obstacles)] {
            var reasons = TextTable([.init(title, isElastic: true), .init("mails", .right)])
            for row in found.prefix(12) { reasons.add([row.reason, "\(row.mails)"]) }
            guard !reasons.rows.isEmpty else { continue }
            Terminal.print("")
            reasons.print(empty: "")
        }
    }
}
