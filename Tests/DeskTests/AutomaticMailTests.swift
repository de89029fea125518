import Desk
import DeskModel
import MIME
import Testing

private func classify(_ head: String, _ body: String = "Hello", own: Set<String> = []) -> MessageClassification {
    AutomaticMail.classify(MIMEParser.parse(Array("\(head)\n\n\(body)".utf8)), own: own, authservIDs: [])
}

private let person = "From: Anna <anna@example.org>\nTo: support@shop.example\nMessage-ID: <a@example.org>"

@Suite("AutomaticMail") struct AutomaticMailTests {
    @Test(arguments: [
        ("Auto-Submitted: auto-replied", MessageClassification.Kind.autoReply),
        ("Auto-Submitted: auto-generated", .autoReply),
        ("Auto-Submitted: auto-replied (vacation)", .autoReply), ("X-Autoreply: yes", .autoReply),
        ("X-Autorespond: out", .autoReply),
        ("Precedence: auto_reply", .autoReply), ("List-Id: <news.example.com>", .list), ("Precedence: bulk", .list),
        ("Precedence: list", .list),
        ("List-Unsubscribe: <mailto:x@example.com>", .list), ("X-Spam-Flag: YES", .spam),
        ("X-Spam-Status: Yes, score=9", .spam),
    ])
    func `believes the standard fields`(field: String, kind: MessageClassification.Kind) {
        let answer = classify("\(person)\nSubject: x\n\(field)")
        #expect(answer.kind == kind)
        #expect(answer.suppressAutoReply)
    }

    @Test(arguments: ["Auto-Submitted: no", "X-Spam-Status: No, score=1", "Precedence: first-class", "X-Spam-Flag: NO"])
    func `a field that says no does not make a robot`(field: String) {
        let answer = classify("\(person)\nSubject: x\n\(field)")
        #expect(answer.kind == .human)
        #expect(!answer.suppressAutoReply)
    }

    @Test(arguments: [
        "no-reply@example.com", "noreply@example.com", "do-not-reply@example.com", "orders-noreply@example.com",
        "listserv@example.com",
    ])
    func `sends nothing to senders that take no answers`(sender: String) {
        let answer = classify("From: \(sender)\nSubject: Your order")
        #expect(answer.suppressAutoReply)
        #expect(answer.kind == .other)
    }

    @Test(arguments: ["Return-Path: <>", "X-Auto-Response-Suppress: All", "X-Loop: support@shop.example"])
    func `stays silent where the sender asks for it`(field: String) {
        #expect(classify("\(person)\nSubject: x\n\(field)").suppressAutoReply)
    }

    @Test func `sends nothing to its own address`() {
        let answer = classify("From: support@shop.example\nSubject: x", own: ["support@shop.example"])
        #expect(answer.suppressAutoReply)
    }

    @Test func `reads a delivery status notification`() {
        let answer = classify(
            "From: MAILER-DAEMON@example.com\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\nSubject: Undelivered",
            """
            --b

            It failed.
            --b
            Content-Type: message/delivery-status

            Reporting-MTA: dns; mx.example.com

            Final-Recipient: rfc822; Anna@example.org
            Action: failed
            Status: 5.1.1
            Diagnostic-Code: smtp; 550 5.1.1 no such user

            Final-Recipient: rfc822; late@example.org
            Action: delayed
            Status: 4.4.1
            --b
            Content-Type: message/rfc822

            From: support@shop.example
            Message-ID: <ours@shop.example>

            x
            --b--
            """)
        #expect(answer.kind == .bounce)
        #expect(
            answer.bounce?.recipients == [
                Bounce.Recipient(address: "anna@example.org", status: "5.1.1", permanent: true),
                Bounce.Recipient(address: "late@example.org", status: "4.4.1", permanent: false),
            ])
        #expect(answer.bounce?.originalMessageID?.text == "ours@shop.example")
    }

    @Test func `a report of delivery is no bounce`() {
        let answer = classify(
            "From: postmaster@example.com\nContent-Type: multipart/report; boundary=b\nSubject: Delivered",
            "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; a\n\nFinal-Recipient: rfc822; a@example.org\nAction: delivered\nStatus: 2.0.0\n--b--"
        )
        #expect(answer.kind == .successDSN)
        #expect(answer.suppressAutoReply)
    }

    @Test func `reads a complaint`() {
        let answer = classify(
            "From: fbl@example.com\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\nSubject: complaint",
            "--b\n\nAn abuse report\n--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nOriginal-Rcpt-To: <anna@example.org>\n--b--"
        )
        #expect(answer.kind == .feedback)
        #expect(answer.bounce?.recipients.map(\.address) == ["anna@example.org"])
    }

    @Test(arguments: [
        (
            "failure notice",
            "Hi. This is the mail program at mx.example.com.\nI wasn't able to deliver your message to the following addresses.\nThis is a permanent error.\n\n<a@example.org>:\nNo such user\n\n--- Below this line is a copy of the message.\n\nTo: other@example.org",
            true
        ),
        (
            "Mail delivery failed: returning message to sender",
            "A message that you sent could not be delivered.\nThe following address(es) failed:\n\n  a@example.org\n    host mx [1.2.3.4]: 550 5.1.1 unknown user",
            true
        ),
        (
            "Warning: message delayed 24 hours",
            "Your message has not yet been delivered. The address is:\n\n  a@example.org\n\nDelivery attempts will continue.",
            false
        ),
        (
            "Undeliverable: hello",
            "Your message did not reach the following recipient(s):\n\na@example.org on Mon, 6 Jan 2025\n    The recipient name is not recognized",
            true
        ),
        (
            "Delivery failure",
            "Unable to deliver message to the following address(es).\n\n<a@example.org>:\nThis account is over quota.",
            true
        ),
    ])
    func `reads a failure in a mail system's own words`(subject: String, body: String, permanent: Bool) {
        let answer = classify(
            "From: Mail Delivery System <MAILER-DAEMON@example.com>\nTo: support@shop.example\nSubject: \(subject)",
            body)
        #expect(answer.kind == .bounce)
        #expect(answer.bounce?.recipients.map(\.address) == ["a@example.org"])
        #expect(answer.bounce?.recipients.first?.permanent == permanent)
    }

    @Test(arguments: [
        ("Re: your mail", "My last mail was returned to sender, do you have a new address?"),
        ("Delivery problem", "The parcel could not be delivered, the courier said. Please send it again."),
        ("Delivery status of order 4711", "Where is it?"),
        ("Undeliverable parcel", "Hi, my parcel 4711 came back as undeliverable. What now?"),
        ("failed delivery", "Hello, the driver failed to deliver my order to bob@example.org's house."),
    ])
    func `a customer who writes of deliveries is no bounce`(subject: String, body: String) {
        let answer = classify("\(person)\nSubject: \(subject)", body)
        #expect(answer.kind == .human)
        #expect(!answer.suppressAutoReply)
    }
}

@Suite("SenderVerdict") struct SenderVerdictTests {
    private func verdict(_ fields: String) -> SenderVerdict {
        SenderVerdict(
            MIMEParser.parse(Array("\(fields)\nFrom: a@example.org\n\nx".utf8)), authservIDs: ["mx.shop.example"])
    }

    @Test func `believes only the configured server`() {
        #expect(self.verdict("Authentication-Results: mx.shop.example; dmarc=pass header.from=example.org") == .pass)
        #expect(self.verdict("Authentication-Results: mx.shop.example; dmarc=fail") == .fail)
        #expect(self.verdict("Authentication-Results: other.example; dmarc=pass") == .none)
        #expect(self.verdict("Authentication-Results: mx.shop.example; spf=pass") == .none)
    }

    @Test func `ignores what came with the mail`() {
        #expect(
            self.verdict(
                "Received: by mx.shop.example\nReceived: from x\nAuthentication-Results: mx.shop.example; dmarc=pass")
                == .none)
        #expect(
            self.verdict(
                "Authentication-Results: mx.shop.example; dmarc=fail\nAuthentication-Results: mx.shop.example; dmarc=pass"
            ) == .fail)
        #expect(self.verdict("Authentication-Results: mx.shop.example (; dmarc=pass) ; spf=none") == .none)
    }
}
