import Foundation
import Testing

@testable import martlet

@Suite("Mail archives") struct MailArchiveTests {
    @Test func `an mbox is cut where a mail begins, and nowhere else`() throws {
        let text = """
            From a@example.com Mon Jul  6 10:00:00 2026
            Subject: one

            From here it goes on.
            >From a quote
            >>From deeper

            From b@example.com Mon Jul  6 11:00:00 2026
            Subject: two

            body
            """
        var mails: [String] = []
        try MailArchive.mbox(Data(text.utf8)) { mails.append(String(decoding: $0, as: UTF8.self)) }
        #expect(mails.count == 2)
        #expect(mails.first == "Subject: one\n\nFrom here it goes on.\nFrom a quote\n>From deeper\n\n")
        #expect(mails.last == "Subject: two\n\nbody")
    }

    @Test func `a Maildir tells what was sent`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "archive-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        for name in ["cur/1:2,S", "new/2", "tmp/3", ".Sent/cur/4:2,S", "dovecot-uidlist"] {
            let file = folder.appending(path: name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data("Subject: \(name)\n\nx".utf8).write(to: file)
        }
        var mails: [String: Bool] = [:]
        try MailArchive.read(folder.path, isSent: false) { bytes, isSent in
            mails[String(decoding: bytes.dropFirst(9).prefix { $0 != 0x0A }, as: UTF8.self)] = isSent
        }
        #expect(mails == ["cur/1:2,S": false, "new/2": false, ".Sent/cur/4:2,S": true])
    }

    @Test func `a page shows what mails say and runs none of it`() {
        #expect(ReplayPage.escaped("<script>'&\"\u{7}") == "&lt;script&gt;&#39;&amp;&quot;")
    }
}
