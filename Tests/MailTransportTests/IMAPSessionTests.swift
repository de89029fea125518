import ConnectionThread
import DeskModel
import Foundation
import Glibc
import MailTransport
import Testing

@Suite("IMAPSession against a real server") struct IMAPSessionTests {
    @Test(arguments: MailEndpoint.Security.allCases)
    func `logs in and lists folders with their roles`(security: MailEndpoint.Security) async throws {
        let session = try await Servers.session(Servers.freshUser(), security)
        let folders = try await session.folders()
        #expect(folders.contains { $0.name == .inbox })
        #expect(folders.first { $0.specialUse == .drafts }?.name == "Drafts")
        #expect(await session.capabilities.hasIdle)
        await session.logout()
        #expect(await session.isClosed)
    }

    @Test func `a wrong password is a final refusal in the server's words`() async throws {
        let endpoint = try Servers.imap()
        let error = await #expect(throws: MailError.self) {
            _ = try await IMAPSession.connect(
                to: endpoint, as: .password(user: "support@shop.example", Secret("wrong-word")), logger: Servers.logger)
        }
        #expect(error?.code == .authenticationFailed)
        #expect(error?.isRetryable == false)
        #expect(error?.context.contains("AUTHENTICATIONFAILED") == true)
        #expect(error?.description.contains("wrong-word") == false)
    }

    @Test func `an untrusted authority and a wrong name are told apart`() async throws {
        let (ca, port) = (try Servers.imap(.tls).caFile, try Servers.imap(.tls).port)
        let endpoint = MailEndpoint(host: "127.0.0.1", port: port, security: .tls)
        let untrusted = await #expect(throws: MailError.self) {
            _ = try await IMAPSession.connect(
                to: endpoint, as: .password(user: "a", Servers.password), logger: Servers.logger)
        }
        #expect(untrusted?.code == .certificateInvalid)
        // A name of the loopback address that the certificate does not hold.
        let misnamed = MailEndpoint(host: "other.localhost", port: port, security: .tls, caFile: ca)
        let mismatch = await #expect(throws: MailError.self) {
            _ = try await IMAPSession.connect(
                to: misnamed, as: .password(user: "a", Servers.password), logger: Servers.logger)
        }
        #expect(mismatch?.code == .nameMismatch)
    }

    @Test func `credentials never cross an open link unless allowed`() async throws {
        let open = try Servers.imap()
        let endpoint = MailEndpoint(host: open.host, port: open.port, security: .none)
        let error = await #expect(throws: MailError.self) {
            _ = try await IMAPSession.connect(
                to: endpoint, as: .password(user: "a", Servers.password), logger: Servers.logger)
        }
        #expect(error?.code == .cleartextLoginRefused)
    }

    @Test(arguments: [MailEndpoint.Security.none, .tls])
    func `what is appended comes back byte for byte, in order, unseen`(security: MailEndpoint.Security) async throws {
        let session = try await Servers.session(Servers.freshUser(), security)
        let mails = (0..<60).map {
            Servers.mail("Mail \($0)", body: String(repeating: "line \($0)\r\n", count: $0 * 40))
        }
        let date = Date(timeIntervalSince1970: 1_767_600_000)
        let results = try await session.append(
            mails.map { AppendItem(bytes: $0, flags: [.flagged], date: date) }, to: .inbox)
        let placed = try results.map { try $0.get() }
        let folder = try await session.select(.inbox)
        #expect(folder.exists == 60)
        #expect(placed.allSatisfy { $0?.uidValidity == folder.uidValidity })
        let overview = try await session.overview(.from(UID(1)!))
        #expect(overview.map(\.size) == mails.map(\.count))
        #expect(overview.allSatisfy { $0.internalDate == date && $0.flags.contains(.flagged) })
        let fetched = Locked<[FetchedMessage]>([])
        try await session.fetch(overview.reversed(), maximumBytesInFlight: 50_000) { message in
            fetched.withLock { $0.append(message) }
        }
        #expect(fetched.withLock { $0.map(\.uid) } == overview.map(\.uid))
        #expect(fetched.withLock { $0.map(\.bytes) } == mails)
        #expect(try await session.overview(.from(UID(1)!)).allSatisfy { !$0.flags.contains(.seen) })
    }

    @Test func `headers alone end at the empty line`() async throws {
        let session = try await Servers.session()
        let uid = try #require(try await session.append(Servers.mail("Only this"), to: .inbox, flags: [])).uid
        _ = try await session.select(.inbox, readOnly: true)
        let text = Locked("")
        try await session.fetchHeaders([uid]) { message in
            text.withLock { $0 = String(decoding: message.bytes, as: UTF8.self) }
        }
        #expect(text.withLock { $0.contains("Subject: Only this") && $0.hasSuffix("\r\n\r\n") })
    }

    @Test func `LF line ends are stored as CRLF`() async throws {
        let session = try await Servers.session()
        let uid = try #require(try await session.append(Array("Subject: a\n\nb\n".utf8), to: .inbox, flags: [])).uid
        _ = try await session.select(.inbox)
        let bytes = Locked<[UInt8]>([])
        try await session.fetch([uid]) { message in bytes.withLock { $0 = message.bytes } }
        #expect(bytes.withLock { $0 } == Array("Subject: a\r\n\r\nb\r\n".utf8))
    }

    @Test func `flags and keywords are added, removed and seen as changes`() async throws {
        let session = try await Servers.session()
        let uid = try #require(try await session.append(Servers.mail("x"), to: .inbox, flags: [])).uid
        let folder = try await session.select(.inbox)
        #expect(folder.canStoreKeywords)
        let before = try #require(folder.highestModSeq)
        let keyword = try #require(MailFlag("shipping"))
        try await session.store([uid], .add, [keyword, .answered])
        try await session.store([uid], .remove, [.answered])
        let changes = try await session.flags(changedSince: before)
        #expect(changes.map(\.uid) == [uid])
        #expect(changes.first?.flags.contains(keyword) == true)
        #expect(changes.first?.flags.contains(.answered) == false)
    }

    @Test func `moving tells the new numbers`() async throws {
        let session = try await Servers.session()
        let uid = try #require(try await session.append(Servers.mail("x"), to: .inbox, flags: [])).uid
        try await session.create("Löschen & Wärme")
        try await session.create("Löschen & Wärme")
        _ = try await session.select(.inbox)
        let moved = try await session.move([uid], to: "Löschen & Wärme")
        let there = try #require(moved.destinations[uid])
        #expect(try await session.overview(.from(UID(1)!)).isEmpty)
        let folder = try await session.select("Löschen & Wärme")
        #expect(folder.uidValidity == moved.uidValidity)
        #expect(try await session.overview(.from(UID(1)!)).map(\.uid) == [there])
        #expect(try await session.folders().contains { $0.name.text == "Löschen & Wärme" })
    }

    @Test func `removing leaves what others have marked as deleted`() async throws {
        let session = try await Servers.session()
        let uids = try await session.append(
            (0..<3).map { AppendItem(bytes: Servers.mail("\($0)"), flags: []) }, to: .inbox
        )
        .map { try #require(try $0.get()).uid }
        _ = try await session.select(.inbox)
        try await session.store([uids[0]], .add, [.deleted])
        try await session.expunge([uids[2]])
        #expect(try await session.overview(.from(UID(1)!)).map(\.uid) == [uids[0], uids[1]])
        #expect(await session.exists == 2)
    }

    @Test func `searches by date, header and number`() async throws {
        let session = try await Servers.session()
        let old = try await session.append(
            Servers.mail("old"), to: .inbox, flags: [], date: Date(timeIntervalSince1970: 1_000_000_000))
        let new = try await session.append(Servers.mail("new", id: "needle-\"1\""), to: .inbox, flags: [])
        let (oldUID, newUID) = (try #require(old).uid, try #require(new).uid)
        _ = try await session.select(.inbox)
        #expect(try await session.searchUIDs(since: Date(timeIntervalSince1970: 1_700_000_000)) == [newUID])
        #expect(try await session.searchUIDs(header: "Message-ID", value: "needle-\"1\"") == [newUID])
        #expect(try await session.searchUIDs(header: "Subject", value: "größe").isEmpty)
        #expect(try await session.searchUIDs(in: .from(oldUID)) == [oldUID, newUID])
        #expect(try await session.searchUIDs(in: .from(try #require(newUID.next))).isEmpty)
    }

    @Test func `a message that vanished is passed over`() async throws {
        let user = Servers.freshUser()
        let session = try await Servers.session(user)
        let uids = try await session.append(
            (0..<3).map { AppendItem(bytes: Servers.mail("\($0)"), flags: []) }, to: .inbox
        )
        .map { try #require(try $0.get()).uid }
        _ = try await session.select(.inbox)
        let overview = try await session.overview(uids)
        let other = try await Servers.session(user)
        _ = try await other.select(.inbox)
        try await other.expunge([uids[1]])
        try await session.noop()
        let seen = Locked<[UID]>([])
        try await session.fetch(overview) { message in seen.withLock { $0.append(message.uid) } }
        #expect(seen.withLock { $0 } == [uids[0], uids[2]])
    }

    @Test func `a failing consumer leaves the session usable`() async throws {
        struct Full: Error {}
        let session = try await Servers.session()
        _ = try await session.append((0..<20).map { AppendItem(bytes: Servers.mail("\($0)"), flags: []) }, to: .inbox)
        _ = try await session.select(.inbox)
        let overview = try await session.overview(.from(UID(1)!))
        await #expect(throws: Full.self) {
            try await session.fetch(overview, maximumBytesInFlight: 1_000) { _ in throw Full() }
        }
        try await session.noop()
        #expect(await session.isClosed == false)
    }

    @Test func `a missing folder is named as such`() async throws {
        let session = try await Servers.session()
        await #expect { _ = try await session.select("Nowhere") } throws: { ($0 as? MailError)?.code == .folderMissing }
        await #expect { _ = try await session.append(Servers.mail("x"), to: "Nowhere", flags: []) } throws: {
            ($0 as? MailError)?.code == .folderMissing
        }
        #expect(try await session.status(.inbox).messages == 0)
    }
}

@Suite("IDLE against a real server") struct IdleTests {
    @Test(arguments: [MailEndpoint.Security.none, .tls])
    func `wakes for new mail`(security: MailEndpoint.Security) async throws {
        let user = Servers.freshUser()
        let session = try await Servers.session(user, security)
        _ = try await session.select(.inbox)
        async let event = session.idle(until: .now + .seconds(30))
        let other = try await Servers.session(user)
        _ = try await other.append(Servers.mail("news"), to: .inbox, flags: [])
        #expect(try await event == .changed(exists: 1))
        #expect(try await session.overview(.from(UID(1)!)).count == 1)
    }

    @Test func `ends at its deadline, and when cancelled, with the session usable`() async throws {
        let session = try await Servers.session()
        _ = try await session.select(.inbox)
        #expect(try await session.idle(until: .now + .milliseconds(20)) == .deadline)
        let task = Task { try await session.idle(until: .now + .seconds(60)) }
        task.cancel()
        let result = await task.result
        // Cancelled before its turn it throws; cancelled while waiting it says so.
        if case .success(let event) = result { #expect(event == .cancelled) }
        try await session.noop()
    }

    @Test func `a command of another task ends it`() async throws {
        let session = try await Servers.session()
        _ = try await session.select(.inbox)
        let idle = Task { try await session.idle(until: .now + .seconds(60)) }
        // Until the idle has begun, a NOOP merely comes first.
        let nudge = Task {
            while !Task.isCancelled {
                try await session.noop()
                await Task.yield()
            }
        }
        #expect(try await idle.value == .interrupted)
        nudge.cancel()
        _ = await nudge.result
    }

    @Test func `hundreds of idle sessions hold no threads`() async throws {
        /// Threads of this process but for those of scripted servers.
        func threads() throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count { task in
                let name = try? String(contentsOfFile: "/proc/self/task/\(task)/comm", encoding: .utf8)
                return name.map { $0 != "scripted\n" } ?? false
            }
        }
        let count = 300
        let before = try threads()
        try await withThrowingTaskGroup(of: (String, IMAPSession).self) { group in
            var sessions: [(user: String, session: IMAPSession)] = []
            for number in 0..<count {
                // Few at a time: other tests want to connect too.
                if number >= 4, let session = try await group.next() { sessions.append(session) }
                let user = Servers.freshUser()
                group.addTask { (user, try await Servers.session(user)) }
            }
            for try await session in group { sessions.append(session) }
            for (_, session) in sessions { _ = try await session.select(.inbox) }
            let idle = sessions.map { entry in Task { try await entry.session.idle(until: .now + .seconds(120)) } }
            let added = try threads() - before
            // Suites that run beside this one have threads of their own; a thread for each session would be 300.
            #expect(added < 100, "\(added) more threads for \(count) sessions")
            // One of them still wakes: an early one, for the kernel has inotify instances for some hundred only, and
            // Dovecot looks every half minute into the mailboxes that got none.
            let other = try await Servers.session(sessions[0].user)
            _ = try await other.append(Servers.mail("for you"), to: .inbox, flags: [])
            #expect(try await idle[0].value == .changed(exists: 1))
            for (_, session) in sessions { await session.close() }
            for task in idle { _ = await task.result }
        }
    }
}
