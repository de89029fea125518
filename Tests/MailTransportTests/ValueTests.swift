import Curl
import DeskModel
import Foundation
import Logging
import MailTransport
import ScriptedServer
import Testing

@Suite("FolderName") struct FolderNameTests {
    @Test(arguments: [
        ("Drafts", "Drafts"), ("inbox", "INBOX"), ("Tom & Ann", "Tom &- Ann"), ("Entwürfe", "Entw&APw-rfe"),
        ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"), ("😀", "&2D3eAA-"),
    ])
    func `is encoded and decoded`(text: String, raw: String) {
        #expect(FolderName(text).raw == raw)
        #expect(FolderName(raw: raw).text == (raw == "INBOX" ? raw : text))
    }

    @Test(arguments: ["a&b", "&!!!-", "&2D0-", "&"])
    func `a name that is no valid encoding is kept as it is`(raw: String) {
        #expect(FolderName(raw: raw).raw == raw)
        #expect(FolderName(raw: raw).text == raw)
    }

    @Test func `a UTF-8 name goes back as it came`() { #expect(FolderName(raw: "Entwürfe").raw == "Entwürfe") }
}

@Suite("MailFlag") struct MailFlagTests {
    @Test(arguments: ["", "a b", "a)", "\\", "\\*", "a\r\nb", "größe", "a\"", "a]"])
    func `what cannot be sent is no flag`(name: String) { #expect(MailFlag(name) == nil) }

    @Test func `case does not matter`() { #expect(MailFlag("\\SEEN") == .seen) }
}

@Suite("Backoff") struct BackoffTests {
    private struct Fixed: RandomNumberGenerator {
        let value: UInt64
        mutating func next() -> UInt64 { self.value }
    }

    @Test func `grows to its cap and starts over`() {
        var backoff = Backoff(base: .seconds(1), cap: .seconds(60))
        var highest = Fixed(value: .max)
        let waits = (0..<100).map { _ in backoff.next(using: &highest) }
        for (wait, bound) in zip(waits, [1.0, 2, 4, 8, 16, 32, 60, 60]) {
            #expect(abs(wait / .seconds(1) - bound) < 0.01)
        }
        #expect(waits.allSatisfy { $0 <= .seconds(60) })
        backoff.reset()
        #expect(backoff.next(using: &highest) <= .seconds(1))
    }

    @Test func `spreads over the whole span`() {
        var backoff = Backoff(base: .seconds(10), cap: .seconds(10))
        var generator = SystemRandomNumberGenerator()
        let waits = (0..<2000).map { _ in backoff.next(using: &generator) / .seconds(1) }
        #expect(waits.min()! < 1)
        #expect(waits.max()! > 9)
    }
}

@Suite("OAuthTokenSource") struct OAuthTokenSourceTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private static func http(_ status: String, _ body: String) -> [FakeServer.Step] {
        [
            .expect("POST"), .expect("Content-Length"),
            .say(
                "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)"
            ),
        ]
    }

    private static func source(
        _ server: FakeServer, configured: String = "r", memory: URL? = nil,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) -> OAuthTokenSource {
        OAuthTokenSource(
            url: "http://127.0.0.1:\(server.port)/token", clientID: "desk", clientSecret: Secret("s&s"),
            refreshToken: Secret(configured), memory: memory, now: now)
    }

    @Test func `callers share one request, and the token is kept`() async throws {
        let server = FakeServer(Self.http("200 OK", #"{"access_token":"t1","expires_in":3600}"#))
        let source = Self.source(server)
        try await withThrowingTaskGroup(of: Secret.self) { group in
            for _ in 0..<20 { group.addTask { try await source.accessToken(logger: Self.logger) } }
            for try await token in group { #expect(token.reveal() == "t1") }
        }
        #expect(server.connections == 1)
        await source.invalidate()
        _ = try await source.accessToken(logger: Self.logger)
        #expect(server.connections == 2)
    }

    @Test func `a refresh token that replaces the configured one outlives the process, until another is configured`()
        async throws
    {
        let folder = URL.temporaryDirectory.appending(path: "tokens-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        // Only root may give it away.
        try? FileManager.default.setAttributes([.ownerAccountID: 65534], ofItemAtPath: folder.path)
        defer { try? FileManager.default.removeItem(at: folder) }
        let memory = folder.appending(path: "refresh-token-support")
        func length(of server: FakeServer) -> Int? {
            server.lines.first { $0.hasPrefix("Content-Length: ") }.flatMap { Int($0.dropFirst(16)) }
        }
        func ask(configured: String, answer: String) async throws -> Int {
            let server = FakeServer(Self.http("200 OK", answer))
            let source = Self.source(server, configured: configured, memory: memory)
            _ = try await source.accessToken(logger: Self.logger)
            return try #require(length(of: server))
        }
        let first = try await ask(
            configured: "r", answer: #"{"access_token":"t1","expires_in":3600,"refresh_token":"rotated"}"#)
        let facts = try FileManager.default.attributesOfItem(atPath: memory.path)
        #expect(facts[.posixPermissions] as? Int == 0o600)
        // Root at a shell writes for the service that the folder belongs to.
        let owner = try FileManager.default.attributesOfItem(atPath: folder.path)[.ownerAccountID] as? Int
        #expect(owner != nil && facts[.ownerAccountID] as? Int == owner)
        // The token is the only part of the form that may differ.
        let plain = #"{"access_token":"t2","expires_in":3600}"#
        #expect(try await ask(configured: "r", answer: plain) == first + "rotated".count - 1)
        #expect(try await ask(configured: "q", answer: plain) == first)
    }

    @Test func `a token of 60 seconds is renewed before it expires`() async throws {
        let server = FakeServer(Self.http("200 OK", #"{"access_token":"t1","expires_in":60}"#))
        let start = ContinuousClock.now
        let elapsed = Elapsed()
        let source = Self.source(server) { start + .seconds(elapsed.seconds) }
        _ = try await source.accessToken(logger: Self.logger)
        elapsed.set(50)
        _ = try await source.accessToken(logger: Self.logger)
        #expect(server.connections == 1)
        elapsed.set(55)
        _ = try await source.accessToken(logger: Self.logger)
        #expect(server.connections == 2)
    }

    @Test(arguments: [("400 Bad", MailError.Code.authenticationFailed, false), ("503 Busy", .unavailable, true)])
    func `a refused grant is final, a busy issuer is not`(status: String, code: MailError.Code, retryable: Bool) async {
        let server = FakeServer(Self.http(status, #"{"error":"invalid_grant"}"#))
        let error = await #expect(throws: MailError.self) {
            _ = try await Self.source(server).accessToken(logger: Self.logger)
        }
        #expect(error?.code == code)
        #expect(error?.isRetryable == retryable)
        #expect(error?.context.contains("invalid_grant") == true)
    }
}
