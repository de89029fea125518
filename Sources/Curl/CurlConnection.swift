internal import CCurl
internal import ConnectionThread
internal import Glibc

/// A TCP connection to a mail server, with TLS where asked for, on which the caller speaks the protocol.
///
/// libcurl resolves, connects, shakes hands (greeting, CAPABILITY or EHLO, STARTTLS) and checks the certificate on one
/// of a few shared threads. It never sees credentials. Afterwards the socket does not block: `read` and `write` suspend
/// in `SocketPoller`, so that an idle connection holds no thread. One task at a time reads and one writes.
package final class CurlConnection: Sendable {
    package enum Scheme: String, Sendable { case imap, smtp }
    package enum Security: Sendable { case tls, startTLS, none }

    /// Where to connect, and how.
    package struct Target: Sendable {
        package var scheme: Scheme
        package var host: String
        package var port: Int
        package var security: Security
        /// PEM file of the authorities to trust; nil means the system's.
        package var caFile: String?
        /// Name for EHLO during the handshake; ASCII. Only for SMTP.
        package var clientName: String?

        package init(
            scheme: Scheme, host: String, port: Int, security: Security, caFile: String? = nil,
            clientName: String? = nil
        ) {
            self.scheme = scheme
            self.host = host
            self.port = port
            self.security = security
            self.caFile = caFile
            self.clientName = clientName
        }
    }

    private static let pool = BlockingPool(name: "connector", width: 8)
    /// A server that has more to say before login than this is not worth talking to.
    private static let handshakeLimit = 64 << 10
    /// Octets taken from the socket at once.
    private static let readSize = 64 << 10
    /// Linux ends a connection whose data stays unacknowledged this long (TCP_USER_TIMEOUT), in milliseconds.
    private static let unacknowledgedLimit: Int32 = 60_000

    /// Lines that the server sent before the connection was handed over, without line ends: greeting, capabilities,
    /// the answer to STARTTLS. With STARTTLS the lines before it came unprotected: believe none of them.
    package let handshake: [String]
    package let isEncrypted: Bool
    private let handle: Locked<CurlHandle>
    private let socket: Int32

    private init(handle: CurlHandle, socket: Int32, isEncrypted: Bool) {
        self.handshake = handle.headLines
        self.isEncrypted = isEncrypted
        self.handle = Locked(handle)
        self.socket = socket
    }

    /// Connects and leaves the connection unauthenticated.
    /// - Parameter timeout: for all of it, counted from when one of the threads is free.
    /// - Throws: `.dns`, `.refused`, `.timedOut`, `.cancelled`, `.tlsNotOffered`, `.tlsFailed`, `.certificateInvalid`,
    ///   `.nameMismatch`, `.badReply` (also a refusing greeting; see `serverLine`), `.tooLarge`, `.invalidRequest`.
    package static func connect(
        to target: Target, timeout: Duration
    ) async throws(CurlError) -> CurlConnection {
        let handle = try CurlHandle(headLimit: Self.handshakeLimit, bodyLimit: 0)
        try handle.set(CURLOPT_URL, try Self.address(of: target))
        try handle.set(CURLOPT_PROTOCOLS_STR, "imap,imaps,smtp,smtps")
        try handle.set(CURLOPT_CONNECT_ONLY, 1)
        try handle.set(CURLOPT_TCP_KEEPALIVE, 1)
        try handle.set(CURLOPT_TCP_KEEPIDLE, 60)
        try handle.set(CURLOPT_TCP_KEEPINTVL, 15)
        if target.security == .startTLS { try handle.set(CURLOPT_USE_SSL, Int(CURLUSESSL_ALL.rawValue)) }
        if let file = target.caFile { try handle.set(CURLOPT_CAINFO, file) }
        try await handle.perform(on: Self.pool, timeout: timeout)
        var socket: curl_socket_t = -1
        try CurlError.check(shim_getinfo_socket(handle.raw, CURLINFO_ACTIVESOCKET, &socket))
        guard socket >= 0 else { throw CurlError(.closed, "the connection is gone", serverLine: handle.headLines.last) }
        var limit = Self.unacknowledgedLimit
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, &limit, socklen_t(MemoryLayout<Int32>.size))
        return CurlConnection(handle: handle, socket: socket, isEncrypted: target.security != .none)
    }

    /// What has arrived, at least one octet; waits for it when nothing has.
    /// - Throws: `.closed` when the peer is gone, `.timedOut`, `.cancelled`. After the last two the connection is whole.
    package func read(until deadline: ContinuousClock.Instant) async throws(CurlError) -> [UInt8] {
        while true {
            try Self.checkTime(deadline)
            // TLS holds bytes that no poll can see: ask the library first, wait only when it has nothing.
            let (status, bytes) = self.handle.withLock { handle in
                var status = CURLE_OK
                let bytes = [UInt8](unsafeUninitializedCapacity: Self.readSize) { buffer, count in
                    status = curl_easy_recv(handle.raw, buffer.baseAddress, buffer.count, &count)
                }
                return (status, bytes)
            }
            if status == CURLE_OK {
                guard !bytes.isEmpty else { throw CurlError(.closed, "the server closed the connection") }
                return bytes
            }
            guard status == CURLE_AGAIN else { throw CurlError(.closed, "the connection broke while reading") }
            try await self.wait(.read, until: deadline)
        }
    }

    /// Hands all of `bytes` to the system.
    /// - Throws: `.closed`, `.timedOut`, `.cancelled`; then an unknown part of the bytes was sent.
    package func write(_ bytes: [UInt8], until deadline: ContinuousClock.Instant) async throws(CurlError) {
        var sent = 0
        while sent < bytes.count {
            try Self.checkTime(deadline)
            let (status, count) = self.handle.withLock { handle in
                bytes.withUnsafeBytes { buffer in
                    var count = 0
                    let rest = UnsafeRawBufferPointer(rebasing: buffer[sent...])
                    let status = curl_easy_send(handle.raw, rest.baseAddress, rest.count, &count)
                    return (status, count)
                }
            }
            switch status {
            case CURLE_OK: sent += count
            case CURLE_AGAIN: try await self.wait(.write, until: deadline)
            default: throw CurlError(.closed, "the connection broke while writing")
            }
        }
    }

    /// Ends the connection at once; a task that waits on it gets `.closed`. The descriptor itself is given back when
    /// the last reference goes, so that no waiter can meet a reused number.
    package func close() { _ = Glibc.shutdown(self.socket, Int32(SHUT_RDWR)) }

    private func wait(
        _ direction: SocketPoller.Direction, until deadline: ContinuousClock.Instant
    ) async throws(CurlError) {
        switch await SocketPoller.shared.wait(for: self.socket, direction, until: deadline) {
        case .ready: return
        case .timedOut: throw CurlError(.timedOut, "no answer in time")
        case .cancelled: throw CurlError(.cancelled, "cancelled while waiting")
        }
    }

    private static func checkTime(_ deadline: ContinuousClock.Instant) throws(CurlError) {
        if Task.isCancelled { throw CurlError(.cancelled, "cancelled") }
        if ContinuousClock.now >= deadline { throw CurlError(.timedOut, "no answer in time") }
    }

    private static func address(of target: Target) throws(CurlError) -> String {
        // The host is configuration, but a typing error must not become another part of the URL.
        let isPlain = target.host.unicodeScalars.allSatisfy { scalar in
            scalar.value > 0x20 && scalar.value != 0x7F && !"/?#@\\%".unicodeScalars.contains(scalar)
        }
        guard !target.host.isEmpty, isPlain, (1...65535).contains(target.port) else {
            throw CurlError(.invalidRequest, "not a host and port: \(target.host):\(target.port)")
        }
        let host = target.host.contains(":") && !target.host.hasPrefix("[") ? "[\(target.host)]" : target.host
        let scheme = target.scheme.rawValue + (target.security == .tls ? "s" : "")
        let name = target.clientName.map { name in
            String(
                name.unicodeScalars.filter {
                    $0.properties.isAlphabetic || $0.properties.numericType != nil
                        || ".-[]:".unicodeScalars.contains($0)
                }.filter(\.isASCII))
        }
        return "\(scheme)://\(host):\(target.port)/\(target.scheme == .smtp ? name ?? "" : "")"
    }
}
