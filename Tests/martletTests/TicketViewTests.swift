import DeskModel
import Foundation
import Testing

@testable import DeskStore
@testable import martlet

@Suite("TicketView") struct TicketViewTests {
    private func detail() throws -> TicketDetail {
        let summary = TicketSummary(
            id: 1, number: 1_042, subject: "Where is\u{1B}[31m my parcel?", customerEmail: "kim@example.com",
            customerName: "Kim", category: "Shipping", priority: .high, status: .new, sentimentScore: -0.4,
            confidenceScore: 0.875, decision: "draft", assignedAgent: nil,
            createdAt: Date(timeIntervalSince1970: 0), messageCount: 1)
        let decision = Decision(action: .draft, reasons: ["the mode is draft"])
        let draft = Draft(
            body: "Dear Kim,\nit is on its way.",
            citations: [Citation(article: "shipping", title: "Shipping times", span: "two days")], unsupported: [],
            confidence: 0.8, answerable: 0.9, missing: [])
        func json(_ value: some Encodable) throws -> String {
            String(decoding: try JSONOutput.line(value), as: UTF8.self)
        }
        return TicketDetail(
            summary: summary, description: "Where is it?", resolution: nil,
            messages: [
                TicketMessage(
                    id: 1, direction: "in", kind: "human", sender: "kim@example.com", subject: "Where?",
                    text: "Hello\nwhere is it?", attachments: 0, threadReason: "new ticket", isFlagged: false,
                    internalDate: Date(timeIntervalSince1970: 0))
            ],
            events: [
                TicketEvent(
                    kind: "triage", actor: "martlet",
                    detail:
                        #"{"category":"Shipping","decision":"draft","priority":"high","reasons":["a","b"],"n":3,"model":"m1"}"#,
                    at: Date(timeIntervalSince1970: 0))
            ], analysis: nil, decision: try json(decision), draft: try json(draft), draftState: "placed")
    }

    @Test func `a ticket shows mails, draft, sources and events, and no control characters`() throws {
        let text = TicketView.text(try self.detail())
        for part in [
            "MT-1042", "Kim <kim@example.com>", "where is it?", "Dear Kim,", "Shipping times", "in Drafts", "80 % sure",
            "triage: draft, Shipping, priority high; a; b; n 3",
        ] {
            #expect(text.contains(part), "\(part)")
        }
        #expect(!text.contains("\u{1B}"))
    }

    @Test func `an explanation names reasons and how each mail was threaded`() throws {
        let text = TicketView.Explanation(try self.detail()).text
        #expect(text.contains("the mode is draft"))
        #expect(text.contains("kim@example.com: new ticket"))
        #expect(text.contains("model      m1"))
    }

    @Test func `JSON has the column names of the database`() throws {
        let line = String(decoding: try JSONOutput.line(TicketView.Row(try self.detail().summary)), as: UTF8.self)
        for key in ["customer_email", "sentiment_score", "confidence_score", "created_at"] {
            #expect(line.contains("\"\(key)\":"))
        }
        #expect(line.contains(#""ticket_number":"MT-1042""#))
        let full = String(decoding: try JSONOutput.line(TicketView.Full(try self.detail())), as: UTF8.self)
        #expect(full.contains(#""n":3,"priority":"high","reasons":["a","b"]}"#))
        #expect(full.contains(#""thread_reason":"new ticket""#))
    }

    @Test(arguments: [(0.0, "0.00"), (0.875, "0.88"), (-0.4, "-0.40"), (1.0, "1.00"), (-0.001, "0.00")])
    func `fractions have two places`(value: Double, text: String) {
        #expect(TicketView.fraction(value) == text)
    }
}
