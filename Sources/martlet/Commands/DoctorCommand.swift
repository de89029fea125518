import ArgumentParser
import Desk
import DeskModel
import DeskStore
import Foundation
import Postgres
import Triage

/// `martlet doctor`: what is missing, and what to do about it.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Check everything, and say what to do about what is wrong.",
        discussion: """
            Looks at the configuration, keys, shipped files, the database, the knowledge base, the chat model where \
            one is configured, each mailbox's servers, and what a first start would do with the mail that is there. \
            Changes nothing and sends no mail.

            Exit status: 0 nothing failed, 1 something failed, 2 the configuration is wrong.
            """)

    @OptionGroup var options: GlobalOptions
    @Flag(help: "Print JSON.") var json = false

    private struct Report: Encodable {
        let mode: Mode?
        let healthy: Bool
        let findings: [Finding]
    }

    func run() async throws {
        var findings: [Finding] = []
        func add(_ more: [Finding]) {
            findings += more
            if !self.json { for finding in more { Terminal.printWrapped(finding.text) } }
        }

        let source = self.options.source
        let loaded: ConfigurationSource.Loaded
        do {
            loaded = try source.load(needing: [])
        } catch {
            add(error.problems.map { .fail("configuration", $0.text, $0.remedy) })
            if self.json { try JSONOutput.print(Report(mode: nil, healthy: false, findings: findings)) }
            throw ExitCode(CommandError.Code.usage.rawValue)
        }
        let settings = loaded.settings
        if !self.json { Terminal.print(Self.modes(settings).joined(separator: "\n") + "\n") }
        let missing = Self.missing(source)
        add(Self.configuration(loaded, missing))
        // Elsewhere no unit of ours reads it.
        if loaded.file == ConfigurationSource.defaultFile {
            add([MachineCheck.access(to: ConfigurationSource.defaultFile)].compactMap(\.self))
        }
        add(MachineCheck.findings(settings, environment: source.environment))
        add(await DatabaseCheck.findings(settings))
        let taxonomy = try? ShippedData(environment: source.environment).taxonomy(configured: settings.taxonomyFile)
        if let taxonomy { add(AnswerCheck.categories(settings, known: taxonomy.names)) }
        let pool = PostgresPool(DatabaseAccess.configuration(settings.database, application: "martlet doctor"), size: 1)
        add(AnswerCheck.knowledge(try? await DeskStore(pool: pool).articles(), folder: settings.knowledgeFolder))
        add(await ChatCheck(settings: settings.draft.chat).findings())
        for mailbox in settings.mailboxes {
            add(
                await MailboxCheck(mailbox: mailbox, settings: settings, store: DeskStore(pool: pool)).findings())
        }
        await pool.close()

        let failures = findings.filter { $0.outcome == .fail }.count
        if self.json {
            try JSONOutput.print(Report(mode: settings.mode, healthy: failures == 0, findings: findings))
        } else {
            Terminal.print(failures == 0 ? "\nhealthy" : "\n\(failures) failed")
        }
        if !missing.isEmpty { throw ExitCode(CommandError.Code.usage.rawValue) }
        if failures > 0 { throw ExitCode(CommandError.Code.failed.rawValue) }
    }

    private static func missing(_ source: ConfigurationSource) -> [ConfigurationProblem] {
        do {
            _ = try source.load(needing: .everything)
            return []
        } catch {
            return error.problems
        }
    }

    private static func configuration(
        _ loaded: ConfigurationSource.Loaded, _ missing: [ConfigurationProblem]
    ) -> [Finding] {
        var findings: [Finding] =
            missing.isEmpty
            ? [.ok("configuration", loaded.file ?? "no file, all from the environment")]
            : missing.map { .fail("configuration", $0.text, $0.remedy) }
        findings += loaded.warnings.map { .warn("configuration", $0.text, $0.remedy) }
        let keys = loaded.settings.tokenKeys.map(\.id)
        if let first = keys.first {
            let others = keys.dropFirst().joined(separator: ", ")
            findings.append(.ok("token key", "\(first) signs\(others.isEmpty ? "" : ", \(others) verify too")"))
        }
        findings.append(AnswerCheck.notices(loaded.settings.escalation))
        return findings
    }

    private static func modes(_ settings: DeskSettings) -> [String] {
        ["mode: \(Self.explain(settings.mode))"]
            + settings.mailboxes.compactMap { mailbox in
                mailbox.mode.map { "mode of \(mailbox.name): \(Self.explain($0))" }
            }
    }

    static func explain(_ mode: Mode) -> String {
        switch mode {
        case .observe: "observe (reads and shows; writes nothing anywhere)"
        case .draft: "draft (drafts, notes and marks in the mailbox; nothing is sent to customers)"
        case .acknowledge: "acknowledge (as draft, and tells customers their ticket number)"
        case .answer: "answer (as acknowledge, and answers by itself where it is allowed to)"
        }
    }
}
