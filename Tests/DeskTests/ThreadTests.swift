import Answering
import DeskModel
import DeskStore
import MIME
import Postgres
import TestSupport
import Testing
import WorkQueue

@testable import Desk

@Suite("What a thread tells", .database(deskMigrations, connections: 4)) struct ThreadTests {
    @Test func `the mood is compared with the customer's earlier mails`() async throws {
        let desk = try await ThinkingDesk(articles: [])
        let texts = [
            "Could you tell me when my parcel will arrive?",
            "This is the worst service I have ever seen. I am furious and deeply disappointed, you are useless!",
            "It is here now. Thank you so much, that was wonderful help, I am very happy with it!",
        ]
        try await desk.store(
            texts.enumerated().map { number, text in
                ThinkingDesk.Mail(id: Int64(number) + 7, ticket: 7, customer: "kim@example.com", text: text)
            })
        for mail in 7...9 { try await desk.think(about: [Int64(mail)]) }
        let trends = try await desk.texts(
            "select coalesce(result -> 'sentiment' ->> 'trend', 'none') from analysis order by message_id")
        #expect(trends == ["none", "worse", "better"])
    }

    @Test(arguments: [([], 0.2, nil), ([0.1, 0.3], 0.2, Analysis.Sentiment.Trend.steady), ([0.5, 0.1], -0.1, .worse)])
    func `a trend is a change that is more than wording`(
        earlier: [Double], score: Double, trend: Analysis.Sentiment.Trend?
    ) { #expect(Analysis.Sentiment.Trend(from: earlier, to: score) == trend) }

    @Test func `what a form writes in our own name is drafted to nobody, and its text names whom to answer`()
        async throws
    {
        let desk = try await ThinkingDesk(articles: [
            Article(
                key: "delivery", title: "How long delivery takes",
                content: "Delivery takes three working days after we have sent the parcel.", category: "Shipping")
        ])
        let text = "Name: Ann Example\nE-mail: ann@example.com\n\nHow long does delivery take?"
        try await desk.store([.init(id: 7, ticket: 7, customer: MailAddress.unknown, text: text)])
        try await desk.think(about: [7])
        #expect(try await desk.texts("select count(*)::text from outbox where kind <> 'notice'") == ["0"])
        let written = try await desk.store.pool.query(
            "select bytes from mailbox_write where kind in ('draft', 'note') order by kind"
        ).decode([UInt8].self).map { MIMEParser.parse($0) }
        let (draft, note) = (try #require(written.first), try #require(written.last))
        #expect(written.count == 2 && draft.to.isEmpty && draft.cc.isEmpty)
        #expect(note.bodyText.contains("ann@example.com"))
        #expect(!String(describing: written.map(\.bodyText)).contains(MailAddress.unknown))
    }

    @Test(arguments: [Mode.draft, .observe])
    func `a mail that cannot be analysed is given to a person, in the mailbox too`(mode: Mode) async throws {
        let desk = try await ThinkingDesk(articles: []) { $0.mode = mode }
        try await desk.store([.init(id: 7, ticket: 7, customer: "kim@example.com", text: "Where is my parcel?")])
        // Its results can never be stored.
        let step = TriageStep(
            context: desk.context, engines: desk.step.engines, knowledge: desk.knowledge, chat: nil,
            mailboxes: desk.step.mailboxes, model: -1)
        try await desk.context.queue.enqueue([NewJob(.triage, key: 7, maxAttempts: 1)], in: desk.store.pool)
        try await desk.work([
            TriageJob(step: step, isBackfill: false, width: 1) {},
            NotifyJob(context: desk.context, mailboxes: desk.step.mailboxes),
        ])
        #expect(try await desk.texts("select state from job where kind = 'triage'") == ["discarded"])
        #expect(try await desk.texts("select status || ' ' || decision from ticket") == ["new escalate"])
        let isTold = mode == .draft ? ["1"] : ["0"]
        #expect(try await desk.texts("select count(*)::text from outbox where kind = 'notice'") == isTold)
        #expect(
            try await desk.texts(
                "select count(*)::text from mailbox_write where kind = 'mark' and 'needs-eyes' = any(flags)")
                == isTold)
        let notes = try await desk.store.pool.query("select bytes from mailbox_write where kind = 'note'")
            .decode([UInt8].self)
        #expect(
            notes.map { MIMEParser.parse($0).bodyText.contains("it could not be analysed") }
                == isTold.filter { $0 == "1" }.map { _ in true })
    }

    @Test func `what a person has answered, and what a newer mail of the customer follows, is left alone`() async throws
    {
        let desk = try await ThinkingDesk(articles: [
            Article(
                key: "delivery", title: "How long delivery takes",
                content: "Delivery takes three working days after we have sent the parcel.", category: "Shipping")
        ])
        let question = "How long does delivery take?"
        try await desk.store([
            .init(id: 7, ticket: 7, customer: "kim@example.com", text: question),
            .init(id: 8, ticket: 7, customer: "kim@example.com", text: "Three working days.", isOurs: true),
            .init(id: 17, ticket: 17, customer: "lee@example.com", text: "Good morning, it is me."),
            .init(id: 18, ticket: 17, customer: "lee@example.com", text: question),
            // The answer to the first is read after the second, which its writer had not seen.
            .init(id: 27, ticket: 27, customer: "max@example.com", text: "Do you sell lamps?"),
            .init(id: 28, ticket: 27, customer: "max@example.com", text: question),
            .init(id: 29, ticket: 27, customer: "max@example.com", text: "We do.", isOurs: true),
            // Nobody knows whether the customer wrote the second.
            .init(id: 37, ticket: 37, customer: "pat@example.com", text: question),
            .init(id: 38, ticket: 37, customer: "pat@example.com", text: "It is settled."),
        ])
        _ = try await desk.store.pool.query("update message set is_flagged = true where id = 38")
        for (ticket, answer, mail) in [(7, 8, 7), (27, 29, 27)] {
            _ = try await desk.store.pool.query(
                """
                insert into event (id, ticket_id, message_id, kind, actor, detail) values (\(Int64(answer)),
                    \(Int64(ticket)), \(Int64(answer)), 'answered', 'agent',
                    jsonb_build_object('to', \("m\(mail)@customer.example")::text))
                """)
        }
        try await desk.think(about: [7, 17, 18, 27, 28, 37])
        #expect(
            try await desk.texts("select decision ->> 'action' from analysis order by message_id").prefix(2)
                == ["silent", "silent"])
        #expect(try await desk.texts("select ticket_id::text from draft order by 1") == ["17", "27", "37"])
        #expect(
            try await desk.texts(
                "select distinct message_id::text from mailbox_write where kind in ('note', 'draft') order by 1")
                == ["18", "28", "37"])
    }

    @Test func `the team is told about a mail once, however often it is judged`() async throws {
        let desk = try await ThinkingDesk(articles: [])
        try await desk.store([
            .init(
                id: 7, ticket: 7, customer: "kim@example.com",
                text: "The charger caught fire and burned my hand. You will hear from my lawyer.")
        ])
        for _ in 0..<2 { try await desk.think(about: [7]) }
        #expect(try await desk.texts("select count(*)::text from outbox where kind = 'notice'") == ["1"])
    }
}
