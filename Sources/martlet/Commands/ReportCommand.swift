import Answering
import ArgumentParser
import Desk
import DeskModel
import DeskStore
import Foundation

/// `martlet report`: how the desk's own work turned out.
struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Show how automatic answers and drafts turned out.",
        discussion: """
            Examples:
              martlet report automatic --since 30d   what went out without a person
              martlet report observe                 what would have, where it is only noted
              martlet report confidence              whether 80 % means 8 of 10
              martlet report gaps --since 30d        what no article answers
            """,
        subcommands: [Automatic.self, Observe.self, Confidence.self, Gaps.self])

    /// Days that a report looks back when nothing else is said.
    fileprivate static let preset = "30d"

    fileprivate static func start(_ since: String) throws -> Date {
        guard let age = Quantity.duration(since) else {
            throw ValidationError("--since is a duration such as 7d")
        }
        return Date(timeIntervalSinceNow: -(age / .seconds(1)))
    }

    /// Of percentages that differ.
    fileprivate static func points(_ share: Double) -> String { Count.of(Int((share * 100).rounded()), "point") }

    fileprivate static func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }

    /// JSON names tickets as people and other commands do.
    private struct AutomaticRow: Encodable {
        let ticketNumber: String
        let subject: String
        let category: String?
        let state: String
        let sentAt: Date?
        let confidence: Double?
        let reply: String?
        let repliedAt: Date?
        let status: String

        init(_ answer: AutomaticAnswer) {
            self.ticketNumber = TicketNumber(answer.ticketNumber).description
            self.subject = answer.subject
            self.category = answer.category
            self.state = answer.state
            self.sentAt = answer.sentAt
            self.confidence = answer.confidence
            self.reply = answer.reply
            self.repliedAt = answer.repliedAt
            self.status = answer.status
        }
    }

    private struct ObservedRow: Encodable {
        let ticketNumber: String
        let subject: String
        let category: String?
        let confidence: Double?
        let likeness: Double?

        init(_ answer: ObservedAnswer) {
            self.ticketNumber = TicketNumber(answer.ticketNumber).description
            self.subject = answer.subject
            self.category = answer.category
            self.confidence = answer.confidence
            self.likeness = answer.likeness
        }
    }

    struct Automatic: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List every answer that went out without a person, with what its customer wrote next.")

        @OptionGroup var options: GlobalOptions
        @Option(help: "How far to look back.") var since = ReportCommand.preset
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let start = try ReportCommand.start(self.since)
            try await KnowledgeSession.store(self.options) { store in
                let answers = try await store.automaticAnswers(since: start, limit: 10_000)
                if self.json { return try JSONOutput.print(answers.map(AutomaticRow.init)) }
                var table = TextTable([
                    .init("ticket"), .init("sent"), .init("state"), .init("confidence", .right),
                    .init("category", isElastic: true), .init("subject", isElastic: true),
                    .init("customer's reply", isElastic: true),
                ])
                for answer in answers {
                    table.add([
                        TicketNumber(answer.ticketNumber).description, answer.sentAt.map { Moment.brief($0) } ?? "",
                        answer.state, answer.confidence.map(ReportCommand.percent) ?? "", answer.category ?? "",
                        answer.subject, answer.reply ?? "",
                    ])
                }
                table.print(empty: "nothing went out without a person")
                guard !answers.isEmpty else { return }
                let replies = answers.count { $0.reply != nil }
                Terminal.print("\n\(Count.of(answers.count, "answer")), \(replies) with a reply by their customer")
            }
        }
    }

    struct Observe: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List what would have gone out alone if its category were not only observed.")

        @OptionGroup var options: GlobalOptions
        @Option(help: "How far to look back.") var since = ReportCommand.preset
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let start = try ReportCommand.start(self.since)
            try await KnowledgeSession.store(self.options) { store in
                let rows = try await store.observedAnswers(reason: Decision.observed, since: start, limit: 10_000)
                if self.json { return try JSONOutput.print(rows.map(ObservedRow.init)) }
                var table = TextTable([
                    .init("ticket"), .init("category", isElastic: true), .init("subject", isElastic: true),
                    .init("confidence", .right), .init("like the answer", .right),
                ])
                for row in rows {
                    table.add([
                        TicketNumber(row.ticketNumber).description, row.category ?? "", row.subject,
                        row.confidence.map(ReportCommand.percent) ?? "",
                        row.likeness.map(ReportCommand.percent) ?? "no answer yet",
                    ])
                }
                table.print(empty: "nothing would have gone out alone")
            }
        }
    }

    struct Confidence: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show how often drafts of a given confidence were sent nearly unchanged.")

        @OptionGroup var options: GlobalOptions
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            try await KnowledgeSession.store(self.options) { store in
                let outcomes = try await store.outcomes(limit: 10_000)
                let reliability = ConfidenceReliability(outcomes.map { (confidence: $0.shown, isNear: $0.isNear) })
                if self.json { return try JSONOutput.print(reliability) }
                var table = TextTable([
                    .init("confidence"), .init("drafts", .right), .init("mean", .right),
                    .init("sent nearly unchanged", .right),
                ])
                for band in reliability.bands {
                    table.add([
                        "\(ReportCommand.percent(band.from)) to \(ReportCommand.percent(band.to))", "\(band.drafts)",
                        ReportCommand.percent(band.meanConfidence), ReportCommand.percent(band.nearShare),
                    ])
                }
                table.print(
                    empty: Wrapping.text(
                        "no answer has been compared with its draft yet; the service does so every ten minutes",
                        to: Terminal.columns))
                if !outcomes.isEmpty {
                    Terminal.print("\nthe confidence is \(ReportCommand.points(reliability.error)) off on average")
                }
            }
        }
    }

    struct Gaps: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List what customers asked and no article answers, the most frequent first.",
            discussion: "Tickets without a draft, put together by what they are about: the articles to write next.")

        @OptionGroup var options: GlobalOptions
        @Option(help: "How far to look back.") var since = ReportCommand.preset
        @Option(help: "Matters to show.") var limit = 20
        @Flag(help: "Print JSON.") var json = false

        /// Tickets that are put together; comparing more would take long.
        private static let considered = 2000
        private static let shown = 4

        func run() async throws {
            let start = try ReportCommand.start(self.since)
            try await KnowledgeSession.store(self.options) { store in
                let found = try await store.undraftedTickets(since: start, limit: Self.considered)
                let matters = KnowledgeGaps(found.tickets).matters.prefix(max(1, self.limit))
                if self.json { return try JSONOutput.print(Array(matters)) }
                var table = TextTable([
                    .init("asked", .right), .init("matter", isElastic: true), .init("category", isElastic: true),
                    .init("tickets", isElastic: true),
                ])
                for matter in matters {
                    let more = matter.tickets.count > Self.shown ? " …" : ""
                    table.add([
                        String(matter.tickets.count), matter.subject, matter.category ?? "",
                        matter.tickets.prefix(Self.shown).joined(separator: " ") + more,
                    ])
                }
                table.print(empty: "every ticket had a draft")
                guard found.of > 0, !found.tickets.isEmpty else { return }
                let share = ReportCommand.percent(Double(found.tickets.count) / Double(found.of))
                Terminal.print("\n\(found.tickets.count) of \(Count.of(found.of, "ticket")) (\(share)) had no draft")
            }
        }
    }
}
