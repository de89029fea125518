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
        // The desk may have been closed between filing the new one and removing the old one: the next start does it, or
        // finds that it was done and not yet stored.
        try await office.whileOpen {
            try await office.until("select state in ('removed', 'vanished') from draft where id = 1")
        }
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
