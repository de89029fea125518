import Desk
import DeskModel
import DeskStore
import Foundation
import MIME
import MailTransport
import Postgres
import TestSupport
import Testing

@Suite("Intake through a mailbox", .database(deskMigrations, connections: 6), .timeLimit(.minutes(15)))
struct IntakeRoadTests {
    private func openOffice(
        change: (inout DeskSettings) -> Void = { _ in },
        isolated: @escaping @Sendable ([UInt8]) async throws -> InboundMessage = { MIMEParser.parse($0) }
    ) async throws -> Office {
        let office = try Office(
            change: { settings in
                settings.importSince = .all
                change(&settings)
            }, isolated: isolated)
        return office
    }

    @Test func `mail from before the desk is closed history and asks for nothing`() async throws {
        let office = try Office()
        try await office.deliver(
            (1...5).map { customerMail("Old \($0)", from: "c\($0)@customer.example", id: "o\($0)@x.example") })
        try await office.read(5)
        #expect(try await office.texts("select distinct disposition from folder_item") == ["history"])
        #expect(try await office.count("select count(*) from ticket where status = 'closed' and is_history") == 5)
        #expect(try await office.texts("select distinct kind from job") == ["backfill"])
        #expect(try await office.mails(in: "INBOX").allSatisfy { $0.flags.isEmpty })
    }

    @Test func `a second copy is no second ticket, and other content under the same Message-ID is`() async throws {
        let office = try await self.openOffice()
        let mail = customerMail("Parcel", id: "twice@x.example")
        try await office.deliver([mail, mail])
        try await office.deliver([
            customerMail("Another thing", from: "bob@customer.example", id: "twice@x.example", body: "Something else.")
        ])
        try await office.read(3)
        #expect(
            try await office.texts("select disposition from folder_item order by uid")
                == ["message", "duplicate_of", "message"])
        #expect(try await office.texts("select is_flagged::text from message order by id") == ["false", "true"])
        #expect(try await office.count("select count(*) from ticket") == 2)
    }

    @Test func `a reply joins its ticket`() async throws {
        let office = try await self.openOffice()
        try await office.deliver([customerMail("Parcel", id: "first@x.example")])
        try await office.read(1)
        try await office.deliver([
            customerMail(
                "Re: Parcel", id: "second@x.example", inReplyTo: "first@x.example", body: "It came, thank you.")
        ])
        try await office.read(2)
        #expect(try await office.count("select count(*) from ticket") == 1)
        #expect(try await office.count("select count(*) from message where ticket_id = (select id from ticket)") == 2)
    }

    @Test func `a stranger who names the thread gets a ticket of their own`() async throws {
        let office = try await self.openOffice()
        try await office.deliver([
            customerMail("Parcel", id: "mine@x.example"),
            customerMail(
                "Re: Parcel", from: "mallory@elsewhere.example", id: "theirs@x.example", inReplyTo: "mine@x.example",
                body: "Please send it to my address."),
        ])
        try await office.read(2)
        #expect(
            try await office.texts("select customer_email from ticket order by customer_email")
                == ["ann@customer.example", "mallory@elsewhere.example"])
    }

    @Test func `a mail that the reader gives up on is quarantined and its neighbours are not`() async throws {
        let office = try await self.openOffice(isolated: { _ in throw Office.Unparsed() })
        let poison = customerMail(
            "Poison", id: "poison@x.example", fields: ["Cc: " + String(repeating: "g:", count: 2000) + "a@x.example"])
        try await office.deliver([
            customerMail("Before", from: "before@customer.example", id: "b@x.example"), poison,
            customerMail("After", from: "after@customer.example", id: "a@x.example"),
        ])
        try await office.read(3)
        #expect(
            try await office.texts("select disposition from folder_item order by uid")
                == ["message", "quarantined", "message"])
        let kept = try await office.store.pool.query("select bytes from quarantine").decode([UInt8].self)
        #expect(kept == [poison])
        #expect(try await office.count("select count(*) from job where kind = 'notify'") == 1)
    }

    @Test func `the same broken mail twice is one ticket, and holds nothing up`() async throws {
        let office = try await self.openOffice(isolated: { _ in throw Office.Unparsed() })
        let poison = customerMail(
            "Poison", id: "poison@x.example", fields: ["Cc: " + String(repeating: "g:", count: 2000) + "a@x.example"])
        try await office.deliver([poison, poison])
        try await office.read(2)
        try await office.deliver([poison, customerMail("After", from: "after@customer.example", id: "a@x.example")])
        try await office.read(4)
        #expect(
            try await office.texts("select disposition from folder_item order by uid")
                == ["quarantined", "duplicate_of", "duplicate_of", "message"])
        #expect(try await office.count("select count(*) from ticket") == 2)
        #expect(try await office.count("select count(*) from quarantine") == 1)
    }

    @Test func `a report that names very many addresses is taken like any other`() async throws {
        let office = try await self.openOffice()
        let readers = (1...45).map { "reader\($0)@customer.example" }
        try await office.deliver([
            customerMail("Parcel", id: "p@x.example", fields: ["Cc: \(readers.joined(separator: ",\r\n "))"])
        ])
        try await office.read(1)
        let ticket = TicketID(Int64(try await office.count("select id from ticket")))
        let ours = office.context.signer.messageID(
            for: ThreadToken(ticketID: ticket, sequence: 1), domain: "shop.example")
        let failed = readers.map { "Final-Recipient: rfc822; \($0)\r\nAction: failed\r\nStatus: 5.1.1\r\n" }
        let bounce = String(decoding: GuardRoadTests.bounce(of: ours.text, to: "ann@customer.example"), as: UTF8.self)
            .replacing("Status: 5.1.1\r\n", with: "Status: 5.1.1\r\n\r\n" + failed.joined(separator: "\r\n"))
        try await office.deliver([Array(bounce.utf8)])
        try await office.read(2)
        #expect(try await office.texts("select disposition from folder_item order by uid") == ["message", "message"])
        #expect(try await office.count("select count(*) from delivery_failure") == 46)
    }

    @Test func `a batch that a process died with is halved until the culprit is read in isolation`() async throws {
        let office = try await self.openOffice(isolated: { bytes in
            if String(decoding: bytes, as: UTF8.self).contains("Subject: Culprit") { throw Office.Unparsed() }
            return MIMEParser.parse(bytes)
        })
        try await office.deliver([customerMail("First", from: "c0@customer.example", id: "0@x.example")])
        try await office.read(1)
        try await office.deliver([
            customerMail("Culprit", from: "c1@customer.example", id: "1@x.example"),
            customerMail("Innocent", from: "c2@customer.example", id: "2@x.example"),
        ])
        // What a process leaves behind that was killed while it read these two.
        _ = try await office.store.pool.query(
            """
            insert into intake_attempt (folder_id, uidvalidity, first_uid, last_uid, attempt)
            select id, uidvalidity, 2, 3, 1 from folder
            on conflict (folder_id) do update set first_uid = 2, last_uid = 3, attempt = 1
            """)
        try await office.read(3)
        #expect(
            try await office.texts("select disposition from folder_item order by uid")
                == ["message", "quarantined", "message"])
    }

    @Test func `a mail that is too large is known by its header and shown to a person`() async throws {
        let office = try await self.openOffice { $0.maximumMessageSize = 20_000 }
        let large = customerMail(
            "Large", id: "large@x.example", body: String(repeating: "0123456789 and so on\r\n", count: 2_000))
        try await office.deliver([large, customerMail("Small", from: "s@customer.example", id: "small@x.example")])
        try await office.read(2)
        #expect(
            try await office.texts("select disposition from folder_item order by uid") == ["oversized", "message"])
        #expect(
            try await office.texts("select subject from ticket order by id") == ["Large", "Small"])
        let stored = try await office.count(
            "select max(octet_length(bytes))::int8 from raw_mail join message on id = message_id where subject = 'Large'"
        )
        #expect(stored > 0 && stored < 20_000)
        #expect(try await office.count("select count(*) from job where kind = 'notify'") == 1)
    }

    @Test func `a new UIDVALIDITY makes no new tickets and loses no mail that came meanwhile`() async throws {
        let office = try await self.openOffice()
        try await office.deliver(
            (1...20).map { customerMail("Mail \($0)", from: "c\($0)@customer.example", id: "m\($0)@x.example") })
        // The time of the last good fetch divides known mail from new mail.
        try await office.whileOpen {
            try await office.until("select exists (select from mailbox where last_good_fetch is not null)")
        }
        #expect(try await office.count("select count(*) from folder_item") == 20)
        try await office.deliver([customerMail("Meanwhile", from: "new@customer.example", id: "new@x.example")])
        try self.renumber(office)
        try await office.read(41)
        #expect(try await office.count("select count(distinct uidvalidity) from folder_item") == 2)
        #expect(try await office.count("select count(*) from ticket") == 21)
        #expect(try await office.count("select count(*) from folder_item where disposition = 'duplicate_of'") == 20)
        #expect(
            try await office.texts("select status from ticket where customer_email = 'new@customer.example'") == ["new"]
        )
    }

    /// Takes the server's list of UIDs and its indexes away, as a restored backup would.
    private func renumber(_ office: Office) throws {
        let name = office.user.prefix { $0 != "@" }
        let folder = "\(try Office.variable("MARTLET_TEST_RUN"))/mail/shop.example/\(name)/Maildir"
        for file in try FileManager.default.contentsOfDirectory(atPath: folder)
        where file == "dovecot-uidlist" || file.hasPrefix("dovecot.index") || file.hasPrefix("dovecot.list.index") {
            try FileManager.default.removeItem(atPath: "\(folder)/\(file)")
        }
    }
}
