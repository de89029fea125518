import ConnectionThread
import DeskModel
import DeskStore
import Foundation
import MailTransport
import Postgres
import ScriptedServer
import TestSupport
import Testing

@testable import Desk

/// Servers that withhold, refuse or hang up: no mail is lost by it, and none behind it has to wait.
@Suite("Servers that do not play along", .database(deskMigrations, connections: 6), .timeLimit(.minutes(15)))
struct StubbornServerTests {
    private func deliver(_ numbers: ClosedRange<Int>, to branch: Branch) {
        for number in numbers {
            branch.server.deliver(
                customerMail("Mail \(number)", from: "c\(number)@customer.example", id: "m\(number)@x.example"))
        }
    }

    private func dispositions(_ office: Office, role: String = "inbox") async throws -> [String] {
        try await office.texts(
            """
            select disposition from folder_item i join folder f on f.id = i.folder_id where role = \(role)
            order by i.uidvalidity, uid
            """)
    }

    // MARK: - Reading

    @Test func `a mail that the server withholds is one ticket, and one that is gone is none`() async throws {
        let branch = try Branch(.exchange)
        defer { branch.server.stop() }
        let office = branch.office
        self.deliver(1...5, to: branch)
        branch.server.misbehave { faults in
            faults.withheld = [2]
            faults.vanishing = [4]
        }
        try await office.read(5)
        #expect(try await self.dispositions(office) == ["message", "quarantined", "message", "vanished", "message"])
        #expect(try await office.count("select count(*) from ticket") == 4)
        #expect(try await office.count("select count(*) from job where kind = 'notify'") == 1)
        // Nothing of it is here, so there is nothing to read again.
        let held = Int64(try await office.count("select id from quarantine"))
        let error = await #expect(throws: StoreError.self) {
            try await QuarantineReplay(context: office.context).run(held, actor: "kim")
        }
        #expect(error?.code == .conflict && error?.context.contains("mail 2 of INBOX") == true)
        #expect(try await office.count("select count(*) from ticket") == 4)
    }

    @Test func `mails that are withheld under the same number in two mailboxes are two tickets`() async throws {
        let first = try Branch(.exchange)
        let second = try Branch(.exchange) { $0.mailboxes[0].name = "second" }
        defer { for branch in [first, second] { branch.server.stop() } }
        for branch in [first, second] {
            self.deliver(1...1, to: branch)
            branch.server.misbehave { $0.withheld = [1] }
        }
        try await first.office.read(1)
        try await second.office.read(2)
        #expect(try await first.office.count("select count(*) from ticket") == 2)
    }

    enum Refusal: CaseIterable { case says, hangsUp }

    @Test(arguments: Refusal.allCases)
    func `a mail that the server refuses to send keeps none behind it waiting`(_ refusal: Refusal) async throws {
        let branch = try Branch(.exchange)
        defer { branch.server.stop() }
        let office = branch.office
        self.deliver(1...20, to: branch)
        branch.server.misbehave { faults in
            switch refusal {
            case .says: faults.refused = [7]
            case .hangsUp: faults.fatal = [7]
            }
        }
        try await office.read(20)
        var expected = Array(repeating: "message", count: 20)
        expected[6] = "quarantined"
        #expect(try await self.dispositions(office) == expected)
        #expect(try await office.count("select count(*) from ticket") == 20)
        #expect(try await office.count("select count(*) from job where kind = 'notify'") == 1)
    }

    /// Alone, first, last, two in different pieces, and some side by side.
    @Test(arguments: [[37], [1], [64], [5, 50], [20, 21, 22]] as [Set<UInt32>])
    func `mail behind one that the server hangs up over does not wait`(fatal: Set<UInt32>) async throws {
        let pauses = Locked(0)
        let pause = Office.Pause { _ in
            pauses.withLock { $0 += 1 }
            try await Task.sleep(for: .milliseconds(1))
        }
        let branch = try Branch(.exchange, pause: pause)
        defer { branch.server.stop() }
        let office = branch.office
        self.deliver(1...64, to: branch)
        branch.server.misbehave { $0.fatal = fatal }
        try await office.read(64)
        var expected = Array(repeating: "message", count: 64)
        for uid in fatal { expected[Int(uid) - 1] = "quarantined" }
        #expect(try await self.dispositions(office) == expected)
        #expect(pauses.withLock { $0 } == 0)
        // Three for reading, writing and Sent; for each mail all, a piece, it alone, and once more beside another.
        let logins = branch.server.log.count { $0.hasPrefix("AUTHENTICATE") }
        #expect(logins <= 3 + 4 * fatal.count)
    }

    @Test func `a server that sends nothing at all is waited for, and no mail is blamed`() async throws {
        let server = Locked<ProviderServer?>(nil)
        let pauses = Locked(0)
        let pause = Office.Pause { _ in
            let count = pauses.withLock { count in
                count += 1
                return count
            }
            if count == 2 { server.withLock { $0 }?.misbehave { $0.fatal = [] } }
            try await Task.sleep(for: .milliseconds(1))
        }
        let branch = try Branch(.exchange, pause: pause)
        defer { branch.server.stop() }
        server.withLock { $0 = branch.server }
        self.deliver(1...64, to: branch)
        branch.server.misbehave { $0.fatal = Set(1...64) }
        try await branch.office.read(64)
        #expect(try await self.dispositions(branch.office) == Array(repeating: "message", count: 64))
        #expect(pauses.withLock { $0 } == 2)
    }

    @Test func `a mail is not blamed for what one of that number did before a new UIDVALIDITY`() throws {
        let uid = try #require(UID(7))
        var suspicion = FetchSuspicion()
        suspicion.begin(uidValidity: 1)
        for _ in 0..<FetchSuspicion.limit { suspicion.failed([uid], besideOthers: false) }
        #expect(suspicion.guilty == [uid])
        suspicion.begin(uidValidity: 1)
        #expect(suspicion.guilty == [uid])
        suspicion.begin(uidValidity: 2)
        #expect(suspicion.guilty.isEmpty)
    }

    @Test func `a server that names no next UID has new mail all the same`() async throws {
        let branch = try Branch(.exchange) { $0.importSince = .now }
        defer { branch.server.stop() }
        let office = branch.office
        branch.server.misbehave { $0.hidesNextUID = true }
        self.deliver(1...2, to: branch)
        try await office.whileOpen {
            try await office.until("select count(*) = 2 from folder_item")
            self.deliver(3...3, to: branch)
            try await office.until("select count(*) = 3 from folder_item")
        }
        #expect(try await self.dispositions(office) == ["history", "history", "message"])
    }

    @Test func `mail that came while a mailbox got a new UIDVALIDITY is new, also on the first day`() async throws {
        let branch = try Branch(.exchange)
        defer { branch.server.stop() }
        let office = branch.office
        self.deliver(1...2, to: branch)
        try await office.whileOpen {
            try await office.until("select exists (select from mailbox where last_good_fetch is not null)")
            let formatter = DateFormatter()
            formatter.locale = Locale(identifier: "en_US_POSIX")
            formatter.timeZone = TimeZone(secondsFromGMT: 0)
            formatter.dateFormat = "dd-MMM-yyyy HH:mm:ss Z"
            branch.server.misbehave { $0.refusedCommands = ["AUTHENTICATE"] }
            branch.server.renumber()
            branch.server.deliver(
                customerMail("Meanwhile", from: "new@customer.example", id: "new@x.example"),
                date: formatter.string(from: Date()))
            branch.server.misbehave { $0.refusedCommands = [] }
            try await office.until("select count(*) = 5 from folder_item")
        }
        #expect(
            try await self.dispositions(office) == ["message", "message", "duplicate_of", "duplicate_of", "message"])
        #expect(
            try await office.texts("select status from ticket where customer_email = 'new@customer.example'") == ["new"]
        )
    }

    @Test func `what came during a pause is read when it ends`() async throws {
        let branch = try Branch(.exchange) { $0.mailboxes[0].pollInterval = .milliseconds(100) }
        defer { branch.server.stop() }
        let office = branch.office
        self.deliver(1...1, to: branch)
        try await office.whileOpen {
            try await office.until("select count(*) = 1 from folder_item")
            try await office.store.pause(.intake, by: "test", reason: "")
            self.deliver(2...2, to: branch)
            // That the desk has seen it and left it alone shows in what it says to the server.
            let seen = branch.server.log.count
            try await eventually("two more commands") { branch.server.log.count >= seen + 2 }
            #expect(try await office.count("select count(*) from folder_item") == 1)
            try await office.store.resume(.intake)
            try await office.until("select count(*) = 2 from folder_item")
        }
    }

    @Test(arguments: Refusal.allCases)
    func `a sent mail that the server refuses to send hides no answer behind it`(_ refusal: Refusal) async throws {
        let branch = try Branch(.exchange)
        defer { branch.server.stop() }
        let office = branch.office
        self.deliver(1...1, to: branch)
        branch.server.misbehave { faults in
            faults.folder = "Sent Items"
            switch refusal {
            case .says: faults.refused = [2]
            case .hangsUp: faults.fatal = [2]
            }
        }
        try await office.whileOpen {
            try await office.until("select count(*) = 1 from ticket")
            try await office.until("select exists (select from folder where role = 'sent')")
            for number in 1...9 {
                branch.server.deliver(
                    customerMail(
                        "Re: Mail 1", from: office.user, id: "s\(number)@x.example",
                        inReplyTo: number == 9 ? "m1@x.example" : nil, fields: ["Cc: c1@customer.example"]),
                    to: "Sent Items")
            }
            try await office.until("select status = 'pending' from ticket")
        }
        #expect(
            try await self.dispositions(office, role: "sent") == Array(repeating: "own_sent", count: 8) + ["message"])
        #expect(try await office.count("select count(*) from quarantine") == 0)
    }

    @Test func `an answer is not read before the mail that it answers`() async throws {
        let server = Locked<ProviderServer?>(nil)
        let pause = Office.Pause { duration in
            // Long enough to read Sent in.
            try await Task.sleep(for: duration)
            server.withLock { $0 }?.misbehave { $0.fatal = [] }
        }
        let branch = try Branch(.exchange, pause: pause)
        defer { branch.server.stop() }
        server.withLock { $0 = branch.server }
        let office = branch.office
        self.deliver(1...1, to: branch)
        try await office.whileOpen {
            try await office.until("select count(*) = 1 from ticket")
            try await office.until("select exists (select from folder where role = 'sent')")
        }
        // While nobody looked a mail came, and an agent answered it.
        self.deliver(2...2, to: branch)
        branch.server.deliver(
            customerMail(
                "Re: Mail 2", from: office.user, id: "s2@x.example", inReplyTo: "m2@x.example",
                fields: ["Cc: c2@customer.example"]), to: "Sent Items")
        branch.server.misbehave { $0.fatal = [2] }
        try await office.whileOpen { try await office.until("select count(*) = 3 from folder_item") }
        #expect(try await self.dispositions(office, role: "sent") == ["message"])
        #expect(try await office.texts("select status from ticket order by id") == ["new", "pending"])
    }

    // MARK: - Writing

    @Test func `a mark waits until the new numbers of a folder are read`() async throws {
        let branch = try Branch(.gmail)
        defer { branch.server.stop() }
        let office = branch.office
        self.deliver(1...3, to: branch)
        try await office.read(3)
        branch.server.remove([1], from: "INBOX")
        branch.server.misbehave { $0.refusedCommands = ["EXAMINE"] }
        branch.server.renumber()
        // Of the first mail that is still there: its old number is another mail's now.
        let ids = try await office.texts("select id::text from message order by id")
        var mark = try await branch.write(1, .mark, flags: ["urgent"])
        mark.messageID = Int64(ids[1]).map { StoredMessageID($0) }
        try await branch.plan([mark])
        try await office.whileOpen {
            try await office.until("select coalesce(last_error, '') like '%new numbers%' from mailbox_write")
            #expect(branch.server.mails(in: "INBOX").allSatisfy { !$0.flags.contains("urgent") })
            branch.server.misbehave { $0.refusedCommands = [] }
            try await office.until("select state = 'done' from mailbox_write")
        }
        let marked = branch.server.mails(in: "INBOX").filter { $0.flags.contains("urgent") }
        #expect(marked.map { String(decoding: $0.bytes, as: UTF8.self).contains("Subject: Mail 2") } == [true])
    }

    @Test(arguments: ["UID STORE", "UID MOVE"])
    func `a mark that the server refuses is given up, and drafts go on`(command: String) async throws {
        let branch = try Branch(.gmail) { settings in
            if command == "UID MOVE" { settings.mailboxes[0].afterImport = .move(folder: "Done") }
        }
        defer { branch.server.stop() }
        let office = branch.office
        self.deliver(1...1, to: branch)
        try await office.read(1)
        branch.server.misbehave { $0.refusedCommands = [command] }
        try await branch.plan([try await branch.write(1, .mark, flags: ["urgent"])])
        try await office.whileOpen {
            try await office.until("select attempt >= 1 and last_error is not null from mailbox_write where id = 1")
            try await branch.plan([try await branch.write(2, .draft, flags: ["\\Draft"])])
            try await office.until("select state = 'done' from mailbox_write where id = 2")
            // The last attempt comes some minutes later.
            _ = try await office.store.pool.query(
                "update mailbox_write set attempt = 7, due_at = now() where id = 1 and state = 'planned'")
            try await office.until("select state = 'failed' from mailbox_write where id = 1")
        }
        #expect(try await office.count("select count(*) from job where kind = 'notify'") == 0)
    }

    @Test func `a draft that the mailbox does not take is told to a person`() async throws {
        let branch = try Branch(.gmail)
        defer { branch.server.stop() }
        let office = branch.office
        self.deliver(1...1, to: branch)
        try await office.read(1)
        branch.server.misbehave { $0.refusedCommands = ["APPEND"] }
        let draft = try await branch.write(1, .draft, flags: ["\\Draft"])
        try await branch.plan([draft])
        _ = try await office.store.pool.query("update mailbox_write set attempt = 7")
        try await office.whileOpen { try await office.until("select state = 'failed' from mailbox_write") }
        #expect(
            try await office.texts("select key::text from job where kind = 'notify'") == [draft.ticketID.description])
    }
}
