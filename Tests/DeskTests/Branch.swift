import Desk
import DeskModel
import DeskStore
import Foundation
import MailTransport
import Postgres
import ScriptedServer
import TestSupport

/// Whose manners a scripted server has.
enum Provider: String, CaseIterable, Sendable {
    case gmail, exchange

    var manners: ProviderServer.Manners {
        switch self {
        case .gmail: .gmail
        case .exchange: .exchange
        }
    }
    var drafts: String { self == .gmail ? "[Gmail]/Drafts" : "Drafts" }
}

/// An office at a provider, which knows no password.
struct Branch {
    let server: ProviderServer
    let issuer: FakeServer
    let office: Office

    init(
        _ provider: Provider, token: String = "token-1",
        pause: Office.Pause = .short,
        change: (inout DeskSettings) -> Void = { _ in }
    ) throws {
        let server = ProviderServer(provider.manners, token: "token-1")
        let body = "{\"access_token\":\"\(token)\",\"expires_in\":3600}"
        let issuer = FakeServer([
            .expect("POST"), .expect("Content-Length"),
            .say(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n"
                    + "Connection: close\r\n\r\n\(body)"),
        ])
        self.server = server
        self.issuer = issuer
        self.office = try Office(
            imap: MailEndpoint(host: "127.0.0.1", port: server.port, security: .none, allowsCleartextLogin: true),
            pause: pause
        ) { settings in
            settings.importSince = .all
            settings.mailboxes[0].serverFilesSent = true
            settings.mailboxes[0].oauth = OAuthTokenSource(
                url: "http://127.0.0.1:\(issuer.port)/token", clientID: "desk", clientSecret: Secret(""),
                refreshToken: Secret("refresh"))
            change(&settings)
        }
    }

    func plan(_ writes: [MailboxWrite]) async throws {
        _ = try await self.office.store.pool.withTransaction { transaction in
            try await transaction.pipeline(self.office.store.planStatements(writes))
        }
    }

    func write(_ id: Int64, _ kind: MailboxWrite.Kind, flags: [String]) async throws -> MailboxWrite {
        let name = "write\(id).\(self.office.user)"
        let mailbox = try await self.office.store.mailbox(named: "office", address: self.office.mailbox.address).id
        let ticket = TicketID(Int64(try await self.office.count("select min(id) from ticket")))
        let message = StoredMessageID(Int64(try await self.office.count("select min(id) from message")))
        return MailboxWrite(
            id: id, mailboxID: mailbox, ticketID: ticket, messageID: message, kind: kind,
            internetMessageID: kind == .mark ? nil : name,
            bytes: kind == .mark ? nil : customerMail("Written \(id)", from: self.office.user, id: name),
            flags: flags, internalDate: nil, rank: 2)
    }

    /// A draft's row, as the answering step writes it beside the intent.
    func draft(of write: MailboxWrite, state: String) async throws {
        _ = try await self.office.database.pool.query(
            """
            insert into draft (id, ticket_id, message_id, write_id, state, body, content, confidence)
            values (\(write.id), \(write.ticketID.rawValue), \(write.messageID?.rawValue), \(write.id), \(state),
                'Hello', '{}', 0.5)
            """)
    }
}
