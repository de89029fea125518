import Desk
import DeskModel
import Foundation
import MailTransport
import Testing

@testable import martlet

@Suite("Configuration") struct ConfigurationTests {
    @Test func `a file of ten lines is enough for everything`() throws {
        #expect(Sample.minimal.split(separator: "\n").count <= 15)
        let configuration = try TemporaryConfiguration(Sample.minimal, files: Sample.secrets)
        let settings = try configuration.source().load(needing: .everything).settings
        let mailbox = try #require(settings.mailboxes.first)
        #expect(settings.mailboxes.count == 1)
        #expect(mailbox.name == "support")
        #expect(mailbox.address.address == "support@shop.example")
        #expect(mailbox.imap == MailEndpoint(host: "imap.shop.example", port: 993, security: .tls))
        #expect(mailbox.smtp == MailEndpoint(host: "smtp.shop.example", port: 465, security: .tls))
        #expect(mailbox.password.reveal() == "sesame-7")
        #expect(settings.tokenKeys == [TokenKey(id: "k1", secret: Secret(String(repeating: "s", count: 40)))])
        #expect(settings.mode == .draft)
    }

    @Test func `every value reaches its setting`() throws {
        let configuration = try TemporaryConfiguration(
            """
            mode: acknowledge
            desk_name: Example Shop
            hold_file: hold
            authserv_ids: [mx.shop.example]
            workers: 3
            reopen_window: 10d
            retention: 2d
            maximum_message_size: 5MB
            database: {url: "postgresql://a@b/c", direct: "postgresql://o@b/c", pooled: yes, connections: 4}
            token_keys:
              k2: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
              k1: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
            import: {since: 30d}
            automatic: {max_age: 12h}
            ack: {delay: 1m, opening_hours: Mon-Fri 9-17}
            escalation: {team: "lead@shop.example, Ann <ann@shop.example>", hourly_cap: 5, vip: [boss@example.com], on_call: ["Sat-Sun = weekend@shop.example"]}
            draft: {floor: 0.5, automatic_threshold: 0.95, automatic_categories: [Shipping], link_hosts: [shop.example]}
            mailboxes:
              - name: sales
                address: Example Sales <sales@shop.example>
                aliases: [orders@shop.example]
                imap: imap://127.0.0.1:50143
                smtp: smtp://localhost:2525
                loopback: yes
                password: open
                smtp_login: none
                mode: observe
                poll_interval: 5s
                after_import: move:Done
                notes: off
                marks: none
                language: de
                server_files_sent: yes
                folders: {drafts: Entwürfe}
            """)
        let settings = try configuration.source().load(needing: .everything).settings
        #expect(settings.mode == .acknowledge)
        #expect(settings.deskName == "Example Shop")
        #expect(settings.holdFile == configuration.folder.appending(path: "hold").path)
        #expect(settings.authservIDs == ["mx.shop.example"])
        #expect(settings.workers == 3)
        #expect(settings.reopenWindow == .seconds(864_000))
        #expect(settings.retention == .seconds(172_800))
        #expect(settings.maximumMessageSize == 5 << 20)
        #expect(settings.database.url.reveal() == "postgresql://a@b/c")
        #expect(settings.database.direct.reveal() == "postgresql://o@b/c")
        #expect(settings.database.isPooled)
        #expect(settings.database.connections == 4)
        #expect(settings.tokenKeys.map(\.id) == ["k2", "k1"])
        #expect(settings.importSince == .age(.seconds(30 * 86_400)))
        #expect(settings.automaticMaxAge == .seconds(43_200))
        #expect(settings.acknowledgement.delay == .seconds(60))
        #expect(settings.acknowledgement.openingHours == "Mon-Fri 9-17")
        #expect(settings.escalation.onCall == [OnCallRule("Sat-Sun = weekend@shop.example")])
        #expect(settings.escalation.team.map(\.description) == ["lead@shop.example", "Ann <ann@shop.example>"])
        #expect(settings.escalation.hourlyCap == 5)
        #expect(settings.escalation.vip.map(\.address) == ["boss@example.com"])
        #expect(settings.draft.floor == 0.5)
        #expect(settings.draft.automaticThreshold == 0.95)
        #expect(settings.draft.automaticCategories == ["Shipping"])
        #expect(settings.draft.linkHosts == ["shop.example"])

        let mailbox = try #require(settings.mailboxes.first)
        #expect(mailbox.address.displayName == "Example Sales")
        #expect(mailbox.aliases.map(\.address) == ["orders@shop.example"])
        #expect(
            mailbox.imap
                == MailEndpoint(host: "127.0.0.1", port: 50_143, security: .none, allowsCleartextLogin: true))
        #expect(mailbox.smtp.security == .none)
        #expect(mailbox.user == "sales@shop.example")
        guard case .none = mailbox.smtpLogin else { return #expect(Bool(false), "smtp_login was not read") }
        #expect(mailbox.mode == .observe)
        #expect(mailbox.pollInterval == .seconds(5))
        #expect(mailbox.afterImport == .move(folder: "Done"))
        #expect(mailbox.notes == .off)
        #expect(mailbox.marks == .none)
        #expect(mailbox.language == "de")
        #expect(mailbox.serverFilesSent)
        #expect(mailbox.folders.drafts == "Entwürfe")
    }

    @Test func `environment overrides credentials, and credentials override the file`() throws {
        let files = Sample.secrets.merging(["credentials/mailboxes-support-password": "from-credential\n"]) { $1 }
        let configuration = try TemporaryConfiguration(Sample.minimal, files: files)
        func password(_ environment: [String: String]) throws -> String? {
            try configuration.source(environment).load(needing: .mailboxes).settings.mailboxes.first?.password.reveal()
        }
        #expect(try password([:]) == "from-credential")
        #expect(try password(["MARTLET_MAILBOXES_SUPPORT_PASSWORD": "from-environment"]) == "from-environment")
        #expect(try password(["CREDENTIALS_DIRECTORY": "/nonexistent"]) == "sesame-7")
        let mode = try configuration.source(["MARTLET_MODE": "observe"]).load(needing: []).settings.mode
        #expect(mode == .observe)
    }

    @Test func `credentials that systemd made of a folder stand in for files the service may not read`() throws {
        let files = [
            "run/martlet_token-key": "k9: \(String(repeating: "x", count: 40))\n",
            "run/martlet_mailboxes-support-password": "from-systemd",
        ]
        let configuration = try TemporaryConfiguration(Sample.minimal, files: files)
        let environment = ["CREDENTIALS_DIRECTORY": configuration.folder.appending(path: "run").path]
        let settings = try configuration.source(environment).load(needing: .everything).settings
        #expect(settings.tokenKeys.map(\.id) == ["k9"])
        #expect(settings.mailboxes.first?.password.reveal() == "from-systemd")
    }

    @Test func `the database is found in the usual places`() throws {
        let configuration = try TemporaryConfiguration("mode: draft")
        func url(_ environment: [String: String]) throws -> String {
            try configuration.source(environment).load(needing: .database).settings.database.url.reveal()
        }
        #expect(
            try url(["MARTLET_DATABASE_URL": "postgresql://m", "DATABASE_URL": "postgresql://d"]) == "postgresql://m")
        #expect(try url(["DATABASE_URL": "postgresql://d"]) == "postgresql://d")
        #expect(try url(["PGHOST": "db.example.com"]) == "")
        #expect(configuration.problems(needing: .database).map(\.key) == ["database.url"])
        #expect(configuration.problems(needing: []).isEmpty)
    }

    @Test func `without a file the environment is enough`() throws {
        let source = ConfigurationSource(file: nil, environment: ["MARTLET_DATABASE_URL": "postgresql://m"])
        let loaded = try source.load(needing: .database)
        #expect(loaded.settings.database.url.reveal() == "postgresql://m")
    }

    @Test func `a file that was asked for must exist`() throws {
        let source = ConfigurationSource(file: "/nonexistent/martlet.yaml", environment: [:])
        #expect(throws: ConfigurationError.self) { try source.load(needing: []) }
    }

    @Test func `listing tickets does not need the mailbox's password`() throws {
        let configuration = try TemporaryConfiguration(Sample.minimal)
        #expect(configuration.problems(needing: .mailboxes).map(\.key) == ["mailboxes.support.password_file"])
        let files = ["token-key": String(repeating: "s", count: 40)]
        let readable = try TemporaryConfiguration(Sample.minimal, files: files)
        #expect(readable.problems(needing: .database).isEmpty)
    }

    @Test func `a changed file is read anew, and a broken one says why`() throws {
        let configuration = try TemporaryConfiguration(Sample.minimal, files: Sample.secrets)
        let source = configuration.source()
        #expect(try source.load(needing: .everything).settings.mode == .draft)
        let file = URL(filePath: configuration.file)
        try Data("mode: observe\n\(Sample.minimal)".utf8).write(to: file)
        #expect(try source.load(needing: .everything).settings.mode == .observe)
        try Data("mode: [\n\(Sample.minimal)".utf8).write(to: file)
        #expect(throws: ConfigurationError.self) { try source.load(needing: .everything) }
    }
}

@Suite("Configuration problems") struct ConfigurationProblemTests {
    @Test func `all problems are reported at once, with place and remedy`() throws {
        let configuration = try TemporaryConfiguration(
            """
            modee: draft
            mode: drafty
            import: {since: yesterday}
            automatic: {max_age: 24}
            draft: {floor: 1.5}
            maximum_message_size: 25
            escalation: {team: [not an address], hourly_cap: many}
            mailboxes:
              - name: support
                address: support@shop.example
                imap: imap.shop.example
                smtp: smtps://u:p@smtp.shop.example
                pasword: x
                password: y
            """)
        let problems = configuration.problems(needing: .everything)
        #expect(
            Set(problems.map(\.key)) == [
                "modee", "mode", "import.since", "automatic.max_age", "draft.floor", "maximum_message_size",
                "escalation.team", "escalation.hourly_cap", "mailboxes.support.imap", "mailboxes.support.smtp",
                "mailboxes.support.pasword", "database.url", "token_keys",
            ])
        #expect(problems.count == 13)
        #expect(problems.first { $0.key == "modee" }?.remedy == "did you mean mode?")
        #expect(problems.first { $0.key == "mode" }?.remedy == "did you mean draft?")
        #expect(problems.first { $0.key == "mode" }?.place == "martlet.yaml line 2")
        #expect(problems.first { $0.key == "mailboxes.support.pasword" }?.remedy == "did you mean password?")
    }

    @Test(arguments: [
        ("escalation_team: [a@example.com]", "escalation_team", nil),
        ("team: [a@example.com]", "team", "did you mean escalation.team? check the indentation"),
        ("databse: {url: x, pooled: no}", "databse", "did you mean database?"),
        ("ack: {dellay: 1s}", "ack.dellay", "did you mean delay?"),
        ("database: {connection: 4}", "database.connection", "did you mean connections?"),
    ])
    func `an unknown key is named with what was meant`(text: String, key: String, remedy: String?) throws {
        let problems = try TemporaryConfiguration(text).problems()
        #expect(problems.map(\.key) == [key])
        if let remedy { #expect(problems.first?.remedy == remedy) }
    }

    @Test(arguments: [
        "database: hunter2-secret", "mailboxes: hunter2-secret", "mode: [hunter2-secret, draft]",
        "token_keys: {k1: hunter2-secret}", "a: hunter2-secret\na: hunter2-secret",
        "database:\n  url: hunter2-secret\n bad: x", "password hunter2-secret", "hunter2-secret!!: x",
        "mailboxes:\n  - hunter2-secret", "mailboxes:\n  - name: hunter2 secret\n    imap: x",
        "mailboxes:\n  - name: a\n    imap: imaps://u:hunter2-secret@x", "draft: {floor: hunter2-secret}",
        "database: {url: a, url_file: hunter2-secret}", "token_key: \"hunter2-secret!: x\"",
    ])
    func `no message repeats a value`(text: String) throws {
        let problems = try TemporaryConfiguration(text).problems(needing: .everything)
        #expect(!problems.isEmpty)
        #expect(!problems.contains { $0.description.contains("hunter2") })
    }

    @Test func `names of mailboxes are plain and used once`() throws {
        let problems = try TemporaryConfiguration(
            """
            mailboxes:
              - {name: a, address: a@shop.example, imap: "imaps://x", smtp: "smtps://x", password: x}
              - {name: a, address: b@shop.example, imap: "imaps://x", smtp: "smtps://x", password: x}
              - {name: Big_Name, address: c@shop.example, imap: "imaps://x", smtp: "smtps://x", password: x}
              - {address: d@shop.example}
            """
        ).problems()
        #expect(Set(problems.map(\.key)) == ["mailboxes[1]", "mailboxes.Big_Name", "mailboxes[3]"])
    }

    @Test func `cleartext is for this machine only`() throws {
        let problems = try TemporaryConfiguration(
            """
            mailboxes:
              - {name: a, address: a@shop.example, imap: "imap://imap.shop.example", smtp: "smtp://127.0.0.1",
                 loopback: yes, password: x}
            """
        ).problems()
        #expect(problems.map(\.key) == ["mailboxes.a.imap"])
    }

    @Test(arguments: ["mode: draft\nmode: answer", "mode: [", "only words"])
    func `of a file that cannot be read nothing else is said to be missing`(text: String) throws {
        #expect(try TemporaryConfiguration(text).problems(needing: .everything).count == 1)
    }

    @Test func `shipped templates that cannot be read are no silence`() throws {
        let configuration = try TemporaryConfiguration(
            Sample.minimal,
            files: Sample.secrets.merging(
                ["data/taxonomies/a.yaml": "", "data/templates/en/reply.mustache": "{{nonsense}}", "own/a.txt": ""],
                uniquingKeysWith: { $1 }))
        let environment = ["MARTLET_DATA": configuration.folder.appending(path: "data").path]
        #expect(configuration.problems(needing: .everything, environment).map(\.key) == ["draft.templates"])
        // Who lists tickets needs none.
        #expect(configuration.problems(needing: .database, environment).isEmpty)
    }

    @Test func `a misspelt variable of the environment is a warning`() throws {
        let configuration = try TemporaryConfiguration("mode: draft")
        let environment = ["MARTLET_DATABSE_URL": "x", "MARTLET_TEST_IMAP_HOST": "x", "MARTLET_DATA": "x"]
        let warnings = try configuration.source(environment).load(needing: []).warnings
        #expect(warnings.map(\.place) == ["environment MARTLET_DATABSE_URL"])
        #expect(warnings.first?.remedy == "did you mean MARTLET_DATABASE_URL?")
    }

    @Test func `a short token key is refused`() throws {
        let problems = try TemporaryConfiguration("token_keys: {k1: short}").problems(needing: .tokenKey)
        #expect(problems.map(\.key) == ["token_keys.k1"])
    }
}

@Suite("Configuration sample") struct ConfigurationSampleTests {
    private func sample() throws -> String {
        try String(contentsOf: Sample.root.appending(path: "Config/martlet.sample.yaml"), encoding: .utf8)
    }

    /// Lines such as `#key: value` are keys that are off.
    private func withAllKeys(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let indent = line.prefix { $0 == " " }
            let rest = line.dropFirst(indent.count)
            guard rest.hasPrefix("#"), !rest.hasPrefix("# "), rest.count > 1 else {
                let isNestedKey = rest.hasPrefix("#  ") && !rest.hasPrefix("#   ")
                return isNestedKey ? indent + rest.dropFirst() : line
            }
            return indent + rest.dropFirst()
        }.joined(separator: "\n")
    }

    @Test func `the sample names every key, and no other`() throws {
        let file = DeskFile(self.withAllKeys(try self.sample()), name: "sample")
        #expect(file.problems.isEmpty)
        let keys = file.entries.filter { $0.value != .section }.map { entry in
            let path = entry.path
            if path[0] == "mailboxes" { return (["mailboxes", "*"] + path.dropFirst(2)).joined(separator: ".") }
            return path[0] == "token_keys" ? "token_keys.*" : path.joined(separator: ".")
        }
        #expect(Set(keys).subtracting(["mailboxes.*.name"]) == ConfigurationReference.keys)
    }

    @Test func `the sample is valid and its values are the defaults`() throws {
        let text = try self.sample()
        let files = [
            "credentials/token-key": Sample.secrets["token-key"] ?? "", "credentials/mailboxes-support-password": "x",
        ]
        #expect(try TemporaryConfiguration(text, files: files).problems(needing: .everything).isEmpty)

        let file = DeskFile(text, name: "sample")
        for field in DeskFields.all { self.expectPreset(field, below: [], in: file) }
        for field in MailboxFields.all { self.expectPreset(field, below: ["mailboxes", "support"], in: file) }
    }

    private func expectPreset<Root>(_ field: ConfigurationField<Root>, below path: [String], in file: DeskFile) {
        guard let preset = field.preset, let entry = file.entry(path + field.path) else { return }
        switch entry.value {
        case .text(let text):
            let isSame =
                text == preset || Quantity.duration(text).map { $0 == Quantity.duration(preset) } ?? false
                || Quantity.size(text).map { $0 == Quantity.size(preset) } ?? false
            #expect(isSame, "\(field.key)")
        case .list(let texts): #expect(texts.isEmpty && preset == "[]", "\(field.key)")
        case .section: Issue.record("\(field.key) is a section")
        }
    }

    /// `MARTLET_UPDATE_GOLDEN=1` writes the page anew.
    @Test func `the page of all keys is up to date`() throws {
        let page = Sample.root.appending(path: "Documentation/configuration.md")
        let marker = "<!-- The tables below are made from the fields; MARTLET_UPDATE_GOLDEN=1 writes them anew. -->\n"
        let text = try String(contentsOf: page, encoding: .utf8)
        let head = try #require(text.components(separatedBy: marker).first)
        let expected = "\(head)\(marker)\n\(ConfigurationReference.markdown)"
        if ProcessInfo.processInfo.environment["MARTLET_UPDATE_GOLDEN"] == "1" {
            try Data(expected.utf8).write(to: page)
        } else {
            #expect(text == expected)
        }
    }
}
