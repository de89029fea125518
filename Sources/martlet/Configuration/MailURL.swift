import MailTransport

/// A mail server as people write it: `imaps://imap.shop.example`, `smtp://127.0.0.1:2525`.
///
/// `imaps` and `smtps` speak TLS from the first byte. `imap` and `smtp` must change to TLS (STARTTLS) before anything
/// else; with `loopback: true`, and only to this machine, they stay in the clear.
struct MailURL: Sendable, Hashable {
    enum Service: String, Sendable { case imap, smtp }

    let host: String
    let port: Int
    let isTLS: Bool

    init(_ text: String, service: Service) throws(ConfigurationComplaint) {
        let example = "write \(service)s://\(service).example.com, with :PORT behind it where it is not the usual one"
        let parts = text.split(separator: "://", maxSplits: 1)
        guard parts.count == 2 else { throw ConfigurationComplaint("is not a mail server's URL", remedy: example) }
        switch parts[0].lowercased() {
        case service.rawValue: self.isTLS = false
        case "\(service)s": self.isTLS = true
        default:
            throw ConfigurationComplaint("the URL does not begin with \(service)s:// or \(service)://", remedy: example)
        }
        guard !parts[1].contains("@") else {
            throw ConfigurationComplaint(
                "the URL holds a user or a password", remedy: "put them under user and password_file")
        }
        let rest = parts[1].hasSuffix("/") ? parts[1].dropLast() : parts[1]
        guard !rest.contains(where: { "/?# ".contains($0) }) else {
            throw ConfigurationComplaint("the URL goes on after the host and port", remedy: example)
        }
        let (host, port) = Self.hostAndPort(rest)
        guard Self.isHost(host) else { throw ConfigurationComplaint("the URL has no host name", remedy: example) }
        if let port {
            guard let number = Int(port), (1...65_535).contains(number) else {
                throw ConfigurationComplaint("the port is not a number from 1 to 65535", remedy: example)
            }
            self.port = number
        } else {
            self.port =
                switch (service, self.isTLS) {
                case (.imap, true): 993
                case (.imap, false): 143
                case (.smtp, true): 465
                case (.smtp, false): 587
                }
        }
        self.host = host
    }

    /// Whether the host is this machine by its name or number.
    var isLoopback: Bool {
        if self.host.lowercased() == "localhost" || self.host == "::1" { return true }
        let numbers = self.host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        return numbers.count == 4 && numbers.allSatisfy { $0 != nil } && numbers[0] == 127
    }

    /// - Parameter allowsCleartext: `loopback: true` of the mailbox.
    func endpoint(caFile: String?, allowsCleartext: Bool) -> MailEndpoint {
        let isClear = !self.isTLS && allowsCleartext
        return MailEndpoint(
            host: self.host, port: self.port, security: self.isTLS ? .tls : isClear ? .none : .startTLS,
            caFile: caFile, allowsCleartextLogin: isClear)
    }

    private static func isHost(_ text: String) -> Bool {
        !text.isEmpty && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || ".-:_".contains($0)) }
    }

    private static func hostAndPort(_ text: Substring) -> (host: String, port: Substring?) {
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            let rest = text[text.index(after: end)...]
            return (String(text[text.index(after: text.startIndex)..<end]), rest.isEmpty ? nil : rest.dropFirst())
        }
        guard let colon = text.lastIndex(of: ":") else { return (String(text), nil) }
        return (String(text[..<colon]), text[text.index(after: colon)...])
    }
}
