import Desk
import DeskModel
import DeskStore
import Foundation
import MailTransport
import Postgres
import ScriptedServer
import TestSupport
import Testing

/// The desk on servers with the manners of large providers. Documentation/providers.md says what was tried where.
@Suite("Mailboxes at providers", .database(deskMigrations, connections: 6), .timeLimit(.minutes(15)))
struct ProviderRoadTests {
    enum Provider: String, CaseIterable, Sendable {
        case gmail, exchange

        var manners: ProviderServer.Manners {
            switch self {
            case .gmail: .gmail
            case .exchange: .exchange
            }
        }
        var drafts: String { self == .gmail ? "[Gmail]/Drafts" : "Drafts" }
    }

    /// An office at a provider, which knows no password.
    private struct Branch {
        let server: ProviderServer
        let issuer: FakeServer
        let office: Office

        init(_ provider: Provider, token: String = "token-1", change: (inout DeskSettings) -> Void = { _ in }) throws {
            let server = ProviderServer(provider.manners, token: "token-1")
            let body = "{\"access_token\":\"\(token)\",\"expires_in\":3600}"
            let issuer = FakeServer([
                .expect("POST"), .expect("Content-Length"),
                .say(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n"
                        + "Connection: close\r\n\r\n\(body)"),
            ])
            self.server = server
            self.issuer = issuer
            self.office = try Office(
                imap: MailEndpoint(host: "127.0.0.1", port: server.port, security: .none, allowsCleartextLogin: true),
                waits: false
            ) { settings in
                settings.importSince = .all
                settings.mailboxes[0].serverFilesSent = true
                settings.mailboxes[0].oauth = OAuthTokenSource(
                    url: "http://127.0.0.1:\(issuer.port)/token", clientID: "desk", clientSecret: Secret(""),
                    refreshToken: Secret("refresh"))
                change(&settings)
            }
        }

        func plan(_ writes: [MailboxWrite]) async throws {
            _ = try await self.office.store.pool.withTransaction { transaction in
                try await transaction.pipeline(self.office.store.planStatements(writes))
            }
        }

        func write(_ id: Int64, _ kind: MailboxWrite.Kind, flags: [String]) async throws -> MailboxWrite {
            let name = "write\(id).\(self.office.user)"
            let mailbox = try await self.office.store.mailbox(named: "office", address: self.office.mailbox.address).id
            let ticket = TicketID(Int64(try await self.office.count("select min(id) from ticket")))
            let message = StoredMessageID(Int64(try await self.office.count("select min(id) from message")))
            return MailboxWrite(
                id: id, mailboxID: mailbox, ticketID: ticket, messageID: message, kind: kind,
                internetMessageID: kind == .mark ? nil : name,
                bytes: kind == .mark ? nil : customerMail("Written \(id)", from: self.office.user, id: name),
                flags: flags, internalDate: nil, rank: 2)
        }

        /// A draft's row, as the answering step writes it beside the intent.
        func draft(of write: MailboxWrite, state: String) async throws {
            _ = try await self.office.database.pool.query(
                """
                insert into draft (id, ticket_id, message_id, write_id, state, body, content, confidence)
                values (\(write.id), \(write.ticketID.rawValue), \(write.messageID?.rawValue), \(write.id), \(state),
                    'Hello', '{}', 0.5)
                """)
        }
    }

    @Test(arguments: Provider.allCases)
    func `each mail is one ticket, and reading leaves no trace`(provider: Provider) async throws {
        let branch = try Branch(provider)
        defer { branch.server.stop() }
        let office = branch.office
        for number in 0..<3 {
            branch.server.deliver(
                customerMail("Mail \(number)", from: "c\(number)@customer.example", id: "m\(number)@x.example"))
        }
        try await office.whileOpen {
            try await office.until("select count(*) = 3 from folder_item")
            // The fourth comes while the desk waits in IDLE.
            branch.server.deliver(customerMail("Mail 3", from: "c3@customer.example", id: "m3@x.example"))
            try await office.until("select count(*) = 4 from folder_item")
        }
        #expect(try await office.count("select count(*) from ticket") == 4)
        #expect(branch.server.mails(in: "INBOX").allSatisfy { $0.flags.isEmpty })
        let log = branch.server.log
        #expect(log.contains { $0.hasPrefix("EXAMINE INBOX") } && !log.contains { $0.hasPrefix("UID STORE") })
        #expect(log.filter { $0.hasPrefix("LOGIN") || $0.hasPrefix("AUTHENTICATE PLAIN") }.isEmpty)
        #expect(log.contains { $0.hasPrefix("AUTHENTICATE") })
    }

    @Test(arguments: Provider.allCases)
    func `drafts, notes and marks land where the provider keeps them`(provider: Provider) async throws {
        let branch = try Branch(provider)
        defer { branch.server.stop() }
        let office = branch.office
        branch.server.deliver(customerMail("Parcel", id: "parcel@x.example"))
        try await office.read(1)
        let draft = try await branch.write(2, .draft, flags: ["\\Draft"])
        try await branch.plan(
            [
                try await branch.write(1, .note, flags: ["\\Seen"]), draft,
                try await branch.write(3, .mark, flags: ["\\Flagged", "urgent"]),
            ])
        try await branch.draft(of: draft, state: "planned")
        try await office.whileOpen {
            try await office.until("select count(*) = 3 from mailbox_write where state = 'done'")
            try await office.until("select fingerprint is not null from draft")
        }
        #expect(branch.server.mails(in: provider.drafts).map(\.flags) == [["\\Draft"]])
        let inbox = branch.server.mails(in: "INBOX")
        #expect(inbox.count == 2 && inbox.last?.flags == ["\\Seen"])
        // Keywords go where they are kept; elsewhere they are not even sent.
        #expect(inbox.first?.flags == (provider == .gmail ? ["\\Flagged", "urgent"] : ["\\Flagged"]))
        #expect(branch.server.log.contains { $0.contains("urgent") } == (provider == .gmail))
    }

    @Test(arguments: Provider.allCases)
    func `a draft that the server files in other words is known again after a crash`(provider: Provider) async throws {
        let branch = try Branch(provider)
        defer { branch.server.stop() }
        let office = branch.office
        branch.server.deliver(customerMail("Parcel", id: "parcel@x.example"))
        try await office.read(1)
        let draft = try await branch.write(1, .draft, flags: ["\\Draft"])
        try await branch.plan([draft])
        try await branch.draft(of: draft, state: "planned")
        try await office.whileOpen { try await office.until("select state = 'done' from mailbox_write") }
        // As if the process had died before it could store where the draft went.
        _ = try await office.database.pool.query(
            "update mailbox_write set state = 'writing', finished_at = null, uid = null, uidvalidity = null")
        try await office.whileOpen { try await office.until("select state = 'done' and uid = 1 from mailbox_write") }
        #expect(branch.server.mails(in: provider.drafts).count == 1)
    }

    @Test(arguments: Provider.allCases)
    func `an untouched draft gives way to a new one`(provider: Provider) async throws {
        let branch = try Branch(provider)
        defer { branch.server.stop() }
        let office = branch.office
        branch.server.deliver(customerMail("Parcel", id: "parcel@x.example"))
        try await office.read(1)
        for id in Int64(1)...2 {
            let draft = try await branch.write(id, .draft, flags: ["\\Draft"])
            _ = try await office.database.pool.query("update draft set state = 'superseded' where state = 'placed'")
            try await branch.plan([draft])
            try await branch.draft(of: draft, state: "planned")
            try await office.whileOpen {
                try await office.until("select state = 'done' from mailbox_write where id = \(id)")
                try await office.until(
                    "select state = 'placed' and fingerprint is not null from draft where id = \(id)")
            }
        }
        // The desk may have been closed between filing the new one and removing the old one: the next start does it.
        try await office.whileOpen { try await office.until("select state = 'removed' from draft where id = 1") }
        let left = branch.server.mails(in: provider.drafts)
        #expect(left.count == 1)
        #expect(left.first.map { String(decoding: $0.bytes, as: UTF8.self).contains("Subject: Written 2") } == true)
        // At Gmail what is removed lies in the Trash for a while; it is in nobody's way there.
        #expect(branch.server.mails(in: "[Gmail]/Trash").count == (provider == .gmail ? 1 : 0))
        #expect(try await office.count("select count(*) from ticket") == 1)
    }

    @Test(arguments: Provider.allCases)
    func `what the provider files as sent is not filed twice`(provider: Provider) async throws {
        let branch = try Branch(provider) { $0.mailboxes[0].smtpLogin = .none }
        defer { branch.server.stop() }
        let office = branch.office
        try await office.queue(["c\(UInt64.random(in: 0 ... .max))@customer.example"])
        try await office.whileOpen { try await office.until("select state = 'sent' from outbox") }
        #expect(try await office.count("select count(*) from mailbox_write") == 0)
        #expect(!branch.server.log.contains { $0.hasPrefix("APPEND") })
    }

    @Test(arguments: Provider.allCases)
    func `a refused token is said, and nothing else is tried`(provider: Provider) async throws {
        let branch = try Branch(provider, token: "stale")
        defer { branch.server.stop() }
        let office = branch.office
        let mailbox = office.mailbox
        let error = await #expect(throws: MailError.self) {
            _ = try await MailboxConnection.open(mailbox, logger: office.context.logger)
        }
        #expect(error?.code == .authenticationFailed)
        #expect(branch.server.log.filter { $0.hasPrefix("AUTHENTICATE") }.count == 1)
        #expect(!branch.server.log.contains { $0.hasPrefix("LOGIN") })
    }
}
