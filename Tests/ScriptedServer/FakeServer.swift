internal import ConnectionThread
internal import Glibc

/// A server on loopback that follows a script: it waits for what it expects and says what it is told.
///
/// Every connection runs the same script in turn; what clients said is kept for the test to look at.
package final class FakeServer: Sendable {
    package enum Step: Sendable {
        /// Sends text as it is.
        case say(String)
        case bytes([UInt8])
        /// Reads lines until one contains this text (without case). `TAG` in later steps becomes its first word.
        case expect(String)
        /// Reads until the client is gone.
        case drain
        /// Sends text again and again until the client is gone.
        case flood(String)
        /// Sends text one octet every ten milliseconds until the client is gone.
        case drip(String)
        /// Says nothing until the test allows it.
        case waitUntil(@Sendable () -> Bool)
        case close
    }

    package let port: Int
    private let listener: Int32
    private let state = Locked<(lines: [String], connections: Int)>(([], 0))

    package init(_ script: [Step]) {
        let (listener, port) = Socket.listen()
        // Small, so that a client that writes much has to wait.
        var size: Int32 = 64 << 10
        setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        self.listener = listener
        self.port = port
        let state = self.state
        Socket.thread {
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { return }
                state.withLock { $0.connections += 1 }
                Socket.thread {
                    Self.serve(client, script, state)
                    Glibc.close(client)
                }
            }
        }
    }

    /// Refuses connections from now on. Without it the server lives as long as the process, so that a test may let go
    /// of it while a client is on its way.
    package func stop() {
        // Not closed: the accepting thread may be about to use the number, which could then be another server's.
        shutdown(self.listener, Int32(SHUT_RDWR))
    }

    /// What clients have said, line by line.
    package var lines: [String] { self.state.withLock { $0.lines } }
    package var connections: Int { self.state.withLock { $0.connections } }

    private static func lineFeed(in buffer: [UInt8], from start: Int) -> Int? {
        buffer.withUnsafeBytes { bytes in
            guard start < bytes.count, let base = bytes.baseAddress else { return nil }
            return memchr(base + start, 0x0A, bytes.count - start).map { $0 - UnsafeMutableRawPointer(mutating: base) }
        }
    }

    private static func serve(_ client: Int32, _ script: [Step], _ state: Locked<(lines: [String], connections: Int)>) {
        var buffer: [UInt8] = []
        var start = 0
        var tag = ""
        func fill() -> Bool {
            var bytes = [UInt8](repeating: 0, count: 65536)
            let count = recv(client, &bytes, bytes.count, 0)
            guard count > 0 else { return false }
            buffer.removeFirst(start)
            start = 0
            buffer += bytes[..<count]
            return true
        }
        func line() -> String? {
            while true {
                if let end = Self.lineFeed(in: buffer, from: start) {
                    let line = buffer[start..<end]
                    let text = String(decoding: line.last == 0x0D ? line.dropLast() : line, as: UTF8.self)
                    start = end + 1
                    state.withLock { $0.lines.append(text) }
                    return text
                }
                guard fill() else { return nil }
            }
        }
        func say(_ bytes: [UInt8]) -> Bool { Socket.send(bytes[...], to: client) }
        for step in script {
            switch step {
            case .say(let text): guard say(Array(text.replacing("TAG", with: tag).utf8)) else { return }
            case .bytes(let bytes): guard say(bytes) else { return }
            case .expect(let text):
                while true {
                    guard let line = line() else { return }
                    guard line.uppercased().contains(text.uppercased()) else { continue }
                    // DONE belongs to the IDLE before it.
                    if line.uppercased() != "DONE" { tag = String(line.prefix { $0 != " " }) }
                    break
                }
            case .drain: while line() != nil {}
            case .flood(let text): while say(Array(text.replacing("TAG", with: tag).utf8)) {}
            case .drip(let text):
                for byte in text.replacing("TAG", with: tag).utf8 {
                    guard say([byte]) else { return }
                    usleep(10_000)
                }
            case .waitUntil(let isTime): while !isTime() { usleep(1_000) }
            case .close: return
            }
        }
        while line() != nil {}
    }
}

extension [FakeServer.Step] {
    /// Greeting, capabilities (asked by libcurl and again by us) and a login that works.
    package static func imap(
        _ capabilities: String = "IMAP4rev1 AUTH=PLAIN SASL-IR IDLE UIDPLUS", then rest: [FakeServer.Step]
    )
        -> [FakeServer.Step]
    {
        Self.imapBeforeLogin(capabilities)
            + [.expect("AUTHENTICATE"), .say("TAG OK [CAPABILITY \(capabilities)] in\r\n")] + rest
    }

    package static func imapBeforeLogin(_ capabilities: String) -> [FakeServer.Step] {
        let answer: [FakeServer.Step] = [
            .expect("CAPABILITY"), .say("* CAPABILITY \(capabilities)\r\nTAG OK done\r\n"),
        ]
        return [.say("* OK ready\r\n")] + answer + answer
    }

    /// Greeting and EHLO (by libcurl and again by us).
    package static func smtp(_ capabilities: [String], then rest: [FakeServer.Step]) -> [FakeServer.Step] {
        let lines = ["fake.example"] + capabilities
        let reply = lines.enumerated().map { index, line in
            "250\(index == lines.count - 1 ? " " : "-")\(line)\r\n"
        }.joined()
        return [.say("220 fake.example ESMTP\r\n"), .expect("EHLO"), .say(reply), .expect("EHLO"), .say(reply)] + rest
    }
}
