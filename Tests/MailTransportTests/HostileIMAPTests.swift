import ConnectionThread
import DeskModel
import Foundation
import MailTransport
import ScriptedServer
import Testing

@Suite("IMAPSession against hostile servers") struct HostileIMAPTests {
    private static func connect(
        _ server: FakeServer, _ credential: SASLCredential = .password(user: "ann", Secret("pw-secret")),
        limits: IMAPLimits = IMAPLimits(), commandTimeout: Duration = .seconds(20)
    ) async throws -> IMAPSession {
        var timeouts = MailTimeouts()
        timeouts.command = commandTimeout
        return try await IMAPSession.connect(
            to: Servers.fake(server), as: credential, timeouts: timeouts, limits: limits, logger: Servers.logger)
    }

    @Test(arguments: [
        "* 1 FETCH (UID 1 RFC822.SIZE 1 BODY[] {4294967296}\r\n",
        "* 1 FETCH (UID 1 RFC822.SIZE 1 BODY[] {-5}\r\nhello)\r\n",
        "* 1 FETCH (UID 1 RFC822.SIZE 1 BODY[] {99999999999999999999999}\r\n",
        "* 1 FETCH (UID 1 RFC822.SIZE 1 BODY[] {}\r\n",
        "* 1 FETCH (UID 0 RFC822.SIZE 1)\r\n",
        "* 1 FETCH (UID 99999999999 RFC822.SIZE 1)\r\n",
        "* 1 FETCH (UID 1 RFC822.SIZE 99999999999999999999)\r\n",
        "* 1 FETCH (UID 1 X \"unended)\r\n",
        "* 1 FETCH (UID 1 FLAGS (\\Seen\r\n",
        "* 1 FETCH\r\n",
        "* 1 FETCH (BODY[\r\n",
        "* 1 FETCH (BODY[]<\r\n",
        "* 1 FETCH (UID 1 X \(String(repeating: "(", count: 5000)))\r\n",
        "* 99999999999 EXISTS\r\n",
        "* 1 FETCH (X \0)\r\n",
        "* OK \0\r\n",
        "wrong OK done\r\n",
        "m999 OK done\r\n",
        "TAG MAYBE done\r\n",
        "+ go ahead\r\n",
        "\r\n",
        "*\r\n",
        "* \r\n",
        "\(String(repeating: "x", count: 100_000))",
    ])
    func `ends the session on a malformed answer`(answer: String) async throws {
        let server = FakeServer(.imap(then: [.expect("UID FETCH"), .say(answer)]))
        let session = try await Self.connect(server)
        let error = await #expect(throws: MailError.self) { _ = try await session.overview(.from(UID(1)!)) }
        #expect(error?.code == .protocolViolation)
        #expect(await session.isClosed)
    }

    @Test func `memory stays bounded under a flood`() async throws {
        var limits = IMAPLimits()
        limits.command = 1 << 20
        let server = FakeServer(.imap(then: [.expect("NOOP"), .flood("* OK nothing\r\n* 5 EXISTS\r\n")]))
        let session = try await Self.connect(server, limits: limits)
        let error = await #expect(throws: MailError.self) { try await session.noop() }
        #expect(error?.code == .protocolViolation)
    }

    @Test func `a slow drip does not outlast the command's deadline`() async throws {
        let server = FakeServer(
            .imap(then: [.expect("NOOP"), .drip(String(repeating: "* OK still here\r\n", count: 10_000))]))
        let session = try await Self.connect(server, commandTimeout: .seconds(6))
        let error = await #expect(throws: MailError.self) { try await session.noop() }
        #expect(error?.code == .timedOut)
        #expect(await session.isClosed)
    }

    @Test func `a literal over the limit is refused before it is sent`() async throws {
        var limits = IMAPLimits()
        limits.literal = 1000
        let server = FakeServer(
            .imap(then: [.expect("UID FETCH"), .say("* 1 FETCH (UID 7 BODY[] {1001}\r\n"), .drain]))
        let session = try await Self.connect(server, limits: limits)
        let message = MessageOverview(uid: UID(7)!, size: 10, internalDate: nil, flags: [], modSeq: nil)
        await #expect { try await session.fetch([message]) { _ in } } throws: {
            ($0 as? MailError)?.code == .protocolViolation
        }
    }

    @Test func `a cut in the middle of a mail is a closed link, and no half mail is handed over`() async throws {
        let server = FakeServer(
            .imap(then: [.expect("UID FETCH"), .say("* 1 FETCH (UID 7 BODY[] {100}\r\nSubject: half"), .close]))
        let session = try await Self.connect(server)
        let seen = Locked(0)
        let message = MessageOverview(uid: UID(7)!, size: 100, internalDate: nil, flags: [], modSeq: nil)
        await #expect { try await session.fetch([message]) { _ in seen.withLock { $0 += 1 } } } throws: {
            ($0 as? MailError)?.code == .closed
        }
        #expect(seen.withLock { $0 } == 0)
    }

    @Test func `answers out of order and unasked ones are put right`() async throws {
        let server = FakeServer(
            .imap(then: [
                .expect("UID FETCH"),
                .say(
                    "* 9 EXISTS\r\n* 3 FETCH (UID 30 FLAGS () BODY[] {1}\r\nc)\r\n* 8 FETCH (FLAGS (\\Seen) UID 80)\r\n"
                        + "* 1 FETCH (UID 10 BODY[] \"a\")\r\n* 4 FETCH (BODY[] {1}\r\nx UID 99)\r\n* 2 EXPUNGE\r\nTAG OK done\r\n"
                ),
            ]))
        let session = try await Self.connect(server)
        let messages = [10, 20, 30].map {
            MessageOverview(uid: UID($0)!, size: 1, internalDate: nil, flags: [], modSeq: nil)
        }
        let seen = Locked<[String]>([])
        try await session.fetch(messages) { message in
            seen.withLock { $0.append("\(message.uid)\(String(decoding: message.bytes, as: UTF8.self))") }
        }
        #expect(seen.withLock { $0 } == ["10a", "30c"])
        #expect(await session.exists == 8)
    }

    @Test func `words for people that look like a literal are words`() async throws {
        let server = FakeServer(.imap(then: [.expect("NOOP"), .say("* OK about {500}\r\nTAG OK sure {12}\r\n")]))
        let session = try await Self.connect(server)
        try await session.noop()
    }

    @Test func `BYE is retryable and quotes the server`() async throws {
        let server = FakeServer(.imap(then: [.expect("NOOP"), .say("* BYE [UNAVAILABLE] going down\r\n"), .close]))
        let session = try await Self.connect(server)
        let error = await #expect(throws: MailError.self) { try await session.noop() }
        #expect(error?.code == .unavailable)
        #expect(error?.isRetryable == true)
        #expect(error?.context.contains("going down") == true)
    }

    @Test func `a refusing greeting is retryable and quotes the server`() async throws {
        let server = FakeServer([.say("* BYE too many connections\r\n"), .close])
        let error = await #expect(throws: MailError.self) { _ = try await Self.connect(server) }
        #expect(error?.isRetryable == true)
        #expect(error?.context.contains("too many connections") == true)
    }

    @Test func `PREAUTH is refused`() async throws {
        let server = FakeServer([
            .say("* PREAUTH welcome\r\n"), .expect("CAPABILITY"), .say("* CAPABILITY IMAP4rev1\r\nTAG OK done\r\n"),
            .drain,
        ])
        await #expect(throws: MailError.self) { _ = try await Self.connect(server) }
        #expect(!server.lines.contains { $0.contains("AUTHENTICATE") || $0.contains("LOGIN") })
    }

    @Test(arguments: ["* OK ready\r\n", "* PREAUTH welcome\r\n"])
    func `nothing secret is sent where STARTTLS was stripped`(greeting: String) async throws {
        let server = FakeServer([
            .say(greeting), .expect("CAPABILITY"), .say("* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nTAG OK done\r\n"), .drain,
        ])
        let endpoint = Servers.fake(server, .startTLS)
        let error = await #expect(throws: MailError.self) {
            _ = try await IMAPSession.connect(
                to: endpoint, as: .password(user: "ann", Secret("pw")), logger: Servers.logger)
        }
        #expect(error?.code == .tlsNotOffered)
        #expect(error?.isRetryable == false)
        #expect(!server.lines.contains { $0.contains("AUTHENTICATE") || $0.contains("LOGIN") })
    }

    // MARK: Login

    @Test func `LOGINDISABLED without a mechanism sends no password`() async throws {
        let server = FakeServer(.imapBeforeLogin("IMAP4rev1 LOGINDISABLED") + [.drain])
        let error = await #expect(throws: MailError.self) { _ = try await Self.connect(server) }
        #expect(error?.code == .authenticationUnavailable)
        #expect(!server.lines.contains { $0.contains("pw-secret") })
    }

    @Test func `AUTH=LOGIN and the LOGIN command serve where PLAIN is missing`() async throws {
        let mechanism = FakeServer(
            .imapBeforeLogin("IMAP4rev1 AUTH=LOGIN") + [
                .expect("AUTHENTICATE LOGIN"), .say("+ VXNlcm5hbWU6\r\n"), .expect("YW5u"), .say("+ UGFzc3dvcmQ6\r\n"),
                .expect("cHctc2VjcmV0"), .say("m2 OK in\r\n"), .expect("CAPABILITY"),
                .say("* CAPABILITY IMAP4rev1 MOVE\r\nTAG OK done\r\n"),
            ])
        #expect(try await Self.connect(mechanism).capabilities.contains("MOVE"))
        let command = FakeServer(
            .imapBeforeLogin("IMAP4rev1") + [
                .expect("LOGIN \"ann\" \"pw-secret\""), .say("TAG OK [CAPABILITY IMAP4rev1 MOVE] in\r\n"),
            ])
        #expect(try await Self.connect(command).capabilities.contains("MOVE"))
    }

    @Test func `OAUTHBEARER sends the token and reports the server's verdict`() async throws {
        let credential = SASLCredential.oauth2(user: "ann", token: { Secret("tok-1") })
        let good = FakeServer(.imap("IMAP4rev1 AUTH=OAUTHBEARER AUTH=XOAUTH2 SASL-IR", then: []))
        _ = try await Self.connect(good, credential)
        let line = try #require(good.lines.first { $0.contains("AUTHENTICATE OAUTHBEARER") })
        let sent = Data(base64Encoded: String(line.split(separator: " ").last ?? "")).map {
            String(decoding: $0, as: UTF8.self)
        }
        #expect(sent == "n,a=ann,\u{1}host=127.0.0.1\u{1}port=\(good.port)\u{1}auth=Bearer tok-1\u{1}\u{1}")

        let verdict = Data(#"{"status":"invalid_token"}"#.utf8).base64EncodedString()
        let bad = FakeServer(
            .imapBeforeLogin("IMAP4rev1 AUTH=OAUTHBEARER SASL-IR") + [
                .expect("AUTHENTICATE"), .say("+ \(verdict)\r\n"), .expect("AQ=="),
                .say("m2 NO [AUTHENTICATIONFAILED] no\r\n"),
            ])
        let error = await #expect(throws: MailError.self) { _ = try await Self.connect(bad, credential) }
        #expect(error?.code == .authenticationFailed)
        #expect(error?.context.contains("invalid_token") == true)
        #expect(error?.description.contains("tok-1") == false)
    }

    @Test(arguments: ["UNAVAILABLE", "THROTTLED", "LIMIT"])
    func `a login refused for now is retryable`(code: String) async throws {
        let server = FakeServer(
            .imapBeforeLogin("IMAP4rev1 AUTH=PLAIN SASL-IR") + [
                .expect("AUTHENTICATE"), .say("TAG NO [\(code)] later\r\n"),
            ])
        let error = await #expect(throws: MailError.self) { _ = try await Self.connect(server) }
        #expect(error?.code == .unavailable)
        #expect(error?.isRetryable == true)
    }

    @Test func `an endless challenge ends`() async throws {
        let server = FakeServer(
            .imapBeforeLogin("IMAP4rev1 AUTH=PLAIN") + [.expect("AUTHENTICATE"), .flood("+ \r\n")])
        let error = await #expect(throws: MailError.self) { _ = try await Self.connect(server) }
        #expect(error?.code == .protocolViolation)
    }

    // MARK: Fallbacks

    @Test func `a peer that dies in IDLE is found when DONE has no answer`() async throws {
        let server = FakeServer(.imap(then: [.expect("IDLE"), .say("+ idling\r\n"), .drain]))
        let session = try await Self.connect(server, commandTimeout: .seconds(6))
        let error = await #expect(throws: MailError.self) {
            _ = try await session.idle(until: .now + .milliseconds(50))
        }
        #expect(error?.code == .timedOut)
        #expect(await session.isClosed)
        #expect(server.lines.contains("DONE"))
    }

    @Test func `a change noted during another command ends the next IDLE at once`() async throws {
        let server = FakeServer(.imap(then: [.expect("NOOP"), .say("* 3 EXISTS\r\nTAG OK done\r\n"), .drain]))
        let session = try await Self.connect(server)
        try await session.noop()
        #expect(try await session.idle(until: .now + .seconds(60)) == .changed(exists: 3))
    }

    @Test func `news that the server holds back from IDLE are asked for when another session saw them`() async throws {
        let server = FakeServer(
            .imap(then: [
                .expect("IDLE"), .say("+ idling\r\n"), .expect("DONE"), .say("* 7 EXISTS\r\nTAG OK\r\n"), .drain,
            ]))
        let session = try await Self.connect(server)
        let idle = Task { try await session.idle(until: .now + .seconds(60)) }
        let hint = Task {
            while !Task.isCancelled {
                await session.look(for: 7)
                await Task.yield()
            }
        }
        #expect(try await idle.value == .changed(exists: 7))
        hint.cancel()
        await hint.value
    }

    @Test func `news that another session saw between two IDLEs are asked for by the next one`() async throws {
        let server = FakeServer(
            .imap(then: [
                .expect("IDLE"), .say("+ idling\r\n"), .expect("DONE"), .say("* 7 EXISTS\r\nTAG OK\r\n"), .drain,
            ]))
        let session = try await Self.connect(server)
        await session.look(for: 7)
        #expect(try await session.idle(until: .now + .seconds(60)) == .changed(exists: 7))
    }

    @Test func `without MOVE and UIDPLUS a move copies and marks, and never expunges`() async throws {
        let server = FakeServer(
            .imap(
                "IMAP4rev1 AUTH=PLAIN SASL-IR",
                then: [
                    .expect("UID COPY 5 \"Done\""), .say("TAG OK copied\r\n"),
                    .expect("UID STORE 5 +FLAGS.SILENT (\\Deleted)"),
                    .say("TAG OK stored\r\n"), .expect("LOGOUT"), .say("* BYE\r\nTAG OK\r\n"),
                ]))
        let session = try await Self.connect(server)
        let moved = try await session.move([UID(5)!], to: "Done")
        #expect(moved.destinations.isEmpty)
        await session.logout()
        #expect(!server.lines.contains { $0.contains("EXPUNGE") })
    }

    @Test func `without LITERAL+ an APPEND waits for leave, and a refusal is taken as such`() async throws {
        let server = FakeServer(
            .imap(
                "IMAP4rev1 AUTH=PLAIN SASL-IR",
                then: [
                    .expect("APPEND \"Sent\" (\\Seen) {13}"), .say("+ go\r\n"), .expect("hello"),
                    .say("m3 OK filed\r\n"),
                    .expect("APPEND"), .say("TAG NO [OVERQUOTA] full\r\n"), .expect("NOOP"), .say("TAG OK\r\n"),
                ]))
        let session = try await Self.connect(server)
        #expect(
            try await session.append(
                Array("A: b\r\n\r\nhello".utf8), to: "Sent", flags: [.seen]) == nil)
        let error = await #expect(throws: MailError.self) { _ = try await session.append([1], to: "Sent", flags: []) }
        #expect(error?.code == .overQuota)
        try await session.noop()
    }

    @Test func `a folder name cannot become a command`() async throws {
        let server = FakeServer(
            .imap(
                "IMAP4rev1 AUTH=PLAIN SASL-IR LITERAL+",
                then: [
                    .expect("CREATE"), .say("TAG OK\r\n"), .expect("NOOP"), .say("TAG OK\r\n"),
                ]))
        let session = try await Self.connect(server)
        try await session.create(FolderName(raw: "a\"\r\nx LOGOUT"))
        try await session.noop()
        #expect(server.lines.contains { $0.contains("CREATE {12+}") })
    }
}
