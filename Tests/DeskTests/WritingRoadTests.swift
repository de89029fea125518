import Desk
import DeskModel
import DeskStore
import Foundation
import MailTransport
import Postgres
import TestSupport
import Testing

@Suite("Writing into a mailbox", .database(deskMigrations, connections: 6), .timeLimit(.minutes(15)))
struct WritingRoadTests {
    private static let received = Date(timeIntervalSince1970: 1_767_600_000)

    /// An office with one customer's mail and its ticket.
    private func office(change: (inout DeskSettings) -> Void = { _ in }) async throws -> Office {
        let office = try Office(change: { settings in
            settings.importSince = .all
            change(&settings)
        })
        try await office.deliver([customerMail("Parcel", id: "parcel@x.example")])
        try await office.read(1)
        return office
    }

    private func write(
        _ id: Int64, _ kind: MailboxWrite.Kind, in office: Office, flags: [String], date: Date? = nil
    ) async throws -> MailboxWrite {
        let name = "write\(id).\(office.user)"
        let ticket = TicketID(Int64(try await office.count("select id from ticket")))
        let message = StoredMessageID(Int64(try await office.count("select id from message")))
        return MailboxWrite(
            id: id, mailboxID: try await office.store.mailbox(named: "office", address: office.mailbox.address).id,
            ticketID: ticket, messageID: message, kind: kind, internetMessageID: kind == .mark ? nil : name,
            bytes: kind == .mark ? nil : customerMail("Written \(id)", from: office.user, id: name), flags: flags,
            internalDate: date, rank: 2)
    }

    private func plan(_ writes: [MailboxWrite], in office: Office) async throws {
        _ = try await office.store.pool.withTransaction { transaction in
            try await transaction.pipeline(office.store.planStatements(writes))
        }
    }

    @Test func `a note, a draft and marks land where the agent looks, with their flags and dates`() async throws {
        let office = try await self.office()
        try await self.plan(
            [
                self.write(1, .note, in: office, flags: ["\\Seen"], date: Self.received),
                self.write(2, .draft, in: office, flags: ["\\Draft"]),
                self.write(3, .mark, in: office, flags: ["\\Flagged", "urgent", "$label1"]),
            ], in: office)
        try await office.whileOpen {
            try await office.until("select count(*) = 3 from mailbox_write where state = 'done'")
        }
        let inbox = try await office.mails(in: "INBOX")
        #expect(inbox.count == 2)
        #expect(inbox.first?.flags == [.flagged, MailFlag("urgent")!, MailFlag("$label1")!])
        #expect(inbox.last?.flags == [.seen])
        #expect(inbox.last?.internalDate == Self.received)
        let drafts = try await office.mails(in: "Drafts")
        #expect(drafts.map(\.flags) == [[.draft]])
    }

    @Test func `after a crash what is on the server is not written again, and what is not is`() async throws {
        let office = try await self.office()
        let writes = [
            try await self.write(1, .draft, in: office, flags: ["\\Draft"]),
            try await self.write(2, .note, in: office, flags: ["\\Seen"], date: Self.received),
        ]
        try await self.plan(writes, in: office)
        // The process died between the draft's APPEND and the commit of its UID, and before the note's APPEND.
        _ = try await office.store.pool.query("update mailbox_write set state = 'writing', attempt = 1")
        try await office.deliver([writes[0].bytes ?? []], to: "Drafts")
        try await office.whileOpen {
            try await office.until("select count(*) = 2 from mailbox_write where state = 'done'")
        }
        #expect(try await office.mails(in: "Drafts").count == 1)
        #expect(try await office.mails(in: "INBOX").count == 2)
    }

    @Test(arguments: [false, true])
    func `a draft that somebody edited before it was found again counts as touched`(isEdited: Bool) async throws {
        let office = try await self.office()
        let draft = try await self.write(1, .draft, in: office, flags: ["\\Draft"])
        try await self.plan([draft], in: office)
        _ = try await office.store.pool.query(
            """
            insert into draft (id, ticket_id, message_id, write_id, state, body, content, confidence)
            values (1, \(draft.ticketID.rawValue), \(draft.messageID?.rawValue), 1, 'planned', 'Hello', '{}', 0.5)
            """)
        // The process died right after APPEND, and a client saved its own words under the same Message-ID.
        _ = try await office.store.pool.query("update mailbox_write set state = 'writing', attempt = 1")
        try await office.deliver(
            [(draft.bytes ?? []) + Array((isEdited ? "Kind regards, Kim\r\n" : "").utf8)], to: "Drafts")
        try await office.whileOpen {
            try await office.until("select state = 'placed' from draft")
            _ = try await office.store.pool.query("update draft set state = 'superseded'")
            let next = try await self.write(2, .draft, in: office, flags: ["\\Draft"])
            try await self.plan([next], in: office)
            try await office.until("select state in ('done', 'failed') from mailbox_write where id = 2")
            try await office.until("select state in ('touched', 'removed') from draft")
        }
        #expect(try await office.texts("select state from draft") == [isEdited ? "touched" : "removed"])
        let bodies = try await office.mails(in: "Drafts").map { String(decoding: $0.bytes, as: UTF8.self) }
        #expect(bodies.count == 1 && bodies[0].contains("Kim") == isEdited)
    }

    @Test func `the draft of an answer that went out by itself is taken away`() async throws {
        let office = try await self.office()
        let draft = try await self.write(1, .draft, in: office, flags: ["\\Draft"])
        try await self.plan([draft], in: office)
        _ = try await office.store.pool.query(
            """
            insert into draft (id, ticket_id, message_id, write_id, state, body, content, confidence)
            values (1, \(draft.ticketID.rawValue), \(draft.messageID?.rawValue), 1, 'planned', 'Hello', '{}', 0.95)
            """)
        try await office.whileOpen {
            try await office.until("select state = 'placed' and fingerprint is not null from draft")
            #expect(try await office.mails(in: "Drafts").count == 1)
            let customer = try await office.texts("select customer_email from ticket")
            let answer = OutboxMail(
                id: OutboxID(2), mailboxID: draft.mailboxID, ticketID: draft.ticketID, kind: .answer,
                internetMessageID: "answer.\(office.user)", envelopeFrom: nil, recipients: customer,
                bytes: customerMail("Re: Parcel", from: office.user, id: "answer.\(office.user)"), dueAt: nil)
            _ = try await office.store.pool.withTransaction {
                try await $0.pipeline(office.store.queueStatements([answer]))
            }
            try await office.until("select state = 'removed' from draft")
        }
        #expect(try await office.texts("select state from outbox") == ["sent"])
        #expect(try await office.texts("select status from ticket") == ["pending"])
        #expect(try await office.mails(in: "Drafts").isEmpty)
    }

    @Test func `nothing is written while drafts are paused or held`() async throws {
        let office = try await self.office()
        try await office.store.pause(.drafts, by: "test", reason: "")
        try await self.plan([self.write(1, .draft, in: office, flags: ["\\Draft"])], in: office)
        try await office.whileOpen {
            // That the desk is at work shows in mail that comes meanwhile.
            try await office.deliver([customerMail("Another", from: "b@customer.example", id: "another@x.example")])
            try await office.until("select count(*) = 2 from folder_item")
            #expect(try await office.texts("select state from mailbox_write") == ["planned"])
            try await office.store.resume(.drafts)
            try await office.until("select state = 'done' from mailbox_write")
        }
        #expect(try await office.mails(in: "Drafts").count == 1)
    }

    @Test func `a mailbox in mode observe is only read`() async throws {
        let office = try await self.office { $0.mode = .observe }
        try await self.plan([self.write(1, .draft, in: office, flags: ["\\Draft"])], in: office)
        try await office.deliver([customerMail("Another", from: "b@customer.example", id: "another@x.example")])
        try await office.read(2)
        #expect(try await office.texts("select state from mailbox_write") == ["planned"])
        #expect(try await office.mails(in: "Drafts").isEmpty)
        #expect(try await office.mails(in: "INBOX").allSatisfy { $0.flags.isEmpty })
    }
}
