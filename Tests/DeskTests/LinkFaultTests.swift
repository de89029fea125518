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

/// Links to the real servers that break wherever they can. Each choice follows from the run's seed; with
/// `Scripts/test --full` there are as many as the promises name.
@Suite("Broken links", .database(deskMigrations, connections: 6), .timeLimit(.minutes(120)))
struct LinkFaultTests {
    private static func endpoint(_ proxy: FaultProxy) -> MailEndpoint {
        MailEndpoint(host: "127.0.0.1", port: proxy.port, security: .none, allowsCleartextLogin: true)
    }

    /// A desk that only reads, so that there is one link to its mailbox.
    private func reader(_ name: String, imap: FaultProxy? = nil, pool: PostgresPool? = nil) throws -> Office {
        try Office(imap: imap.map(Self.endpoint), name: name, pool: pool, pause: .short) { settings in
            settings.importSince = .all
            settings.mode = .observe
        }
    }

    private func questions(_ range: Range<Int>) -> [[UInt8]] {
        range.map {
            customerMail("Question \($0)", from: "c\($0)@customer.example", id: "q\($0)@customer.example")
        }
    }

    /// Each mail so far is one message, one ticket and one place in a folder.
    private func expectOneTicketEach(_ mails: Int, _ office: Office, _ what: Comment) async throws {
        let rows = try await office.database.pool.query(
            """
            select (select count(*) from folder_item), (select count(*) from ticket), (select count(*) from message),
                (select count(distinct internet_message_id) from message), (select count(*) from raw_mail)
            """)
        let (places, tickets, messages, ids, raw) = try rows[0].decode(Int.self, Int.self, Int.self, Int.self, Int.self)
        #expect([places, tickets, messages, ids, raw] == Array(repeating: mails, count: 5), what)
    }

    // MARK: - IMAP

    @Test func `the link to the mailbox may break at any octet, and each mail is one ticket`() async throws {
        let whole = FaultProxy(before: try Office.imap().port)
        let first = try self.reader("recorded", imap: whole)
        try await first.deliver(self.questions(0..<2))
        try await first.read(2)
        // One session reads the inbox; the other, shorter one looks at the Sent folder.
        let session = try #require(whole.traffic.max { $0.fromServer < $1.fromServer })
        #expect(whole.traffic.count == 2 && session.fromServer + session.fromClient <= 8 << 10)

        var points: [(direction: FaultProxy.Direction, octet: Int)] = (0..<session.fromServer).map { (.fromServer, $0) }
        points += (0..<session.fromClient).map { (.fromClient, $0) }
        var choices = TestRun.choices(1)
        if !TestRun.isFull { points = Array(points.shuffled(using: &choices).prefix(20)) }
        var broken = 0
        for (number, point) in points.enumerated() {
            let resets = Bool.random(using: &choices)
            let proxy = FaultProxy(before: try Office.imap().port) { link in
                link < 2 ? .cut(point.direction, after: point.octet, resets: resets) : .none
            }
            defer { proxy.stop() }
            let office = try self.reader("cut\(number)", imap: proxy)
            let mails = 2 * (number + 2)
            try await office.deliver(self.questions(mails - 2..<mails))
            try await office.read(mails)
            try await self.expectOneTicketEach(mails, office, "\(point), seed \(TestRun.seed)")
            broken += min(proxy.brokenLinks, 1)
        }
        // Sessions differ by a few octets: numbers have more or fewer digits.
        #expect(broken >= points.count * 9 / 10, "\(broken) of \(points.count) links were broken")
    }

    @Test func `mails that another program removes while they are fetched are passed over`() async throws {
        let proxy = FaultProxy(before: try Office.imap().port) { _ in .drip(octets: 512, pause: .milliseconds(2)) }
        let office = try self.reader("office", imap: proxy)
        try await office.deliver(self.questions(0..<120))
        var choices = TestRun.choices(2)
        let victims = (1...120).shuffled(using: &choices).prefix(60).compactMap { UID(UInt32($0)) }
        try await office.whileOpen {
            try await office.until("select exists (select from intake_attempt)")
            try await office.withMailbox { session in
                _ = try await session.select("INBOX")
                for victim in victims { try await session.expunge([victim]) }
            }
            try await office.until("select exists (select from mailbox where last_good_fetch is not null)")
            try await office.deliver(self.questions(120..<121))
            try await office.until(
                "select exists (select from message where internet_message_id = 'q120@customer.example')")
        }
        let stored = try await office.texts("select internet_message_id from message")
        #expect(Set(stored).count == stored.count)
        #expect(try await office.count("select count(*) from ticket") == stored.count)
        // What nobody removed is there.
        let kept = Set((0..<121).map { "q\($0)@customer.example" })
            .subtracting(victims.map { "q\($0.rawValue - 1)@customer.example" })
        #expect(kept.isSubset(of: stored), "seed \(TestRun.seed)")
    }

    // MARK: - PostgreSQL

    @Test func `a COMMIT whose answer is lost stores each mail once`() async throws {
        let database = try TestDatabase.required()
        let port = try #require(
            URLComponents(string: try Office.variable("MARTLET_DATABASE_URL"))?.port, "the database's URL has a port")
        let rounds = TestRun.isFull ? 100 : 5
        var choices = TestRun.choices(3)
        var lost = 0
        var round = 0
        while lost < rounds {
            // Reading begins and ends a batch; which of these answers is lost differs.
            let wanted = Int.random(in: 1...3, using: &choices)
            let commits = Locked(0)
            let proxy = FaultProxy(before: port) { _ in
                .swallow("COMMIT\0") {
                    commits.withLock { count in
                        count += 1
                        return count == wanted
                    }
                }
            }
            defer { proxy.stop() }
            var configuration = database.configuration
            configuration.conninfo = configuration.conninfo.replacing(":\(port)", with: ":\(proxy.port)")
            let pool = PostgresPool(configuration, size: 4)
            let office = try self.reader("round\(round)", pool: pool)
            let mails = 3 * (round + 1)
            try await office.deliver(self.questions(mails - 3..<mails))
            try await office.read(mails)
            await pool.close()
            try await self.expectOneTicketEach(mails, office, "answer \(wanted), seed \(TestRun.seed)")
            lost += proxy.brokenLinks
            round += 1
            try #require(round <= 3 * rounds, "the answers are not found")
        }
    }

    // MARK: - SMTP

    @Test func `a mail whose answer is lost after the final dot arrived once and waits for a person`() async throws {
        let count = TestRun.isFull ? 100 : 5
        // The caps would stop such a flood.
        func uncapped(_ settings: inout DeskSettings) {
            settings.automaticCaps.domainPerHour = 2 * count
            settings.automaticCaps.similarPerHour = 2 * count
        }
        let proxy = FaultProxy(before: try Office.smtp().port) { _ in .swallowAnswer(to: "\r\n.\r\n") }
        let office = try Office(
            smtp: MailEndpoint(host: "127.0.0.1", port: proxy.port, security: .none), pause: .short,
            change: uncapped)
        let customers = (1...count).map { "c\($0).\(office.user.prefix { $0 != "@" })@customer.example" }
        try await office.queue(customers)
        try await office.whileOpen {
            try await office.until("select count(*) = \(count) from outbox where state = 'uncertain'")
        }
        #expect(proxy.brokenLinks == count)
        // The next start sends none of them again: the mail behind them goes out, over a link that holds.
        let sink = "last.\(office.user.prefix { $0 != "@" })@customer.example"
        let after = try Office(name: "office", change: uncapped)
        #expect(after.store.pool === office.store.pool)
        try await after.queue([sink], first: count + 1)
        try await after.whileOpen { try await after.until("select exists (select from outbox where state = 'sent')") }
        #expect(try await office.count("select count(*) from outbox where state = 'uncertain'") == count)
        #expect(try await office.count("select count(*) from job where kind = 'notify'") == count)
        _ = try await office.received(1, by: sink)
        for (index, customer) in customers.enumerated() {
            let arrived = try await office.mails(in: "INBOX", of: customer)
            let ids = arrived.map { mail in
                String(decoding: mail.bytes, as: UTF8.self).contains("Message-ID: <number\(index + 1).\(office.user)>")
            }
            #expect(ids == [true], "\(customer)")
        }
    }
}
