import ArgumentParser
import Desk
import DeskModel
import DeskStore
import Foundation

/// `martlet status`: the desk at a glance.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show what the desk is doing.",
        discussion: """
            The mode, what is paused or held, mailboxes with their last good fetch, and counts of tickets, outgoing \
            mail, drafts, notes and marks in the mailboxes, and jobs.
            """)

    @OptionGroup var options: GlobalOptions
    @Flag(help: "Print JSON.") var json = false

    private struct Report: Encodable {
        struct Pause: Encodable {
            let scope: String
            let since: Date
            let by: String
            let reason: String
        }

        let mode: Mode
        let held: Bool
        let pauses: [Pause]
        /// Outgoing mails that wait for a mailbox which is not configured, by its name.
        let stranded: [String: Int]
        let overview: DeskOverview
    }

    func run() async throws {
        let report = try await DeskRuntime.with(self.options) { runtime in
            Report(
                mode: runtime.settings.mode,
                held: FileManager.default.fileExists(atPath: runtime.settings.holdFile),
                pauses: try await runtime.store.pauses().map {
                    .init(scope: $0.scope.rawValue, since: $0.since, by: $0.by, reason: $0.reason)
                },
                stranded: Dictionary(
                    try await runtime.store.strandedMails(besides: runtime.settings.mailboxes.map(\.name))
                        .map { ($0.mailbox, $0.count) }, uniquingKeysWith: +),
                overview: try await runtime.store.overview())
        }
        if self.json { try JSONOutput.print(report) } else { Self.print(report) }
    }

    private static func print(_ report: Report) {
        Terminal.print("mode         \(report.mode.rawValue)")
        if report.held { Terminal.print("held         nothing goes out while the hold file exists") }
        for pause in report.pauses {
            let reason = pause.reason.isEmpty ? "" : ": \(DisplayWidth.printable(pause.reason))"
            Terminal.print("paused       \(pause.scope) by \(pause.by) since \(Moment.text(pause.since))\(reason)")
        }
        let overview = report.overview
        for reason in overview.stopped {
            Terminal.printWrapped(
                "stopped      automatic mail, for an hour: \(DisplayWidth.printable(reason)) "
                    + "(martlet resume automatic lifts it)")
        }
        Terminal.print("tickets      \(Self.counts(overview.ticketsByStatus))")
        Terminal.print("outgoing     \(Self.counts(overview.outboxByState))")
        for (mailbox, count) in report.stranded.sorted(by: { $0.key < $1.key }) {
            Terminal.print("stranded     \(StrandedMail.text(mailbox, count))")
            Terminal.print("             → \(StrandedMail.remedy(mailbox))")
        }
        Terminal.print("in mailboxes \(Self.counts(overview.writesByState))")
        Terminal.print("jobs         \(Self.counts(overview.jobsByState))")
        if overview.quarantined > 0 {
            Terminal.print("quarantine   \(overview.quarantined) held; see martlet quarantine list")
        }
        Terminal.print("")
        var table = TextTable([
            .init("mailbox"), .init("last good fetch"), .init("held by", isElastic: true), .init("mails", .right),
            .init("history", .right),
        ])
        for mailbox in overview.mailboxes {
            table.add([
                mailbox.name, mailbox.lastGoodFetch.map(Moment.text) ?? "never", Self.holder(mailbox.heldBy),
                String(mailbox.messages), String(mailbox.history),
            ])
        }
        table.print(empty: "no mailbox has been read yet; martlet serve does it")
    }

    /// Host and process; the rest of the signature only tells processes of the same number apart.
    private static func holder(_ signature: String?) -> String {
        guard let signature else { return "nobody" }
        let parts = signature.split(separator: "/")
        return parts.count == 4 ? "\(parts[0]), process \(parts[1])" : DisplayWidth.printable(signature)
    }

    private static func counts(_ counts: [String: Int]) -> String {
        let parts = counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        return parts.isEmpty ? "none" : parts.joined(separator: ", ")
    }
}
