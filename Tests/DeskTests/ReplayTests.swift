import ConnectionThread
import DeskModel
import Foundation
import Logging
import MIME
import MailTransport
import TestSupport
import Testing

@testable import Desk

@Suite("Replay") struct ReplayTests {
    private func mail(
        _ id: String, from: String = "Ada Byron <ada@example.com>", subject: String = "Payment", extra: String = "",
        _ body: String
    ) -> [UInt8] {
        Array(
            """
            From: \(from)\r
            To: support@shop.example\r
            Subject: \(subject)\r
            Message-ID: <\(id)@example.com>\r
            Date: Mon, 6 Jul 2026 10:00:00 +0000\r
            \(extra)\r
            \(body)\r

            """.utf8)
    }

    private func replay() async throws -> Replay {
        Replay(preview: try await DemoShop.preview(), own: ["anna@shop.example"], authservIDs: [])
    }

    @Test func `what people answered is set beside what would have been drafted`() async throws {
        var replay = try await self.replay()
        replay.add(self.mail("q1", "Which payment methods do you accept, please?"), isSent: false)
        replay.add(self.mail("q1", "Which payment methods do you accept, please?"), isSent: false)
        replay.add(
            self.mail("q2", subject: "Grapes", "Which grapes grow best on chalk in a cold valley?"), isSent: false)
        replay.add(
            self.mail(
                "a1", from: "Anna <anna@shop.example>", subject: "Re: Payment",
                extra: "In-Reply-To: <q1@example.com>\r\n",
                """
                We accept payment by credit card (Visa, Mastercard, American Express), PayPal, SEPA direct debit, Klarna\r
                invoice or bank transfer in advance. Your card is charged when the order ships.
                """), isSent: false)
        replay.add(
            self.mail(
                "r1", subject: "Out of office", extra: "Auto-Submitted: auto-replied\r\n", "I am away."), isSent: false)
        let report = try await replay.run()
        #expect(report.mails == 4)
        #expect(report.duplicates == 1)
        #expect(report.ownMails == 1)
        #expect(report.silent == ["auto_reply": 1])
        #expect(report.rows.map(\.subject) == ["Payment", "Grapes"])
        let compared = try #require(report.compared.first)
        #expect(compared.articles.first == "payment-methods.md")
        #expect(try #require(compared.likeness) > 0.5)
        #expect(report.rows[1].draft == nil)
        #expect(report.rows[1].action == .escalate)
        #expect(report.nearAnswers == 1)
    }
}

@Suite("Replay of a mailbox", .database(deskMigrations, connections: 2)) struct MailboxArchiveTests {
    @Test func `a folder and the sent mail are read, and nothing is marked`() async throws {
        let office = try Office()
        try await office.deliver([customerMail("One", id: "1@x.example"), customerMail("Two", id: "2@x.example")])
        try await office.deliver([customerMail("Three", id: "3@x.example")], to: "Sent")
        let read = Locked<[(subject: String, isSent: Bool)]>([])
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        try await MailboxArchive.read(office.mailbox, folder: nil, maximumSize: 1 << 20, logger: logger) {
            raw, isSent in
            read.withLock { $0.append((MIMEParser.parse(raw).subject, isSent)) }
        }
        #expect(read.withLock { $0 }.map(\.subject) == ["One", "Two", "Three"])
        #expect(read.withLock { $0 }.map(\.isSent) == [false, false, true])
        for folder: FolderName in ["INBOX", "Sent"] {
            #expect(try await office.mails(in: folder).allSatisfy(\.flags.isEmpty))
        }
    }
}
