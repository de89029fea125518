import ConnectionThread
import DeskModel
import MailTransport
import ScriptedServer
import TestSupport
import Testing

private let sender = MailAddress("support@shop.example")!
private let full = ["SIZE 1000000", "8BITMIME", "SMTPUTF8", "DSN", "PIPELINING", "ENHANCEDSTATUSCODES"]

private func connect(_ server: FakeServer, as credential: SASLCredential? = nil) async throws -> SMTPSession {
    var timeouts = MailTimeouts()
    timeouts.command = .seconds(20)
    timeouts.finalReply = .seconds(20)
    return try await SMTPSession.connect(
        to: Servers.fake(server), as: credential, helo: "desk.example", timeouts: timeouts, logger: Servers.logger)
}

private func envelope(_ recipients: String...) -> SMTPEnvelope {
    SMTPEnvelope(from: sender, recipients: recipients.map { MailAddress($0)! })
}

@Suite("SMTPSession against a real server") struct SMTPRealTests {
    @Test(arguments: [MailEndpoint.Security.none, .startTLS])
    func `a mail arrives as it was sent, several on one connection`(security: MailEndpoint.Security) async throws {
        let user = Servers.freshUser()
        let session = try await SMTPSession.connect(
            to: Servers.smtp(security), as: nil, helo: "desk.example", logger: Servers.logger)
        let body = "first\n.\n..dots\nMAIL FROM:<x@y.example>\n.\r\nQUIT\nlast: äöü"
        for number in 1...3 {
            let delivery = try await session.send(
                SMTPEnvelope(from: nil, recipients: [MailAddress(user)!], notify: .never, envelopeID: "a+b=c"),
                message: Array(
                    "Subject: n\(number)\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n\(body)".utf8))
            #expect(delivery.final?.code == 250)
            #expect(delivery.accepted.count == 1)
        }
        #expect(await session.isReusable)
        await session.quit()

        let imap = try await Servers.session(user)
        _ = try await imap.select(.inbox)
        try await eventually("three mails") {
            if try await imap.overview(.from(UID(1)!)).count >= 3 { return true }
            _ = try await imap.idle(until: .now + .seconds(30))
            return false
        }
        #expect(try await imap.overview(.from(UID(1)!)).count == 3)
        let messages = try await imap.overview(.from(UID(1)!))
        let ending = body.replacing("\r\n", with: "\n").replacing("\n", with: "\r\n") + "\r\n"
        try await imap.fetch(messages) { message in
            #expect(String(decoding: message.bytes, as: UTF8.self).hasSuffix("\r\n\r\n\(ending)"))
        }
    }

    @Test func `a refused recipient does not keep the mail from the others`() async throws {
        let session = try await SMTPSession.connect(
            to: Servers.smtp(), as: nil, helo: "desk.example", logger: Servers.logger)
        let delivery = try await session.send(
            envelope("a@[bogus]", Servers.freshUser()), message: Servers.mail("x"))
        #expect(delivery.final?.code == 250)
        #expect(delivery.accepted.map(\.domain) == ["shop.example"])
        #expect(delivery.refused.map(\.address.domain) == ["[bogus]"])
        #expect(delivery.refused.first?.reply.enhanced != nil)
        let none = try await session.send(envelope("a@[bogus]"), message: Servers.mail("x"))
        #expect(none.accepted.isEmpty)
        #expect(await session.isReusable)
    }

    @Test func `a mail over the server's limit is not sent`() async throws {
        let session = try await SMTPSession.connect(
            to: Servers.smtp(), as: nil, helo: "desk.example", logger: Servers.logger)
        let limit = try #require(await session.capabilities.maximumSize)
        let error = await #expect(throws: MailError.self) {
            _ = try await session.send(
                envelope(Servers.freshUser()), message: Servers.mail("x") + [UInt8](repeating: 0x61, count: limit))
        }
        #expect(error?.code == .messageTooLarge)
        #expect(error?.phase == .beforeData)
    }
}

@Suite("SMTPSession against scripted servers") struct SMTPScriptedTests {
    private static let message = Array("Subject: x\r\n\r\nbody\r\n".utf8)

    private static func refusals(pipelining: Bool) -> [FakeServer.Step] {
        .smtp(
            pipelining ? full : ["8BITMIME"],
            then: [
                .expect("MAIL FROM:<support@shop.example>"), .say("250 2.1.0 ok\r\n"),
                .expect("RCPT TO:<a@b.example>"), .say("550 5.1.1 who?\r\n"),
                .expect("RCPT TO:<c@d.example>"), .say("250 2.1.5 ok\r\n"),
                .expect("RCPT TO:<e@f.example>"), .say("451-4.7.1 come\r\n451 4.7.1 later\r\n"),
                .expect("DATA"), .say("354 go\r\n"), .expect("body"), .expect("."), .say("250 2.0.0 queued\r\n"),
                .expect("MAIL"), .say("250 ok\r\n"), .expect("RCPT"), .say("250 ok\r\n"), .expect("DATA"),
                .say("354 go\r\n"),
                .expect("body"), .say("250 ok\r\n"),
            ])
    }

    @Test(arguments: [true, false])
    func `each recipient has its own reply`(pipelining: Bool) async throws {
        let server = FakeServer(Self.refusals(pipelining: pipelining))
        let session = try await connect(server)
        let delivery = try await session.send(
            envelope("a@b.example", "c@d.example", "e@f.example"), message: Self.message)
        #expect(delivery.replies.map(\.reply.code) == [550, 250, 451])
        #expect(delivery.replies.map(\.reply.enhanced) == ["5.1.1", "2.1.5", "4.7.1"])
        #expect(delivery.replies[2].reply.text == "come later")
        #expect(delivery.final?.text == "queued")
        // A delivery that went through needs no RSET.
        #expect(try await session.send(envelope("a@b.example"), message: Self.message).final?.code == 250)
        #expect(!server.lines.contains("RSET"))
    }

    @Test func `without PIPELINING a refused sender ends the talk, and RSET comes before the next mail`() async throws {
        let server = FakeServer(
            .smtp(
                ["8BITMIME"],
                then: [
                    .expect("MAIL"), .say("553 5.7.1 not you\r\n"), .expect("RSET"), .say("250 ok\r\n"),
                    .expect("MAIL"), .say("250 ok\r\n"),
                    .expect("RCPT"), .say("550 no\r\n"), .drain,
                ]))
        let session = try await connect(server)
        let first = try await session.send(envelope("a@b.example"), message: Self.message)
        #expect(first.final?.code == 553)
        #expect(first.replies.isEmpty)
        let second = try await session.send(envelope("a@b.example"), message: Self.message)
        #expect(second.final == nil)
        #expect(second.refused.count == 1)
        #expect(!server.lines.contains("DATA"))
    }

    @Test func `a server that takes DATA for nobody gets an empty mail`() async throws {
        let server = FakeServer(
            .smtp(
                full,
                then: [
                    .expect("MAIL"), .say("250 ok\r\n"), .expect("RCPT"), .say("550 no\r\n"), .expect("DATA"),
                    .say("354 go\r\n"),
                    .expect("."), .say("554 no valid recipients\r\n"), .drain,
                ]))
        let delivery = try await connect(server).send(envelope("a@b.example"), message: Self.message)
        #expect(delivery.final == nil)
        #expect(!server.lines.contains("body"))
    }

    @Test func `a refusal after the final dot is a value`() async throws {
        let server = FakeServer(
            .smtp(
                full,
                then: [
                    .expect("MAIL"), .say("250 ok\r\n"), .expect("RCPT"), .say("250 ok\r\n"), .expect("DATA"),
                    .say("354 go\r\n"),
                    .expect("body"), .expect("."), .say("554 5.7.1 spam\r\n"),
                ]))
        let delivery = try await connect(server).send(envelope("a@b.example"), message: Self.message)
        #expect(delivery.final?.isPermanent == true)
        #expect(delivery.accepted.isEmpty)
    }

    /// Where the server hangs up, and what that means for the mail.
    @Test(arguments: [
        (0, MailError.Phase.connect), (1, .beforeData), (2, .beforeData), (3, .beforeData), (4, .afterFinalDot),
    ])
    func `the phase of a cut is known`(steps: Int, phase: MailError.Phase) async throws {
        let talk: [[FakeServer.Step]] = [
            [.expect("MAIL"), .say("250 ok\r\n")], [.expect("RCPT"), .say("250 ok\r\n")],
            [.expect("DATA"), .say("354 go\r\n"), .expect("body"), .expect(".")],
        ]
        let server = FakeServer(
            steps == 0
                ? [.say("220 hi\r\n"), .expect("EHLO"), .close]
                : .smtp(["8BITMIME"], then: talk.prefix(steps - 1).flatMap { $0 } + [.close]))
        let error = await #expect(throws: MailError.self) {
            let session = try await connect(server)
            _ = try await session.send(envelope("a@b.example"), message: Self.message)
        }
        #expect(error?.phase == phase)
        #expect(error?.isRetryable == true)
    }

    @Test func `a cancelled delivery still learns the server's last word`() async throws {
        let cancelled = Locked(false)
        let server = FakeServer(
            .smtp(
                ["8BITMIME"],
                then: [
                    .expect("MAIL"), .say("250 ok\r\n"), .expect("RCPT"), .say("250 ok\r\n"), .expect("DATA"),
                    .say("354 go\r\n"),
                    .expect("body"), .expect("."), .waitUntil { cancelled.withLock { $0 } },
                    .say("250 2.0.0 taken after a while\r\n"),
                ]))
        let session = try await connect(server)
        let task = Task { try await session.send(envelope("a@b.example"), message: Self.message) }
        try await eventually("the final dot") { server.lines.contains(".") }
        task.cancel()
        cancelled.withLock { $0 = true }
        #expect(try await task.value.final?.text == "taken after a while")
    }

    @Test(arguments: [
        "hello\r\n", "250\0ok\r\n", "999 what\r\n", "250-a\r\n550 b\r\n", String(repeating: "2", count: 9000),
    ])
    func `a malformed reply ends the session`(reply: String) async throws {
        let server = FakeServer(.smtp(["8BITMIME"], then: [.expect("MAIL"), .say(reply), .drain]))
        let session = try await connect(server)
        let error = await #expect(throws: MailError.self) {
            _ = try await session.send(envelope("a@b.example"), message: Self.message)
        }
        #expect(error?.code == .protocolViolation)
        #expect(await session.isReusable == false)
    }

    @Test func `421 is a value and ends the session`() async throws {
        let server = FakeServer(.smtp(["8BITMIME"], then: [.expect("MAIL"), .say("421 4.3.2 closing\r\n"), .close]))
        let session = try await connect(server)
        let delivery = try await session.send(envelope("a@b.example"), message: Self.message)
        #expect(delivery.final?.isTransient == true)
        #expect(await session.isReusable == false)
    }

    // MARK: What the server lacks

    @Test func `nothing is sent that the server cannot carry`() async throws {
        let server = FakeServer(.smtp(["SIZE 50"], then: [.drain]))
        let session = try await connect(server)
        func code(_ envelope: SMTPEnvelope, _ message: String) async -> MailError.Code? {
            do { _ = try await session.send(envelope, message: Array(message.utf8)); return nil } catch {
                return error.code
            }
        }
        #expect(await code(envelope("größe@b.example"), "A: b\n\nc") == .needsSMTPUTF8)
        #expect(await code(envelope("a@b.example"), "A: ä\n\nc") == .needsSMTPUTF8)
        #expect(await code(envelope("a@b.example"), "A: b\n\nä") == .needs8BITMIME)
        #expect(await code(envelope("a@b.example"), "A: b\n\n\(String(repeating: "c", count: 60))") == .messageTooLarge)
        #expect(await code(envelope(), "A: b\n\nc") == .invalidArgument)
        #expect(!server.lines.contains { $0.hasPrefix("MAIL") })
        #expect(await session.isReusable)
    }

    @Test func `parameters are sent only where offered`() async throws {
        let rest: [FakeServer.Step] = [
            .expect("MAIL"), .say("250 ok\r\n"), .expect("RCPT"), .say("250 ok\r\n"), .expect("DATA"),
            .say("354 go\r\n"),
            .expect("."), .say("250 ok\r\n"),
        ]
        var envelope = envelope("größe@b.example")
        envelope.notify = .on(success: false, failure: true, delay: true)
        envelope.envelopeID = "id 1"
        let rich = FakeServer(.smtp(full, then: rest))
        _ = try await connect(rich).send(envelope, message: Self.message)
        #expect(
            rich.lines.contains("MAIL FROM:<support@shop.example> SIZE=20 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=id+201")
        )
        #expect(rich.lines.contains("RCPT TO:<größe@b.example> NOTIFY=FAILURE,DELAY"))
        envelope.recipients = [sender]
        let poor = FakeServer(.smtp(["HELP"], then: rest))
        _ = try await connect(poor).send(envelope, message: Self.message)
        #expect(poor.lines.contains("MAIL FROM:<support@shop.example>"))
        #expect(poor.lines.contains("RCPT TO:<support@shop.example>"))
    }

    @Test(arguments: [
        ("\r", "a\rb"), ("lone LF", "a\n.\nb"), ("LF CR", "a\n\r.\r\nb"), ("CR dot", "a\r.\rb"),
        ("dots", ".\r\n..\r\n.a"),
    ])
    func `no body can end the mail early`(name: String, body: String) async throws {
        let server = FakeServer(
            .smtp(
                ["8BITMIME"],
                then: [
                    .expect("MAIL"), .say("250 ok\r\n"), .expect("RCPT"), .say("250 ok\r\n"), .expect("DATA"),
                    .say("354 go\r\n"),
                    .expect("the very end"), .expect("."), .say("250 ok\r\n"), .expect("QUIT"), .say("221 bye\r\n"),
                ]))
        let session = try await connect(server)
        let delivery = try await session.send(
            envelope("a@b.example"), message: Array("Subject: x\r\n\r\n\(body)\r\nthe very end".utf8))
        #expect(delivery.final?.code == 250)
        await session.quit()
        #expect(server.lines.filter { $0 == "." }.count == 1)
    }

    // MARK: Login

    @Test func `a required login is not skipped where AUTH is missing`() async throws {
        let server = FakeServer(.smtp(full, then: [.drain]))
        let error = await #expect(throws: MailError.self) {
            _ = try await connect(server, as: .password(user: "ann", Secret("pw-secret")))
        }
        #expect(error?.code == .authenticationUnavailable)
        #expect(error?.phase == .connect)
    }

    @Test func `logs in with PLAIN, and a refusal quotes the server and not the secret`() async throws {
        let good = FakeServer(
            .smtp(["AUTH LOGIN PLAIN"], then: [.expect("AUTH PLAIN AGFubgBwdy1zZWNyZXQ="), .say("235 2.7.0 ok\r\n")]))
        _ = try await connect(good, as: .password(user: "ann", Secret("pw-secret")))
        let bad = FakeServer(
            .smtp(
                ["AUTH=LOGIN"],
                then: [
                    .expect("AUTH LOGIN"), .say("334 VXNlcm5hbWU6\r\n"), .expect("YW5u"), .say("334 UGFzc3dvcmQ6\r\n"),
                    .expect("cHctc2VjcmV0"), .say("535 5.7.8 no such luck\r\n"),
                ]))
        let error = await #expect(throws: MailError.self) {
            _ = try await connect(bad, as: .password(user: "ann", Secret("pw-secret")))
        }
        #expect(error?.code == .authenticationFailed)
        #expect(error?.context.contains("no such luck") == true)
        #expect(error?.description.contains("pw-secret") == false)
    }

    @Test func `XOAUTH2 answers a refused token with an empty line`() async throws {
        let server = FakeServer(
            .smtp(
                ["AUTH XOAUTH2"],
                then: [
                    .expect("AUTH XOAUTH2"), .say("334 eyJzdGF0dXMiOiI0MDEifQ==\r\n"), .expect(""),
                    .say("454 4.7.0 later\r\n"),
                ]))
        let error = await #expect(throws: MailError.self) {
            _ = try await connect(server, as: .oauth2(user: "ann", token: { Secret("tok") }))
        }
        #expect(error?.code == .unavailable)
        #expect(error?.context.contains(#""status":"401""#) == true)
    }

    @Test func `nothing secret is sent where STARTTLS was stripped`() async throws {
        let server = FakeServer(.smtp(["AUTH PLAIN"], then: [.drain]))
        let endpoint = Servers.fake(server, .startTLS)
        let error = await #expect(throws: MailError.self) {
            _ = try await SMTPSession.connect(
                to: endpoint, as: .password(user: "ann", Secret("pw")), helo: "desk.example", logger: Servers.logger)
        }
        #expect(error?.code == .tlsNotOffered)
        #expect(!server.lines.contains { $0.hasPrefix("AUTH") })
    }
}
