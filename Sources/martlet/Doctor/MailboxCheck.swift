import Desk
import DeskModel
import DeskStore
import Foundation
import Logging
import MailTransport
import Postgres

/// Checks of one mailbox: login, folders, sending, and what a first start would find.
struct MailboxCheck: Sendable {
    let mailbox: MailboxSettings
    let settings: DeskSettings
    /// nil when the database was not reached.
    let store: DeskStore?

    private static let logger = Logger(label: "doctor") { _ in SwiftLogNoOpLogHandler() }

    func findings() async -> [Finding] { await self.imap() + [await self.smtp()] }

    private var name: String { self.mailbox.name }

    // MARK: - IMAP

    private func imap() async -> [Finding] {
        let check = "imap \(self.name)"
        do {
            let session = try await IMAPSession.connect(
                to: self.mailbox.imap, as: MailboxConnection.credential(of: self.mailbox, logger: Self.logger),
                timeouts: Self.timeouts,
                logger: Self.logger)
            var findings = [Finding.ok(check, "logged in at \(self.mailbox.imap.host) as \(self.mailbox.user)")]
            do {
                findings.append(try await self.folders(session))
                findings.append(try await self.firstContact(session))
            } catch {
                findings.append(Self.explain(error, "folders \(self.name)", self.mailbox.imap, key: "imap"))
            }
            await session.logout()
            return findings
        } catch {
            return [
                Self.explain(error, check, self.mailbox.imap, key: "imap"),
                .skip("folders \(self.name)", "the IMAP server was not reached"),
            ]
        }
    }

    private func folders(_ session: IMAPSession) async throws -> Finding {
        let check = "folders \(self.name)"
        let folders = try await session.folders()
        let wanted: [(role: String, configured: String, use: IMAPFolder.SpecialUse?)] = [
            ("inbox", self.mailbox.folders.inbox, nil), ("drafts", self.mailbox.folders.drafts, .drafts),
            ("sent", self.mailbox.folders.sent, .sent),
        ]
        var found: [String] = []
        for (role, configured, use) in wanted {
            let folder = folders.first { folder in
                configured.isEmpty
                    ? use != nil && folder.specialUse == use : folder.name == FolderName(configured)
            }
            if let folder {
                found.append("\(role) \(folder.name.text)")
            } else if configured.isEmpty {
                let usual = folders.contains { $0.name.text.lowercased().hasSuffix(role) }
                if !usual {
                    return .warn(
                        check, "the server does not say which folder is for \(role)",
                        "name it: mailboxes, \(self.name), folders, \(role)")
                }
                found.append("\(role) by its name")
            } else {
                let near = Suggestion.nearest(to: configured, among: folders.map(\.name.text))
                return .fail(
                    check, "there is no folder \(configured) for \(role)",
                    near.map { "did you mean \($0)?" } ?? "make it, or name another one under folders")
            }
        }
        if case .move(let target) = self.mailbox.afterImport,
            !folders.contains(where: { $0.name == FolderName(target) })
        {
            return .fail(
                check, "there is no folder \(target), where after_import moves what was read",
                Suggestion.nearest(to: target, among: folders.map(\.name.text)).map { "did you mean \($0)?" }
                    ?? "make it, or name another one in after_import")
        }
        return .ok(check, found.joined(separator: ", "))
    }

    /// What a first start would do with the mail that is there; after it, where the cursor stands.
    private func firstContact(_ session: IMAPSession) async throws -> Finding {
        let check = "mail \(self.name)"
        let survey = try await MailboxSurvey.take(of: self.mailbox, over: session, since: .seconds(7 * 86_400))
        let mails = "\(Self.grouped(survey.mailCount)) \(survey.mailCount == 1 ? "mail" : "mails")"
        if let known = try? await self.store?.knownFolder(named: self.mailbox.folders.inbox, ofMailbox: self.name) {
            let isSame = known.uidValidity == survey.uidValidity
            return .ok(
                check,
                isSame
                    ? "\(mails); read up to UID \(known.lastUID)"
                    : "\(mails); the server numbered them anew, known ones will be recognised")
        }
        let history =
            switch self.settings.importSince {
            case .now: "0 will be answered"
            case .all: "all will be imported as new"
            case .age(let age): "those of the last \(Quantity.text(age)) will be imported as new"
            }
        let offer =
            survey.unanswered.isEmpty
            ? ""
            : "; \(survey.unanswered.count) unanswered of the last 7 days can be drafted with martlet import --since 7d"
        return .ok(check, "\(mails); \(history)\(offer)")
    }

    /// `40,112`.
    static func grouped(_ number: Int) -> String {
        let digits = String(number)
        var result = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { result.append(",") }
            result.append(digit)
        }
        return result
    }

    // MARK: - SMTP

    private func smtp() async -> Finding {
        let check = "smtp \(self.name)"
        do {
            let session = try await SMTPSession.connect(
                to: self.mailbox.smtp, as: MailboxConnection.smtpCredential(of: self.mailbox, logger: Self.logger),
                helo: self.mailbox.address.domain,
                timeouts: Self.timeouts, logger: Self.logger)
            await session.quit()
            let host = self.mailbox.smtp.host
            return .ok(
                check,
                MailboxConnection.smtpCredential(of: self.mailbox, logger: Self.logger) == nil
                    ? "reached \(host), no login" : "logged in at \(host)")
        } catch {
            return Self.explain(error, check, self.mailbox.smtp, key: "smtp")
        }
    }

    private static var timeouts: MailTimeouts {
        var timeouts = MailTimeouts()
        timeouts.connect = .seconds(10)
        timeouts.login = .seconds(20)
        return timeouts
    }

    // MARK: - Words

    private static func isHere(_ endpoint: MailEndpoint) -> Bool {
        ["localhost", "::1", "[::1]"].contains(endpoint.host.lowercased()) || endpoint.host.hasPrefix("127.")
    }

    /// What went wrong, and what to do about it.
    static func explain(_ error: any Error, _ check: String, _ endpoint: MailEndpoint, key: String) -> Finding {
        guard let error = error as? MailError else { return .fail(check, "\(error)", nil) }
        let place = "\(endpoint.host):\(endpoint.port)"
        switch error.code {
        case .unreachable:
            return .fail(
                check, "nobody answers at \(place) (\(error.context))",
                "check the host and port under \(key), the firewall, and that the server runs")
        case .timedOut:
            return .fail(
                check, "\(place) did not answer in time", "check the port under \(key) and the firewall between")
        case .closed, .unavailable:
            return .fail(check, "\(place) cannot serve just now (\(error.context))", "try again in some minutes")
        case .tlsNotOffered:
            return .fail(
                check, "\(place) offers no STARTTLS", "use \(key)s:// if the server speaks TLS at once on another port")
        case .tlsFailed:
            return .fail(
                check, "TLS with \(place) failed (\(error.context))",
                "check that the port belongs to \(key)s:// (TLS at once) or \(key):// (STARTTLS)")
        case .certificateInvalid:
            return .fail(
                check, "the certificate of \(place) is not trusted (\(error.context))",
                "set ca_file to the PEM file of the authority that issued it, or let the server renew it"
                    + (Self.isHere(endpoint) ? "; on this machine loopback: yes does without TLS" : ""))
        case .nameMismatch:
            return .fail(
                check, "the certificate of \(place) is for another name", "use the name in the certificate as host")
        case .authenticationFailed:
            return .fail(
                check, "the server refused user and password (\(error.context))",
                "check user and password; many providers want an app password or OAuth2")
        case .authenticationUnavailable:
            return .fail(
                check, "the server offers no way to log in that may be used here (\(error.context))",
                "use \(key)s://, or smtp_login: none for a relay that asks for no login")
        case .cleartextLoginRefused:
            return .fail(
                check, "the password would cross an unencrypted link",
                "use \(key)s://; loopback: yes is for servers on this machine")
        case .folderMissing:
            return .fail(check, "the server has no such folder", "write its name as the mail client shows it")
        case .cancelled, .rejected, .overQuota, .protocolViolation, .messageTooLarge, .needsSMTPUTF8,
            .needs8BITMIME, .notSupported, .invalidArgument:
            return .fail(check, "\(error)", "see the log of \(endpoint.host)")
        }
    }
}
