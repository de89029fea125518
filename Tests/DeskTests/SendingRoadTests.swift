import ConnectionThread
import Desk
import DeskModel
import DeskStore
import Foundation
import MailTransport
import Postgres
import ScriptedServer
import TestSupport
import Testing

@Suite("Sending through a server", .database(deskMigrations, connections: 6), .timeLimit(.minutes(15)))
struct SendingRoadTests {
    /// A server that greets and then plays `mails` over one connection.
    private func server(_ mails: [FakeServer.Step]) -> (FakeServer, MailEndpoint) {
        let server = FakeServer(FakeServer.Step.smtpServer(mails))
        return (server, MailEndpoint(host: "127.0.0.1", port: server.port, security: .none))
    }

    /// One mail that the server takes.
    private static func taking(_ before: FakeServer.Step? = nil) -> [FakeServer.Step] {
        [.expect("MAIL FROM"), .say("250 ok\r\n"), .expect("RCPT TO"), .say("250 ok\r\n"), .expect("DATA")]
            + (before.map { [$0] } ?? [])
            + [.say("354 go on\r\n"), .expect("The-last-line"), .expect("."), .say("250 taken\r\n")]
    }

    private func states(_ office: Office) async throws -> [String] {
        try await office.texts("select state from outbox order by id")
    }

    @Test func `a mail whose reply never came is uncertain and is not sent again`() async throws {
        // Cut after the final dot, on every connection.
        let (server, endpoint) = self.server(Array(Self.taking().dropLast()) + [.close])
        let office = try Office(smtp: endpoint)
        try await office.queue(["one@customer.example"])
        try await office.whileOpen {
            try await office.until("select exists (select from outbox where state = 'uncertain')")
            // The second one shows that the desk went on to send, and left the first alone.
            try await office.queue(["two@customer.example"], first: 2)
            try await office.until("select count(*) = 2 from outbox where state = 'uncertain'")
        }
        #expect(server.lines.filter { $0 == "Subject: Number 1" }.count == 1)
        #expect(server.lines.filter { $0 == "Subject: Number 2" }.count == 1)
        #expect(
            try await office.count("select count(*) from job where kind = 'notify' and key in (900001, 900002)") == 2)
        #expect(try await office.count("select count(*) from send_ledger") == 2)
    }

    @Test(arguments: [OutboxMail.Kind.acknowledgement, .answer])
    func `a person's word sends an uncertain mail again, whatever became of the ticket`(
        kind: OutboxMail.Kind
    ) async throws {
        let (_, endpoint) = self.server(Array(Self.taking().dropLast()) + [.close])
        let office = try Office(smtp: endpoint)
        let customer = "again\(UInt64.random(in: 0 ... .max))@customer.example"
        try await office.queue([customer])
        _ = try await office.store.pool.query("update outbox set kind = \(kind.rawValue)")
        try await office.whileOpen { try await office.until("select state = 'uncertain' from outbox") }
        _ = try await office.store.decideOutbox(OutboxID(700_001), .resend, actor: "kim")
        try await Office(name: "office").whileOpen {
            try await office.until("select state not in ('queued', 'claimed', 'transmitting') from outbox")
        }
        #expect(try await self.states(office) == ["sent"])
        #expect(try await office.received(1, by: customer).count == 1)
    }

    @Test func `no word of a person sends to somebody who complained`() async throws {
        let office = try Office()
        try await office.queue(["nobody@refused.test"])
        try await office.whileOpen { try await office.until("select state = 'failed' from outbox") }
        _ = try await office.store.pool.query("update customer set automatic_stopped_at = now()")
        _ = try await office.store.decideOutbox(OutboxID(700_001), .resend, actor: "kim")
        try await office.whileOpen { try await office.until("select state = 'cancelled' from outbox") }
    }

    @Test func `what the server said is not forgotten when the database is away for a moment`() async throws {
        let isTaking = Locked(false)
        let (_, endpoint) = self.server(
            Self.taking(
                .waitUntil {
                    isTaking.withLock { $0 = true }
                    return true
                }))
        let port = try #require(URLComponents(string: try Office.variable("MARTLET_DATABASE_URL"))?.port)
        let losses = Locked(0)
        let proxy = FaultProxy(before: port) { _ in
            .swallow("BEGIN\0") {
                guard isTaking.withLock({ $0 }) else { return false }
                return losses.withLock { losses in
                    losses += 1
                    return losses <= 3
                }
            }
        }
        defer { proxy.stop() }
        var configuration = try TestDatabase.required().configuration
        configuration.conninfo = configuration.conninfo.replacing(":\(port)", with: ":\(proxy.port)")
        let pool = PostgresPool(configuration, size: 4)
        let office = try Office(smtp: endpoint, pool: pool, pause: .short)
        try await office.queue(["one@customer.example"])
        try await office.whileOpen {
            try await office.until("select state not in ('queued', 'claimed', 'transmitting') from outbox")
        }
        await pool.close()
        #expect(losses.withLock { $0 } > 0)
        #expect(try await self.states(office) == ["sent"])
    }

    @Test func `a mail of which the server never heard is not uncertain when the database goes away`() async throws {
        let (server, endpoint) = self.server(Self.taking())
        let port = try #require(URLComponents(string: try Office.variable("MARTLET_DATABASE_URL"))?.port)
        let losses = Locked(0)
        let proxy = FaultProxy(before: port) { _ in
            // Right before the first octet the mail is stored as being transmitted.
            .swallow("UPDATE 1\0") {
                losses.withLock { losses in
                    guard losses == 0, server.connections > 0 else { return false }
                    losses += 1
                    return true
                }
            }
        }
        defer { proxy.stop() }
        var configuration = try TestDatabase.required().configuration
        configuration.conninfo = configuration.conninfo.replacing(":\(port)", with: ":\(proxy.port)")
        let pool = PostgresPool(configuration, size: 4)
        let office = try Office(smtp: endpoint, pool: pool, pause: .short)
        try await office.whileOpen {
            // Nothing else is stored from here on.
            try await office.until("select exists (select from mailbox where last_good_fetch is not null)")
            try await office.until("select exists (select from folder where role = 'sent')")
            try await office.queue(["one@customer.example"])
            try await office.until("select state = 'sent' from outbox")
        }
        await pool.close()
        #expect(losses.withLock { $0 } == 1)
        #expect(server.lines.filter { $0 == "Subject: Number 1" }.count == 1)
        #expect(try await office.count("select attempt::int8 from outbox") == 2)
    }

    @Test func `one server that is away for long leaves one line in a mail's history`() async throws {
        let office = try Office()
        try await office.queue(["one@customer.example"])
        let mailbox = try await office.store.mailbox(named: "office", address: office.mailbox.address).id
        for reply in ["refused", "refused", "refused", "timed out"] {
            let claim = try await office.store.claimOutbox(
                mailbox: mailbox, limit: 1, lease: .seconds(60), owner: "test",
                judge: { mails, _ in mails.map { _ in .claim } })
            try await office.store.releaseClaim(try #require(claim.mails.first), after: .zero, reply: reply)
        }
        #expect(try await office.count("select jsonb_array_length(history)::int8 from outbox") == 2)
    }

    @Test func `a mail that a dead process left is told in the same step`() async throws {
        struct Refused: Error {}
        let office = try Office()
        try await office.queue(["one@customer.example"])
        _ = try await office.store.pool.query(
            """
            update outbox set state = 'transmitting', lease_token = 1, claimed_by = 'somebody',
                lease_until = now() - interval '1 minute'
            """)
        await #expect(throws: Refused.self) {
            _ = try await office.store.recoverOutbox { _, _ in throw Refused() }
        }
        #expect(try await self.states(office) == ["transmitting"])
        try await DeskUpkeep(context: office.context).turn()
        #expect(try await self.states(office) == ["uncertain"])
        #expect(try await office.texts("select key::text from job where kind = 'notify'") == ["900001"])
    }

    @Test func `a mail that was cut off before its final dot is sent later`() async throws {
        let (server, endpoint) = self.server([.expect("MAIL FROM"), .say("250 ok\r\n"), .expect("RCPT TO"), .close])
        let office = try Office(smtp: endpoint)
        try await office.queue(["one@customer.example"])
        try await office.whileOpen {
            try await office.until("select exists (select from outbox where attempt = 1 and state = 'queued')")
        }
        #expect(server.connections >= 1)
        #expect(try await office.value("select due_at > now() + interval '30 seconds' from outbox"))
        #expect(try await office.count("select count(*) from send_ledger") == 0)
    }

    @Test func `a refused recipient is given up with a notice, a deferred one is kept`() async throws {
        let office = try Office()
        try await office.queue(
            ["nobody@refused.test", "somebody@later.test", "ann\(UInt64.random(in: 0 ... .max))@customer.example"])
        try await office.whileOpen {
            try await office.until("select count(*) = 3 from outbox where attempt = 1 and state <> 'transmitting'")
            try await office.until("select count(*) = 1 from mailbox_write where kind = 'sent_copy' and state = 'done'")
        }
        #expect(try await self.states(office) == ["failed", "queued", "sent"])
        #expect(try await office.texts("select key::text from job where kind = 'notify'") == ["900001"])
        let sent = try await office.mails(in: "Sent")
        #expect(sent.count == 1)
        #expect(sent.first.map { String(decoding: $0.bytes, as: UTF8.self).contains("Subject: Number 3") } == true)
    }

    @Test func `mail of a mailbox that is configured no more is named, and a person can cancel it`() async throws {
        let office = try Office()
        try await office.queue(["c1@customer.example", "c2@customer.example"])
        #expect(try await office.store.strandedMails(besides: ["office"]).isEmpty)
        #expect(try await office.store.strandedMails(besides: []).isEmpty)
        let stranded = try await office.store.strandedMails(besides: ["another"])
        #expect(stranded.map(\.mailbox) == ["office"] && stranded.map(\.count) == [2])
        #expect(StrandedMail.remedy("office").contains("martlet outbox cancel --mailbox office"))
        #expect(try await office.store.cancelOutbox(ofMailbox: "office", actor: "kim") == 2)
        #expect(try await office.texts("select distinct state from outbox") == ["cancelled"])
        #expect(try await office.store.strandedMails(besides: ["another"]).isEmpty)
        await #expect(throws: StoreError.self) {
            try await office.store.cancelOutbox(ofMailbox: "nowhere", actor: "kim")
        }
    }

    /// What stops the desk while a mail is on its way.
    enum Brake: CaseIterable { case pause, holdFile }

    @Test(arguments: Brake.allCases)
    func `after the brake is pulled only the mail under way goes out`(_ brake: Brake) async throws {
        let isReached = Locked(false)
        let isPulled = Locked(false)
        let gate = FakeServer.Step.waitUntil {
            isReached.withLock { $0 = true }
            return isPulled.withLock { $0 }
        }
        let (server, endpoint) = self.server(
            Self.taking(gate) + Array(repeating: Self.taking(), count: 9).flatMap { $0 })
        let office = try Office(smtp: endpoint)
        defer { try? FileManager.default.removeItem(atPath: office.context.settings.holdFile) }
        try await office.queue((1...10).map { "c\($0)@customer.example" })
        try await office.whileOpen {
            try await eventually("a mail on its way") { isReached.withLock { $0 } }
            switch brake {
            case .pause: try await office.store.pause(.outgoing, by: "test", reason: "")
            case .holdFile: _ = FileManager.default.createFile(atPath: office.context.settings.holdFile, contents: nil)
            }
            isPulled.withLock { $0 = true }
            // The claims go back into the queue, and stay there.
            try await office.until("select count(*) = 9 from outbox where state = 'queued'")
            #expect(try await self.states(office).filter { $0 == "sent" }.count == 1)
            switch brake {
            case .pause: try await office.store.resume(.outgoing)
            case .holdFile: try FileManager.default.removeItem(atPath: office.context.settings.holdFile)
            }
            try await office.until("select count(*) = 10 from outbox where state = 'sent'")
        }
        #expect(Set(server.lines.filter { $0.hasPrefix("Subject: Number ") }).count == 10)
        #expect(server.lines.filter { $0.hasPrefix("Subject: Number ") }.count == 10)
    }
}

extension FakeServer.Step {
    /// Greeting and EHLO, then `mails`; QUIT may come at any time.
    fileprivate static func smtpServer(_ mails: [FakeServer.Step]) -> [FakeServer.Step] {
        [FakeServer.Step].smtp(["8BITMIME"], then: mails)
    }
}
