import DeskModel
import Glibc
import Logging
import MailTransport
import ScriptedServer

/// The servers that Scripts/stack started, by the environment.
enum Servers {
    struct Missing: Error, CustomStringConvertible {
        let variable: String
        var description: String {
            "\(self.variable) is not set; start the servers with: Scripts/stack up --dir .martlet/stack"
        }
    }

    static let logger = Logger(label: "test")
    static let password = Secret("martlet-test")

    static func variable(_ name: String) throws -> String {
        guard let value = getenv(name), value.pointee != 0 else { throw Missing(variable: name) }
        return String(cString: value)
    }

    static func port(_ name: String) throws -> Int {
        guard let port = Int(try self.variable(name)) else { throw Missing(variable: name) }
        return port
    }

    static func imap(_ security: MailEndpoint.Security = .none) throws -> MailEndpoint {
        MailEndpoint(
            host: try self.variable("MARTLET_TEST_IMAP_HOST"),
            port: try self.port(security == .tls ? "MARTLET_TEST_IMAPS_PORT" : "MARTLET_TEST_IMAP_PORT"),
            security: security, caFile: try self.variable("MARTLET_TEST_CA"), allowsCleartextLogin: security == .none)
    }

    static func smtp(_ security: MailEndpoint.Security = .none) throws -> MailEndpoint {
        MailEndpoint(
            host: "127.0.0.1", port: try self.port("MARTLET_TEST_SMTP_PORT"), security: security,
            caFile: try self.variable("MARTLET_TEST_CA"))
    }

    /// A user whom no other test knows.
    static func freshUser() -> String {
        "t\(UInt64.random(in: 0 ... .max))@shop.example"
    }

    static func session(
        _ user: String = freshUser(), _ security: MailEndpoint.Security = .none
    ) async throws -> IMAPSession {
        try await IMAPSession.connect(
            to: self.imap(security), as: .password(user: user, self.password), logger: self.logger)
    }

    static func fake(_ server: FakeServer, _ security: MailEndpoint.Security = .none) -> MailEndpoint {
        MailEndpoint(host: "127.0.0.1", port: server.port, security: security, allowsCleartextLogin: security == .none)
    }

    static func mail(_ subject: String, body: String = "Hello", id: String = "\(UInt64.random(in: 0 ... .max))")
        -> [UInt8]
    {
        Array(
            """
            From: Ann <ann@customer.example>
            To: support@shop.example
            Subject: \(subject)
            Message-ID: <\(id)@customer.example>
            Date: Mon, 5 Jan 2026 10:00:00 +0000

            \(body)

            """.replacing("\n", with: "\r\n").utf8)
    }
}
