import Answering
import Configuration
import Desk
import DeskModel
import Foundation

/// Where the configuration comes from: one YAML file, overlaid by the credentials folder, overlaid by `MARTLET_…` in the
/// environment.
///
/// `MARTLET_MAILBOXES_SUPPORT_PASSWORD` and the credential `mailboxes-support-password` both stand for the key
/// `mailboxes.support.password`. All keys are in Documentation/configuration.md.
struct ConfigurationSource: Sendable {
    static let defaultFile = "/etc/martlet/martlet.yaml"

    /// What was read.
    struct Loaded: Sendable {
        let settings: DeskSettings
        /// The file; nil when there was none and the environment said it all.
        let file: String?
        /// What a person should know and what stops nothing.
        let warnings: [ConfigurationProblem]
    }

    /// `--config`; nil means `MARTLET_CONFIG`, else the default file, which need not exist.
    var file: String?
    var environment: [String: String] = ProcessInfo.processInfo.environment

    /// The file that somebody asked for, by the option or by `MARTLET_CONFIG`; nil means the default one.
    var chosenFile: String? { self.file ?? self.environment["MARTLET_CONFIG"].flatMap { $0.isEmpty ? nil : $0 } }

    /// Reads everything anew; on SIGHUP the caller keeps the settings it has when this throws.
    /// - Parameter needs: what the command cannot do without.
    /// - Throws: `ConfigurationError` with all problems at once.
    func load(needing needs: ConfigurationNeeds) throws(ConfigurationError) -> Loaded {
        let file = try self.readFile()
        let path = file.path ?? Self.defaultFile
        // Of a file that cannot be read at all nothing else is missing.
        guard !file.contents.entries.isEmpty || file.contents.problems.isEmpty else {
            throw ConfigurationError(file: file.path, problems: file.contents.problems)
        }
        let folder = URL(filePath: path).deletingLastPathComponent().path
        var reader = ConfigurationReader(
            file: file.contents, folder: folder,
            environment: EnvironmentVariablesProvider(environmentVariables: self.environment)
                .prefixKeys(with: "martlet").snapshot(),
            credentials: self.credentials(beside: folder))
        var settings = DeskSettings()
        reader.report(file.contents.problems)
        if file.contents.entry(["draft", "templates"]) == nil {
            settings.draft.templates = self.shippedTemplates(&reader)
        }
        reader.read(DeskFields.all, into: &settings)
        if settings.draft.signature.isEmpty { settings.draft.signature = settings.deskName }
        self.resolveDatabase(&settings, needs, &reader)
        settings.tokenKeys = TokenKeys.read(&reader)
        settings.mailboxes = self.mailboxes(&reader)
        Self.checkUnknownKeys(&reader)
        self.checkNeeds(needs, settings, &reader)

        let problems = reader.problems.filter { problem in
            problem.needs.map { !$0.isDisjoint(with: needs) } ?? true
        }
        guard problems.isEmpty else { throw ConfigurationError(file: file.path, problems: problems) }
        return Loaded(settings: settings, file: file.path, warnings: self.warnings(reader))
    }

    /// A desk whose program lies there without its data says so elsewhere; data without templates is a broken package.
    private func shippedTemplates(_ reader: inout ConfigurationReader) -> ReplyTemplates {
        guard let data = try? DataDirectory(environment: self.environment) else { return .standard }
        do {
            return try ReplyTemplateFolder.read(data.file("templates"))
        } catch {
            reader.report([
                ConfigurationProblem(
                    "draft.templates", "the shipped templates cannot be used: \(error.text)",
                    remedy: "install the package again, or name a folder of your own", needs: .mailboxes)
            ])
            return .standard
        }
    }

    // MARK: - Layers

    private func readFile() throws(ConfigurationError) -> (path: String?, contents: DeskFile) {
        let chosen = self.chosenFile
        let path = URL(filePath: chosen ?? Self.defaultFile).standardizedFileURL.path
        let name = URL(filePath: path).lastPathComponent
        let manager = FileManager.default
        guard manager.fileExists(atPath: path) else {
            if chosen == nil { return (nil, DeskFile("", name: name)) }
            let problem = ConfigurationProblem(
                "", "the file does not exist", remedy: "run martlet setup --config \(path), or give another --config")
            throw ConfigurationError(file: path, problems: [problem])
        }
        guard let data = manager.contents(atPath: path) else {
            let problem = ConfigurationProblem(
                "", "the file may not be read",
                remedy: "run the command with sudo; for the service: chmod 644 \(path), with secrets in credentials")
            throw ConfigurationError(file: path, problems: [problem])
        }
        guard data.count <= 1 << 20, let text = String(data: data, encoding: .utf8) else {
            let problem = ConfigurationProblem("", "the file is larger than 1 MB or not UTF-8")
            throw ConfigurationError(file: path, problems: [problem])
        }
        return (path, DeskFile(text, name: name))
    }

    /// The folder that systemd made for the service; for a person at a shell the folder it was made from.
    private func credentials(beside folder: String) -> CredentialsFolder {
        CredentialsFolder(path: self.environment["CREDENTIALS_DIRECTORY"] ?? "\(folder)/credentials")
    }

    // MARK: - Parts

    private func resolveDatabase(
        _ settings: inout DeskSettings, _ needs: ConfigurationNeeds, _ reader: inout ConfigurationReader
    ) {
        guard settings.database.url.isEmpty else { return }
        if let url = self.environment["DATABASE_URL"], !url.isEmpty {
            settings.database.url = Secret(url)
        } else if !["PGHOST", "PGHOSTADDR", "PGDATABASE", "PGSERVICE"].contains(where: {
            self.environment[$0]?.isEmpty == false
        }) {
            reader.report([
                ConfigurationProblem(
                    "database.url", "is missing",
                    remedy:
                        "add database: { url: postgresql://user@host/database } to the configuration (martlet setup writes "
                        + "one), or set MARTLET_DATABASE_URL",
                    needs: .database)
            ])
        }
    }

    private func mailboxes(_ reader: inout ConfigurationReader) -> [MailboxSettings] {
        var mailboxes: [MailboxSettings] = []
        for name in reader.file.children(of: ["mailboxes"]) {
            let key = "mailboxes.\(name)"
            guard Self.isMailboxName(name), var block = MailboxBlock(name: name) else {
                reader.report([
                    ConfigurationProblem(
                        key, "the name is not 1 to 32 lower-case letters, digits and dashes",
                        remedy: "the name is for logs and commands; customers never see it")
                ])
                continue
            }
            reader.read(MailboxFields.all, below: ["mailboxes", name], into: &block)
            let complained = Set(reader.problems.map(\.key))
            let (settings, problems) = block.assembled(key: key, stateFolder: self.environment["STATE_DIRECTORY"])
            // A value that is wrong was reported already; that it is also missing would be noise.
            reader.report(problems.filter { !complained.contains($0.key) && !complained.contains("\($0.key)_file") })
            if let settings { mailboxes.append(settings) }
        }
        return mailboxes
    }

    private static func isMailboxName(_ name: String) -> Bool {
        (1...32).contains(name.count)
            && name.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "-") }
    }

    private func checkNeeds(
        _ needs: ConfigurationNeeds, _ settings: DeskSettings, _ reader: inout ConfigurationReader
    ) {
        if settings.tokenKeys.isEmpty, !reader.problems.contains(where: { $0.key.hasPrefix("token_key") }) {
            reader.report([
                ConfigurationProblem(
                    "token_keys", "there is no key to sign tokens with",
                    remedy: "run martlet setup --token-key, which makes one", needs: .tokenKey)
            ])
        }
        if reader.file.children(of: ["mailboxes"]).isEmpty {
            reader.report([
                ConfigurationProblem(
                    "mailboxes", "there is no mailbox to watch",
                    remedy: "run martlet setup, or see martlet.sample.yaml", needs: .mailboxes)
            ])
        }
    }

    // MARK: - Unknown keys

    private static func checkUnknownKeys(_ reader: inout ConfigurationReader) {
        let known = reader.known
        var sections = Set(known.flatMap { path in path.indices.dropFirst().map { Array(path.prefix($0)) } })
        sections.formUnion([["mailboxes"], ["token_keys"]])
        let mailboxes = reader.file.children(of: ["mailboxes"])
        sections.formUnion(mailboxes.filter(Self.isMailboxName).map { ["mailboxes", $0] })
        let complained = Set(reader.problems.map(\.key))
        for entry in reader.file.entries where !known.contains(entry.path) && !Self.isMailboxName(at: entry.path) {
            let key = entry.path.joined(separator: ".")
            if complained.contains(key) { continue }
            let place = reader.file.place(entry)
            if sections.contains(entry.path) {
                // `database:` with nothing below it says nothing, which is allowed.
                if entry.value == .section || entry.value == .text("") { continue }
                reader.report([Self.notASection(key, place)])
            } else if entry.path.count == 1 || sections.contains(Array(entry.path.dropLast())) {
                // Below a key that is unknown itself, one complaint is enough.
                let remedy = Self.suggestion(for: entry.path, known: known.union(sections))
                reader.report([
                    ConfigurationProblem(
                        key, at: place, "is not a key that martlet knows",
                        remedy: remedy ?? "remove it; all keys are in martlet.sample.yaml")
                ])
            }
        }
    }

    /// `name` of an item in the list, which is its key already.
    private static func isMailboxName(at path: [String]) -> Bool {
        path.count == 3 && path[0] == "mailboxes" && path[2] == "name"
    }

    private static func notASection(_ key: String, _ place: String) -> ConfigurationProblem {
        ConfigurationProblem(
            key, at: place, "holds one value where further keys belong",
            remedy: "put the keys below it, indented by two spaces; see martlet.sample.yaml")
    }

    private static func suggestion(for path: [String], known: Set<[String]>) -> String? {
        guard let leaf = path.last else { return nil }
        let siblings = known.filter { $0.count == path.count && $0.dropLast() == path.dropLast() }
        if let name = Suggestion.nearest(to: leaf, among: siblings.compactMap(\.last)) {
            return "did you mean \(name)?"
        }
        let elsewhere = known.filter { $0.last == leaf }.map { $0.joined(separator: ".") }.min()
        return elsewhere.map { "did you mean \($0)? check the indentation" }
    }

    private func warnings(_ reader: ConfigurationReader) -> [ConfigurationProblem] {
        let apart: Set<String> = ["MARTLET_CONFIG", "MARTLET_DATA", "MARTLET_MODEL", "MARTLET_DATABASE_URL"]
        let known = Set(
            reader.known.map { path in
                "MARTLET_" + path.joined(separator: "_").uppercased().replacing("-", with: "_")
            }
        ).union(apart)
        let unknown = self.environment.keys
            .filter { $0.hasPrefix("MARTLET_") && !$0.hasPrefix("MARTLET_TEST_") && !known.contains($0) }
            .sorted()
            .map { name in
                ConfigurationProblem(
                    "", at: "environment \(name)", "stands for no key that martlet knows",
                    remedy: Suggestion.nearest(to: name, among: known).map { "did you mean \($0)?" })
            }
        return reader.warnings + unknown
    }
}
