import Desk
import DeskModel
import Foundation
import MailTransport
import Testing

@testable import DeskStore
@testable import martlet

/// Addresses of the test servers.
private struct TestServers {
    let databaseURL: String
    let adminURL: String
    let imapPort: Int
    let imapsPort: Int
    let smtpPort: Int
    let caFile: String

    /// Fails without servers: a test that skips proves nothing.
    init() throws {
        let environment = ProcessInfo.processInfo.environment
        func value(_ name: String) throws -> String {
            try #require(
                environment[name], "no servers: Scripts/stack up --dir .martlet/stack && . .martlet/stack/env")
        }
        self.databaseURL = try value("MARTLET_DATABASE_URL")
        self.adminURL = try value("MARTLET_TEST_ADMIN_URL")
        self.imapPort = try #require(Int(try value("MARTLET_TEST_IMAP_PORT")))
        self.imapsPort = try #require(Int(try value("MARTLET_TEST_IMAPS_PORT")))
        self.smtpPort = try #require(Int(try value("MARTLET_TEST_SMTP_PORT")))
        self.caFile = try value("MARTLET_TEST_CA")
    }

    func imap(_ change: (inout MailEndpoint) -> Void = { _ in }) -> MailEndpoint {
        var endpoint = MailEndpoint(host: "localhost", port: self.imapsPort, security: .tls, caFile: self.caFile)
        change(&endpoint)
        return endpoint
    }

    func mailbox(_ imap: MailEndpoint, password: String = "martlet-test") throws -> MailboxSettings {
        let smtp = MailEndpoint(host: "localhost", port: self.smtpPort, security: .startTLS, caFile: self.caFile)
        var mailbox = MailboxSettings(
            name: "support", imap: imap, smtp: smtp, user: "doctor@shop.example", password: Secret(password),
            address: try #require(MailAddress("doctor@shop.example")))
        mailbox.smtpLogin = .none
        return mailbox
    }
}

@Suite("Doctor of mailboxes") struct DoctorMailboxTests {
    private let servers: TestServers

    init() throws { self.servers = try TestServers() }

    private func findings(_ mailbox: MailboxSettings) async -> [Finding] {
        await MailboxCheck(mailbox: mailbox, settings: DeskSettings(), store: nil).findings()
    }

    @Test func `a folder that after_import names has to be there`() async throws {
        var mailbox = try self.servers.mailbox(self.servers.imap())
        mailbox.afterImport = .move(folder: "Done")
        let finding = try #require(await self.findings(mailbox).first { $0.check == "folders support" })
        #expect(finding.outcome == .fail && finding.text.contains("Done"))
    }

    private func imapFinding(_ mailbox: MailboxSettings) async throws -> Finding {
        try #require(await self.findings(mailbox).first { $0.check == "imap support" })
    }

    @Test func `servers that work are well, and the first start is foretold`() async throws {
        let findings = await self.findings(try self.servers.mailbox(self.servers.imap()))
        #expect(findings.map(\.check) == ["imap support", "folders support", "mail support", "smtp support"])
        #expect(findings.allSatisfy { $0.outcome == .ok }, "\(findings.map(\.text))")
        #expect(findings.first { $0.check == "mail support" }?.detail.contains("0 will be answered") == true)
    }

    @Test func `a wrong password is called one`() async throws {
        let finding = try await self.imapFinding(try self.servers.mailbox(self.servers.imap(), password: "wrong-7"))
        #expect(finding.outcome == .fail)
        #expect(finding.detail.contains("refused user and password"))
        #expect(!finding.text.contains("wrong-7"))
    }

    @Test func `an unknown authority is called one`() async throws {
        let endpoint = self.servers.imap { $0.caFile = nil }
        let finding = try await self.imapFinding(try self.servers.mailbox(endpoint))
        #expect(finding.detail.contains("is not trusted"))
        #expect(finding.remedy?.contains("ca_file") == true)
    }

    @Test func `a server that is down is called so`() async throws {
        let endpoint = self.servers.imap { $0.port = 1 }
        let finding = try await self.imapFinding(try self.servers.mailbox(endpoint))
        #expect(finding.detail.contains("nobody answers at localhost:1"))
    }

    @Test func `TLS on a port without it is told apart from a bad certificate`() async throws {
        let endpoint = self.servers.imap { $0.port = self.servers.imapPort }
        let finding = try await self.imapFinding(try self.servers.mailbox(endpoint))
        #expect(finding.outcome == .fail)
        #expect(finding.detail.contains("TLS with"))
    }

    @Test func `a password never crosses an open link`() async throws {
        let endpoint = MailEndpoint(host: "127.0.0.1", port: self.servers.imapPort, security: .none)
        let finding = try await self.imapFinding(try self.servers.mailbox(endpoint))
        #expect(finding.detail.contains("unencrypted"))
    }

    @Test func `a folder that is misspelt is named with what was meant`() async throws {
        var mailbox = try self.servers.mailbox(self.servers.imap())
        mailbox.folders.drafts = "Darfts"
        let finding = try #require(await self.findings(mailbox).first { $0.check == "folders support" })
        #expect(finding.outcome == .fail)
        #expect(finding.remedy == "did you mean Drafts?")
    }
}

@Suite("Doctor of the database") struct DoctorDatabaseTests {
    private let servers: TestServers

    init() throws { self.servers = try TestServers() }

    private func findings(_ url: String) async -> [String: Finding] {
        var settings = DeskSettings()
        settings.database.url = Secret(url)
        let findings = await DatabaseCheck.findings(settings)
        return Dictionary(findings.map { ($0.check, $0) }) { first, _ in first }
    }

    @Test func `a sound database is well`() async throws {
        let findings = await self.findings(self.servers.databaseURL)
        for check in ["database", "database version", "pgvector", "role", "clock"] {
            #expect(findings[check]?.outcome == .ok, "\(findings[check]?.text ?? check)")
        }
    }

    @Test func `a superuser is warned about`() async throws {
        let finding = try #require(await self.findings(self.servers.adminURL)["role"])
        #expect(finding.outcome == .warn)
        #expect(finding.detail.contains("is a superuser"))
    }

    @Test(arguments: [
        ("/no_such_database", "the database does not exist"), ("no_such_role@", "the database role does not exist"),
        (":1/", "the database cannot be reached"),
    ])
    func `what is wrong with the address is told apart`(change: String, words: String) async throws {
        var parts = try #require(URLComponents(string: self.servers.databaseURL))
        switch change {
        case "/no_such_database": parts.path = change
        case ":1/": parts.port = 1
        default: parts.user = "no_such_role"
        }
        let url = try #require(parts.string)
        let finding = try #require(await self.findings(url)["database"])
        #expect(finding.outcome == .fail)
        #expect(finding.detail.contains(words), "\(finding.detail)")
    }

    @Test func `a URL that cannot be read is not repeated`() async throws {
        for url in ["postgresql://u:hunter2%zz@h/d", "hunter2", "postgresql://u:hunter2@h:x/d"] {
            let finding = try #require(await self.findings(url)["database"])
            #expect(finding.outcome == .fail)
            #expect(!finding.text.contains("hunter2"), "\(finding.text)")
        }
    }

    @Test func `a database without pgvector and tables is told what to do`() async throws {
        var parts = try #require(URLComponents(string: self.servers.databaseURL))
        parts.path = "/postgres"
        let url = try #require(parts.string)
        let findings = await self.findings(url)
        #expect(findings["pgvector"]?.remedy == "as a superuser, in this database: create extension vector")
        #expect(findings["tables"]?.remedy == "run martlet migrate")
    }

    @Test func `versions and clocks that do not do are called out`() {
        var health = DatabaseHealth(
            version: 140_011, vectorVersion: "0.6.2", isVectorAvailable: true, role: "r", isSuperuser: false,
            bypassesRowSecurity: true, ownsTables: true, now: Date(timeIntervalSince1970: 100))
        #expect(DatabaseCheck.version(health).outcome == .fail)
        #expect(DatabaseCheck.vector(health).outcome == .fail)
        #expect(DatabaseCheck.role(health).outcome == .warn)
        func outcome(_ from: Double, _ to: Double) -> Finding.Outcome {
            let asked = Date(timeIntervalSince1970: from)...Date(timeIntervalSince1970: to)
            return DatabaseCheck.clock(health, asked: asked).outcome
        }
        #expect(outcome(200, 200) == .warn && outcome(80, 90) == .warn)
        #expect(outcome(101, 101) == .ok)
        // A slow answer is no skew.
        #expect(outcome(60, 200) == .ok)
        health.vectorVersion = "0.10.1"
        health.version = 150_000
        #expect(DatabaseCheck.vector(health).outcome == .ok)
        #expect(DatabaseCheck.version(health).outcome == .ok)
    }
}
