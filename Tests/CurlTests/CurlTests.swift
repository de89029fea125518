import Curl
import Glibc
import ScriptedServer
import Testing

private func target(
    _ server: FakeServer, _ scheme: CurlConnection.Scheme = .imap, _ security: CurlConnection.Security = .none
) -> CurlConnection.Target {
    CurlConnection.Target(scheme: scheme, host: "127.0.0.1", port: server.port, security: security)
}

private let greeting: [FakeServer.Step] = [
    .say("* OK ready\r\n"), .expect("CAPABILITY"), .say("* CAPABILITY IMAP4rev1\r\nTAG OK done\r\n"),
]

@Suite("CurlConnection") struct CurlConnectionTests {
    @Test func `shows the handshake and then passes octets both ways`() async throws {
        let server = FakeServer(greeting + [.expect("hello"), .say("one"), .expect("more"), .say("two"), .close])
        let connection = try await CurlConnection.connect(to: target(server), timeout: .seconds(20))
        #expect(connection.handshake.first == "* OK ready")
        #expect(connection.handshake.contains("* CAPABILITY IMAP4rev1"))
        let deadline = ContinuousClock.now + .seconds(20)
        try await connection.write(Array("hello\r\n".utf8), until: deadline)
        #expect(try await connection.read(until: deadline) == Array("one".utf8))
        try await connection.write(Array("more\r\n".utf8), until: deadline)
        #expect(try await connection.read(until: deadline) == Array("two".utf8))
        let error = await #expect(throws: CurlError.self) { try await connection.read(until: deadline) }
        #expect(error?.code == .closed)
    }

    @Test func `more than the socket takes at once goes out whole`() async throws {
        let server = FakeServer(greeting + [.expect("the end"), .say("ok")])
        let connection = try await CurlConnection.connect(to: target(server), timeout: .seconds(20))
        let deadline = ContinuousClock.now + .seconds(30)
        let line = Array((String(repeating: "x", count: 998) + "\r\n").utf8)
        try await connection.write(
            Array(repeatElement(line, count: 8_000).joined()) + Array("the end\r\n".utf8), until: deadline)
        #expect(try await connection.read(until: deadline) == Array("ok".utf8))
        #expect(server.lines.filter { $0.utf8.count == 998 }.count == 8_000)
    }

    @Test func `a read ends at its deadline and the connection stays whole`() async throws {
        let server = FakeServer(greeting + [.expect("now"), .say("late")])
        let connection = try await CurlConnection.connect(to: target(server), timeout: .seconds(20))
        let error = await #expect(throws: CurlError.self) {
            try await connection.read(until: .now + .milliseconds(20))
        }
        #expect(error?.code == .timedOut)
        try await connection.write(Array("now\r\n".utf8), until: .now + .seconds(20))
        #expect(try await connection.read(until: .now + .seconds(20)) == Array("late".utf8))
    }

    @Test func `cancellation and close end a waiting read`() async throws {
        let server = FakeServer(greeting + [.drain])
        let connection = try await CurlConnection.connect(to: target(server), timeout: .seconds(20))
        let cancelled = Task { try await connection.read(until: .now + .seconds(600)) }
        cancelled.cancel()
        await #expect { _ = try await cancelled.value } throws: { ($0 as? CurlError)?.code == .cancelled }
        let closed = Task { try await connection.read(until: .now + .seconds(600)) }
        connection.close()
        await #expect { _ = try await closed.value } throws: { ($0 as? CurlError)?.code == .closed }
    }

    @Test func `a connect ends at its deadline or when it is cancelled`() async throws {
        let silent = FakeServer([.drain])
        let late = await #expect(throws: CurlError.self) {
            _ = try await CurlConnection.connect(to: target(silent), timeout: .milliseconds(50))
        }
        #expect(late?.code == .timedOut)
        let before = silent.connections
        let task = Task { _ = try await CurlConnection.connect(to: target(silent), timeout: .seconds(600)) }
        while silent.connections == before { try await Task.sleep(for: .milliseconds(2)) }
        task.cancel()
        await #expect { try await task.value } throws: { ($0 as? CurlError)?.code == .cancelled }
    }

    @Test func `a closed port, an unknown name and a bad address are told apart`() async throws {
        let stopped = FakeServer([])
        stopped.stop()
        let port = stopped.port
        func code(_ host: String, _ port: Int) async -> CurlError.Code? {
            do {
                _ = try await CurlConnection.connect(
                    to: CurlConnection.Target(scheme: .imap, host: host, port: port, security: .none),
                    timeout: .seconds(20))
                return nil
            } catch { return error.code }
        }
        #expect(await code("127.0.0.1", port) == .refused)
        // A label of 64 octets: no name server has to be asked.
        #expect(await code("\(String(repeating: "x", count: 64)).invalid", 143) == .dns)
        #expect(await code("127.0.0.1/x", 143) == .invalidRequest)
        #expect(await code("127.0.0.1", 70_000) == .invalidRequest)
    }

    @Test(arguments: [["* OK ready\r\n"], ["* PREAUTH hello\r\n"]])
    func `STARTTLS that is not offered ends the connection`(lines: [String]) async {
        let server = FakeServer(
            lines.map { .say($0) } + [.expect("CAPABILITY"), .say("* CAPABILITY IMAP4rev1\r\nTAG OK done\r\n"), .drain])
        let error = await #expect(throws: CurlError.self) {
            _ = try await CurlConnection.connect(to: target(server, .imap, .startTLS), timeout: .seconds(20))
        }
        #expect(error?.code == .tlsNotOffered)
        #expect(error?.isRetryable == false)
    }

    @Test func `text injected behind STARTTLS is refused`() async {
        let server = FakeServer([
            .say("* OK ready\r\n"), .expect("CAPABILITY"), .say("* CAPABILITY IMAP4rev1 STARTTLS\r\nTAG OK done\r\n"),
            .expect("STARTTLS"), .say("TAG OK go\r\n* OK injected\r\n"), .drain,
        ])
        let error = await #expect(throws: CurlError.self) {
            _ = try await CurlConnection.connect(to: target(server, .imap, .startTLS), timeout: .seconds(20))
        }
        #expect(error?.code == .badReply)
    }

    @Test func `an endless greeting is cut off`() async {
        let server = FakeServer([.flood("* OK and another thing\r\n")])
        let error = await #expect(throws: CurlError.self) {
            _ = try await CurlConnection.connect(to: target(server), timeout: .seconds(20))
        }
        #expect(error?.code == .tooLarge || error?.code == .badReply)
    }
}

@Suite("HTTPClient") struct HTTPClientTests {
    private static func server(_ head: String, _ body: String = "") -> FakeServer {
        FakeServer([
            .expect("Host:"), .expect("Accept"),
            .say("HTTP/1.1 \(head)\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)"),
        ])
    }

    private static func url(_ server: FakeServer) -> String { "http://127.0.0.1:\(server.port)/v1" }

    @Test func `posts JSON and takes the answer, whatever its status`() async throws {
        let server = FakeServer([
            .expect("POST /v1"), .expect("{\"a\":1}"),
            .say("HTTP/1.1 429 Slow\r\nRetry-After: 17\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"),
        ])
        let response = try await HTTPClient().send(
            .json(Self.url(server), body: Array("{\"a\":1}\n".utf8), headers: [("Authorization", "Bearer k")]))
        #expect(response.status == 429)
        #expect(response.retryAfter == .seconds(17))
        #expect(response.body == Array("{}".utf8))
        #expect(server.lines.contains("Content-Type: application/json"))
        #expect(server.lines.contains("Authorization: Bearer k"))
        #expect(server.lines.contains("Content-Length: 8"))
        #expect(!server.lines.contains { $0.hasPrefix("Expect") })
    }

    @Test func `an answer over the limit is cut off`() async {
        let server = Self.server("200 OK", String(repeating: "x", count: 5000))
        let error = await #expect(throws: CurlError.self) {
            _ = try await HTTPClient().send(.init(.get, Self.url(server), maximumResponseSize: 4999))
        }
        #expect(error?.code == .tooLarge)
    }

    @Test func `an answer within the limit is whole`() async throws {
        let server = Self.server("200 OK", String(repeating: "x", count: 5000))
        let response = try await HTTPClient().send(.init(.get, Self.url(server), maximumResponseSize: 5000))
        #expect(response.body.count == 5000)
        #expect(response.isSuccess)
        #expect(response.retryAfter == nil)
    }

    @Test func `redirects are answers`() async throws {
        let other = Self.server("200 OK")
        let server = Self.server("302 Found\r\nLocation: \(Self.url(other))")
        #expect(try await HTTPClient().send(.init(.get, Self.url(server))).status == 302)
        #expect(other.connections == 0)
    }

    @Test func `only http and https are spoken`() async {
        let error = await #expect(throws: CurlError.self) {
            _ = try await HTTPClient().send(.init(.get, "file:///etc/hostname"))
        }
        #expect(error?.code == .invalidRequest)
    }

    @Test func `a header value cannot bring a second header`() async {
        let error = await #expect(throws: CurlError.self) {
            _ = try await HTTPClient().send(.init(.get, "http://127.0.0.1:1/", headers: [("A", "b\r\nC: d")]))
        }
        #expect(error?.code == .invalidRequest)
    }

    @Test func `the environment's proxies are not used`() async throws {
        setenv("http_proxy", "http://127.0.0.1:1/", 1)
        defer { unsetenv("http_proxy") }
        #expect(try await HTTPClient().send(.init(.get, Self.url(Self.server("204 None")))).status == 204)
    }

    @Test func `a silent server costs no more than the time-out`() async {
        let server = FakeServer([.drain])
        let error = await #expect(throws: CurlError.self) {
            _ = try await HTTPClient().send(.init(.get, Self.url(server), timeout: .milliseconds(50)))
        }
        #expect(error?.code == .timedOut)
        #expect(error?.isRetryable == true)
    }

    @Test(arguments: [
        ("17", Duration.seconds(17)), ("0", .seconds(0)), ("99999999999999999999", .seconds(2_147_483_647)),
        ("Thu, 01 Jan 2099 00:00:00 GMT", nil), ("Thu, 01 Jan 1998 00:00:00 GMT", .seconds(0)), ("soon", nil),
        ("-5", nil),
    ])
    func `Retry-After is read in both forms`(value: String, expected: Duration?) async throws {
        let server = Self.server("503 Busy\r\nRetry-After: \(value)")
        let response = try await HTTPClient().send(.init(.get, Self.url(server)))
        if value.hasSuffix("2099 00:00:00 GMT") {
            #expect(response.retryAfter ?? .zero > .seconds(365 * 86_400))
        } else {
            #expect(response.retryAfter == expected)
        }
    }
}
