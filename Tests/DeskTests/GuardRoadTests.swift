import Desk
import DeskModel
import DeskStore
import Foundation
import MIME
import MailTransport
import Postgres
import TestSupport
import Testing
import WorkQueue

@Suite("Guards on the road", .database(deskMigrations, connections: 8), .timeLimit(.minutes(15)))
struct GuardRoadTests {
    private func openOffice(change: (inout DeskSettings) -> Void = { _ in }) throws -> Office {
        try Office(change: { settings in
            settings.importSince = .all
            settings.acknowledgement.delay = .zero
            settings.escalation.team = [MailAddress("team\(UInt64.random(in: 0 ... .max))@staff.example")!]
            change(&settings)
        })
    }

    /// Nothing waits that could still send something.
    private static let isQuiet: SQL = """
        select not exists (select from job where kind in ('acknowledge', 'notify') and state in ('available', 'running'))
            and not exists (select from outbox where state in ('claimed', 'transmitting')
                or state = 'queued' and held_at is null)
        """

    // MARK: - Loops

    @Test func `two desks that answer each other send one mail each`() async throws {
        let first = try self.openOffice()
        try await DatabaseTrait.database(deskMigrations, connections: 8).provideScope(
            for: try #require(Test.current), testCase: Test.Case.current
        ) {
            let second = try Office(change: { settings in
                settings.importSince = .all
                settings.acknowledgement.delay = .zero
            })
            // A person at each desk wrote to the other.
            try await first.deliver([customerMail("Order", from: second.user, id: "a\(second.user)")])
            try await second.deliver([customerMail("Order", from: first.user, id: "b\(first.user)")])
            try await first.whileWorking {
                try await second.whileWorking {
                    for office in [first, second] {
                        try await office.until("select count(*) = 1 from outbox where state = 'sent'")
                        // The other's acknowledgement has come, and was read.
                        try await office.until("select count(*) = 2 from message where direction = 'in'")
                        try await office.until(Self.isQuiet)
                    }
                }
            }
            for office in [first, second] {
                #expect(try await office.count("select count(*) from outbox") == 1)
                #expect(try await office.count("select count(*) from ticket") == 1)
                #expect(
                    try await office.texts("select kind from message order by id") == ["human", "auto_reply"])
            }
        }
    }

    @Test func `a robot with a fresh address each time is cut off, stored, and told`() async throws {
        let office = try self.openOffice { settings in
            settings.automaticCaps.domainPerHour = 3
            settings.automaticCaps.similarPerHour = 100
        }
        let domain = "loop\(UInt64.random(in: 0 ... .max)).example"
        try await office.deliver(
            (1...12).map { number in
                customerMail(
                    "Request", from: "robot\(number)@\(domain)", id: "r\(number)@\(domain)",
                    body: "We have your message \(number) and will look into it as soon as one of us is free.")
            })
        try await office.whileWorking {
            try await office.until("select count(*) = 12 from ticket")
            try await office.until("select count(*) = 12 from outbox where kind = 'acknowledgement'")
            try await office.until("select count(*) = 1 from outbox where kind = 'notice' and state = 'sent'")
            try await office.until(Self.isQuiet)
        }
        #expect(
            try await office.count("select count(*) from outbox where kind = 'acknowledgement' and state = 'sent'") == 3
        )
        #expect(try await office.texts("select key from breaker") == ["domain:\(domain)"])
    }

    @Test func `robots that quote us get no second mail`() async throws {
        let office = try self.openOffice()
        try await office.deliver([customerMail("Request", from: "robot0@loop.example", id: "q0\(office.user)")])
        try await office.whileWorking {
            try await office.until("select count(*) = 1 from outbox where state = 'sent'")
            let id = try await office.texts("select internet_message_id from outbox")[0]
            try await office.deliver([
                customerMail(
                    "Re: Request", from: "robot1@loop.example", id: "q1\(office.user)", inReplyTo: id, body: "Got it."),
                customerMail(
                    "Case 17", from: "robot2@loop.example", id: "q2\(office.user)",
                    body: "You wrote:\r\n> Its number is MT-1001."),
            ])
            try await office.until("select count(*) = 3 from message where direction = 'in'")
            try await office.until(Self.isQuiet)
        }
        #expect(try await office.count("select count(*) from outbox where kind <> 'notice'") == 1)
    }

    @Test func `a marked mail and a complaint let nothing automatic out`() async throws {
        let office = try self.openOffice()
        try await office.deliver([
            customerMail("Parcel", from: "ann@customer.example", id: "m1\(office.user)"),
            customerMail("Parcel", from: "bob@customer.example", id: "m2\(office.user)"),
            customerMail("Parcel", from: "eve@customer.example", id: "m3\(office.user)"),
        ])
        try await office.read(3)
        _ = try await office.store.pool.query(
            "update message set is_flagged = true where sender_address = 'ann@customer.example'")
        _ = try await office.store.pool.query(
            "update customer set automatic_stopped_at = now() where email = 'bob@customer.example'")
        _ = try await office.store.pool.query(
            "update customer set undeliverable_at = now() where email = 'eve@customer.example'")
        try await office.whileWorking {
            try await office.until("select count(*) = 3 from outbox where state not in ('queued', 'claimed')")
        }
        #expect(try await office.texts("select distinct state from outbox") == ["cancelled"])
        #expect(try await office.count("select count(*) from send_ledger") == 0)
    }

    @Test func `a vacation notice gets no answer and moves nothing`() async throws {
        let office = try self.openOffice()
        let name = "away\(UInt64.random(in: 0 ... .max))"
        let customer = "\(name)@customer.example"
        // Looking makes the mailbox, and with it the folder for the script.
        _ = try await office.mails(in: "INBOX", of: customer)
        let home = "\(try Office.variable("MARTLET_TEST_RUN"))/mail/customer.example/\(name)"
        let script = """
            require "vacation";
            vacation :days 1 :addresses ["\(customer)"] "I am away until Monday.";

            """
        try Data(script.utf8).write(to: URL(filePath: "\(home)/.dovecot.sieve"))
        try await office.deliver([customerMail("Parcel", from: customer, id: "v1\(office.user)")])
        try await office.whileWorking {
            // The acknowledgement: its empty return path draws no notice.
            try await office.until("select count(*) = 1 from outbox where state = 'sent'")
            // An agent's answer by their own mail client draws one.
            let session = try await SMTPSession.connect(
                to: office.mailbox.smtp, as: nil, helo: "shop.example", logger: office.context.logger)
            let envelope = SMTPEnvelope(from: office.mailbox.address, recipients: [MailAddress(customer)!])
            let answer = Array(
                String(
                    decoding: customerMail(
                        "Re: Parcel", from: office.user, id: "v2\(office.user)", inReplyTo: "v1\(office.user)",
                        body: "It is on its way."), as: UTF8.self
                ).replacing("To: support@shop.example", with: "To: \(customer)").utf8)
            _ = try await session.send(envelope, message: answer)
            await session.quit()
            try await office.until("select exists (select from message where kind = 'auto_reply')")
            try await office.until(Self.isQuiet)
        }
        #expect(try await office.count("select count(*) from outbox where kind <> 'notice'") == 1)
        #expect(try await office.count("select count(*) from ticket") == 1)
        #expect(try await office.count("select count(*) from message where kind = 'auto_reply'") == 1)
    }

    // MARK: - Notices

    @Test func `beyond the cap notices are told in one digest`() async throws {
        let office = try self.openOffice { $0.escalation.hourlyCap = 3 }
        try await office.deliver(
            (1...10).map { customerMail("Mail \($0)", from: "c\($0)@customer.example", id: "n\($0)\(office.user)") })
        try await office.read(10)
        let team = try #require(office.context.settings.escalation.team.first).address
        let mailbox = try await office.store.mailbox(named: "office", address: office.mailbox.address).id
        let tickets = try await office.store.pool.query("select id from ticket order by id").decode(Int64.self)
        let notices = tickets.enumerated().map { index, ticket in
            OutboxMail(
                id: OutboxID(Int64(600_000 + index)), mailboxID: mailbox, ticketID: TicketID(ticket), kind: .notice,
                internetMessageID: "notice\(index).\(office.user)", envelopeFrom: nil, recipients: [team],
                bytes: customerMail("[MT-\(index)] urgent", from: office.user, id: "notice\(index).\(office.user)"),
                dueAt: nil)
        }
        let queue = office.store.queueStatements(notices)
        _ = try await office.store.pool.withTransaction { try await $0.pipeline(queue) }
        try await office.whileOpen {
            try await office.until("select count(*) = 3 from outbox where kind = 'notice' and state = 'sent'")
            try await office.until("select count(*) = 7 from outbox where held_at is not null")
            // A minute later.
            _ = try await office.store.pool.query("update outbox set held_at = held_at - interval '2 minutes'")
            let upkeep = DeskUpkeep(context: office.context)
            try await upkeep.turn()
            try await upkeep.turn()
            try await office.until("select count(*) = 1 from outbox where kind = 'digest' and state = 'sent'")
        }
        #expect(try await office.count("select count(*) from outbox where kind = 'notice' and state = 'sent'") == 3)
        #expect(
            try await office.count("select count(*) from outbox where kind = 'notice' and state = 'cancelled'") == 7)
        let received = try await office.received(4, by: team)
        #expect(received.count == 4)
        let digest = try #require(received.map { MIMEParser.parse($0.bytes) }.first { $0.subject.hasPrefix("7 more") })
        #expect(digest.bodyText.split(separator: "\n").count { $0.hasPrefix("- [MT-") } == 7)
    }

    // MARK: - What agents and mail systems send

    @Test func `an agent's answer in Sent moves the ticket on, and its bounce reopens it`() async throws {
        let office = try self.openOffice()
        try await office.deliver([customerMail("Parcel", id: "s1\(office.user)")])
        let answer = "answer\(office.user)"
        try await office.whileOpen {
            try await office.until("select count(*) = 1 from ticket")
            // Sent is watched from here on.
            try await office.until("select exists (select from folder where role = 'sent')")
            try await office.deliver(
                [
                    customerMail(
                        "Re: Parcel", from: office.user, id: answer, inReplyTo: "s1\(office.user)",
                        fields: ["Cc: ann@customer.example"], body: "It is on its way.")
                ], to: "Sent")
            try await office.until("select status = 'pending' from ticket")
            try await office.deliver([Self.bounce(of: answer, to: "ann@customer.example")])
            try await office.until("select status = 'open' from ticket")
            try await office.until("select exists (select from mailbox_write where kind = 'mark' and state = 'done')")
        }
        #expect(try await office.count("select count(*) from ticket") == 1)
        #expect(try await office.value("select undeliverable_at is not null from customer"))
        #expect(try await office.value("select bounced_at is not null from message where direction = 'out'"))
        #expect(try await office.count("select count(*) from job where kind = 'notify'") == 1)
        let inbox = try await office.mails(in: "INBOX")
        #expect(inbox.first?.flags.contains(.answered) == true)
    }

    static func bounce(of original: String, to address: String) -> [UInt8] {
        let lines = [
            "From: Mail Delivery System <mailer-daemon@mx.example>", "To: support@shop.example",
            "Subject: Undelivered Mail Returned to Sender", "Message-ID: <bounce.\(original)>",
            "Date: Mon, 5 Jan 2026 11:00:00 +0000", "Auto-Submitted: auto-replied", "MIME-Version: 1.0",
            "Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"", "", "--b", "",
            "The mail could not be delivered.", "", "--b", "Content-Type: message/delivery-status", "",
            "Reporting-MTA: dns; mx.example", "", "Final-Recipient: rfc822; \(address)", "Action: failed",
            "Status: 5.1.1", "", "--b", "Content-Type: text/rfc822-headers", "", "Message-ID: <\(original)>",
            "Subject: Re: Parcel", "", "--b--", "",
        ]
        return Array(lines.joined(separator: "\r\n").utf8)
    }

    @Test func `one mail in two mailboxes is one ticket`() async throws {
        let office = try self.openOffice()
        let mail = customerMail("Parcel", id: "two\(office.user)")
        try await office.deliver([mail])
        try await office.deliver([mail], to: "Archive")
        try await office.read(1)
        var second = office.mailbox
        second.name = "second"
        second.folders.inbox = "Archive"
        try await office.whileOpen(second) {
            try await office.until("select count(*) >= 2 from folder_item")
        }
        #expect(try await office.count("select count(*) from ticket") == 1)
        #expect(
            try await office.texts("select disposition from folder_item order by folder_id")
                == ["message", "duplicate_of"])
    }

    // MARK: - Repair

    @Test func `a split moves mails and what refers to them, and undo brings them back`() async throws {
        let office = try self.openOffice()
        try await office.deliver([
            customerMail("Parcel", id: "p1\(office.user)"),
            customerMail("Re: Parcel", id: "p2\(office.user)", inReplyTo: "p1\(office.user)", body: "Another matter."),
            customerMail("Re: Parcel", id: "p3\(office.user)", inReplyTo: "p2\(office.user)", body: "More of that."),
        ])
        try await office.read(3)
        let number = TicketNumber(Int64(try await office.count("select ticket_number from ticket")))
        let second: SQL = "from message where internet_message_id = \("p2\(office.user)")"
        for statement: SQL in [
            """
            insert into mailbox_write (id, mailbox_id, ticket_id, message_id, kind, internet_message_id, bytes, rank,
                state, finished_at)
            select 1, mailbox_id, ticket_id, id, 'draft', 'draft@shop.example', 'x', 1, 'done', now() \(second)
            """,
            """
            insert into draft (id, ticket_id, message_id, write_id, state, body, content, confidence)
            select 2, ticket_id, id, 1, 'placed', 'x', '{}', 0.5 \(second)
            """,
        ] { _ = try await office.store.pool.execute(statement) }
        let repair = TicketRepair(context: office.context, actor: "kim")
        let split = try await repair.cut(number, at: 2, .split)
        // A draft for a mail that was moved does not stay in the mailbox.
        #expect(
            try await office.count(
                """
                select count(*) from mailbox_write w join ticket t on t.id = w.ticket_id
                where w.kind = 'remove_draft' and w.state = 'planned' and t.ticket_number = \(number.value)
                """) == 1)
        #expect(split.moved.count == 2)
        #expect(try await office.count("select count(*) from ticket") == 2)
        // A reply to a mail that was moved follows it.
        try await office.deliver([
            customerMail("Re: Parcel", id: "p4\(office.user)", inReplyTo: "p3\(office.user)", body: "And more.")
        ])
        try await office.read(4)
        #expect(
            try await office.count(
                "select count(*) from message m join ticket t on t.id = m.ticket_id where t.ticket_number = \(split.number.value)"
            ) == 3)
        _ = try await repair.undo(number)
        #expect(
            try await office.count(
                "select count(*) from message m join ticket t on t.id = m.ticket_id where t.ticket_number = \(number.value)"
            ) == 3)
        #expect(
            try await office.texts("select distinct kind from event where actor = 'kim' order by kind")
                == ["opened", "split", "undone"])
        await #expect(throws: StoreError.self) { try await repair.undo(number) }
    }

    @Test func `a merge leads later replies to the ticket that goes on`() async throws {
        let office = try self.openOffice()
        try await office.deliver([
            customerMail("Parcel", id: "g1\(office.user)"), customerMail("Lid", id: "g2\(office.user)", body: "A lid."),
            customerMail("Other", from: "bob@customer.example", id: "g3\(office.user)"),
        ])
        try await office.read(3)
        let numbers = try await office.store.pool.query("select ticket_number from ticket order by id")
            .decode(Int64.self).map { TicketNumber($0) }
        let repair = TicketRepair(context: office.context, actor: "kim")
        await #expect(throws: StoreError.self) {
            try await repair.merge(numbers[2], into: numbers[0], mixesCustomers: false)
        }
        _ = try await repair.merge(numbers[1], into: numbers[0], mixesCustomers: false)
        let token = office.context.signer.messageID(
            for: ThreadToken(
                ticketID: TicketID(
                    Int64(try await office.count("select id from ticket where ticket_number = \(numbers[1].value)"))),
                sequence: 9), domain: "shop.example")
        try await office.deliver([
            customerMail("Re: Lid", id: "g4\(office.user)", inReplyTo: token.text, body: "To the merged one.")
        ])
        try await office.read(4)
        let counts: SQL = """
            select (select count(*) from message m where m.ticket_id = t.id)::text from ticket t order by t.id
            """
        #expect(try await office.texts(counts) == ["3", "0", "1"])
        _ = try await repair.undo(numbers[1])
        #expect(try await office.texts(counts) == ["2", "1", "1"])
        #expect(
            try await office.texts("select status from ticket where ticket_number = \(numbers[1].value)") == ["new"])
    }

    @Test func `a notice about a ticket that was merged meanwhile is sent about the one that goes on`() async throws {
        let office = try self.openOffice()
        try await office.deliver([
            customerMail("Parcel", id: "n1\(office.user)"), customerMail("The parcel", id: "n2\(office.user)"),
        ])
        try await office.read(2)
        let rows = try await office.store.pool.query("select id, ticket_number from ticket order by id")
        let tickets = try rows.map { row in
            let (id, number) = try row.decode(Int64.self, Int64.self)
            return (id: id, number: TicketNumber(number))
        }
        _ = try await office.context.queue.enqueue(
            [NewJob("notify", key: tickets[0].id, payload: "{\"reason\":\"look at this\"}")], in: office.store.pool)
        _ = try await TicketRepair(context: office.context, actor: "kim").merge(
            tickets[0].number, into: tickets[1].number, mixesCustomers: false)
        try await office.whileWorking {
            try await office.until("select exists (select from outbox where kind = 'notice' and state = 'sent')")
        }
        #expect(
            try await office.texts("select ticket_id::text from outbox where kind = 'notice'")
                == [String(tickets[1].id)])
    }

    @Test func `a quarantined mail that can be read later becomes a mail like any other`() async throws {
        let broken = try Office(
            change: { $0.importSince = .all }, isolated: { _ in throw Office.Unparsed() })
        let poison = customerMail(
            "Poison", id: "poison\(broken.user)",
            fields: ["Cc: " + String(repeating: "g:", count: 2000) + "a@x.example"])
        try await broken.deliver([poison])
        try await broken.whileOpen {
            try await broken.until("select exists (select from quarantine)")
            try await broken.until("select exists (select from mailbox_write where kind = 'mark' and state = 'done')")
        }
        #expect(try await broken.mails(in: "INBOX").first?.flags.contains(MailFlag("needs-eyes")!) == true)
        let held = Int64(try await broken.count("select id from quarantine"))
        await #expect(throws: StoreError.self) {
            try await QuarantineReplay(context: broken.context).run(held, actor: "kim")
        }
        let mended = DeskContext(
            settings: broken.context.settings, store: broken.store, queue: broken.context.queue,
            parser: MailReader(settings: broken.context.settings, isolated: { MIMEParser.parse($0) }),
            logger: broken.context.logger)
        let result = try await QuarantineReplay(context: mended).run(held, actor: "kim")
        #expect(result.number != nil)
        #expect(try await broken.texts("select state from quarantine") == ["replayed"])
        #expect(try await broken.texts("select disposition from folder_item") == ["message"])
        #expect(try await broken.texts("select subject from ticket where status = 'new'") == ["Poison"])
        #expect(try await broken.count("select count(*) from job where kind = 'triage'") == 1)
    }

    @Test func `the sender of a mail that is too large is told how to send it`() async throws {
        let office = try self.openOffice { $0.maximumMessageSize = 20_000 }
        let sender = "big\(UInt64.random(in: 0 ... .max))@customer.example"
        try await office.deliver([
            customerMail(
                "Large", from: sender, id: "l\(office.user)",
                body: String(repeating: "0123456789 and so on\r\n", count: 2_000))
        ])
        try await office.whileWorking {
            try await office.until("select count(*) = 1 from outbox where kind = 'size_advice' and state = 'sent'")
            try await office.until(Self.isQuiet)
        }
        #expect(try await office.count("select count(*) from outbox where kind = 'acknowledgement'") == 0)
        let mails = try await office.received(1, by: sender)
        #expect(mails.map { MIMEParser.parse($0.bytes).subject.hasPrefix("Your message is too large") } == [true])
    }

    @Test func `why tells of a mail what would become of it, and changes nothing`() async throws {
        let office = try self.openOffice()
        let mail = customerMail("Parcel", id: "w1\(office.user)")
        let before = try await MailExplanation.of(mail, mailbox: office.mailbox, context: office.context)
        #expect(before.opensTicket && before.mayBeAcknowledged && before.knownAs == nil)
        try await office.deliver([mail])
        try await office.read(1)
        let after = try await MailExplanation.of(mail, mailbox: office.mailbox, context: office.context)
        #expect(after.knownAs != nil && !after.opensTicket && after.ticket != nil)
        let reply = customerMail("Re: Parcel", id: "w2\(office.user)", inReplyTo: "w1\(office.user)", body: "Thanks!")
        let joined = try await MailExplanation.of(reply, mailbox: office.mailbox, context: office.context)
        #expect(joined.ticket == after.ticket && joined.isThanks && !joined.isAnalysed)
        #expect(try await office.count("select count(*) from message") == 1)
    }
}
