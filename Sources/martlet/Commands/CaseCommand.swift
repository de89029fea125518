import Answering
import ArgumentParser
import Desk
import DeskModel
import DeskStore
import Logging

extension CaseState: ExpressibleByArgument {}

extension CaseID: ExpressibleByArgument {
    /// `17`, or `case:17` as a draft cites it.
    package init?(argument: String) {
        let digits = argument.hasPrefix("case:") ? argument.dropFirst("case:".count) : argument[...]
        guard let number = Int64(digits), number > 0 else { return nil }
        self.init(number)
    }
}

/// `martlet cases`: what was learned from tickets that are done.
struct CaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cases", abstract: "Look through the case cards that resolved tickets gave.",
        discussion: """
            A card holds what a customer asked and how an agent solved it, with everything that tells who they were masked \
            in brackets. Answers draw from approved cards only, and only from sentences without a masked spot.

              martlet cases                          what waits for a decision
              martlet cases show 17
              martlet cases approve 17
              martlet cases approve 17 --solution "Hold the reset button for ten seconds."
              martlet cases reject 17 --reason "only this once"
              martlet cases merge 17 --into 12
            """,
        subcommands: [List.self, Show.self, Approve.self, Reject.self, Merge.self], defaultSubcommand: List.self,
        aliases: ["case"])

    /// A card in JSON.
    private struct Row: Encodable {
        let id: Int64
        let state: String
        let category: String?
        let language: String?
        let problem: String
        let solution: String
        /// What answers may take from it.
        let usable: [String]
        let tickets: [String]
        let uses: Int
        let successes: Int
        let mergedInto: Int64?
        let reason: String?
        let decidedBy: String?

        init(_ card: CaseDetail) {
            self.id = card.id.rawValue
            self.state = card.state.rawValue
            self.category = card.category
            self.language = card.language
            self.problem = card.problem
            self.solution = card.solution
            self.usable = CaseText.passages(of: card.solution)
            self.tickets = card.sources.map { TicketNumber($0).description }
            self.uses = card.uses
            self.successes = card.successes
            self.mergedInto = card.mergedInto?.rawValue
            self.reason = card.reason
            self.decidedBy = card.decidedBy
        }

        enum CodingKeys: String, CodingKey {
            case id, state, category, language, problem, solution, usable, tickets, uses, successes, reason
            case mergedInto = "merged_into"
            case decidedBy = "decided_by"
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List cards, newest first; those that wait for a decision unless told otherwise.")

        @OptionGroup var options: GlobalOptions
        @Option(help: "proposed, approved, rejected or merged; may be given more than once.")
        var state: [CaseState] = []
        @Flag(help: "Cards of every state.") var all = false
        @Option(help: "At most this many.") var limit = 50
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let states = self.all ? [] : self.state.isEmpty ? [.proposed] : self.state
            let cards = try await DeskRuntime.with(self.options) { runtime in
                try await runtime.store.cases(states, limit: self.limit)
            }
            if self.json { return try JSONOutput.print(cards.map { Row($0) }) }
            var table = TextTable([
                .init("case", .right), .init("state"), .init("problem", isElastic: true),
                .init("solution", isElastic: true), .init("category", isElastic: true, isOptional: true),
                .init("tickets", .right, isOptional: true), .init("used", .right, isOptional: true),
                .init("helped", .right, isOptional: true),
            ])
            for card in cards {
                table.add([
                    card.id.description, card.state.rawValue, card.problem, card.solution, card.category ?? "",
                    String(card.sources.count), String(card.uses), String(card.successes),
                ])
            }
            table.print(
                empty: self.all
                    ? "no card yet; tickets that are resolved give them"
                    : self.state.isEmpty
                        ? "no card waits for a decision; --all shows every card" : "no card is like that")
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one card, with the masked spots in brackets.")

        @OptionGroup var options: GlobalOptions
        @Argument(help: "Number of the card.") var card: CaseID
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let card = try await DeskRuntime.with(self.options) { try await $0.store.caseCard(self.card) }
            if self.json { return try JSONOutput.print(Row(card)) }
            var lines = [
                "case \(card.id)  \(card.state.rawValue)\(card.decidedBy.map { " by \($0)" } ?? "")",
                "category   \(card.category ?? "none"), language \(card.language ?? "unknown")",
                "tickets    \(card.sources.map { TicketNumber($0).description }.joined(separator: ", "))",
                "used       in \(card.uses) drafts, \(card.successes) of those tickets were resolved",
            ]
            if let other = card.mergedInto { lines.append("merged     into case \(other)") }
            if let reason = card.reason { lines.append("reason     \(DisplayWidth.printable(reason))") }
            lines += ["", "problem (for matching only)"] + Self.paragraph(card.problem)
            lines += ["", "solution"] + Self.paragraph(card.solution)
            let usable = CaseText.passages(of: card.solution)
            lines += ["", usable.isEmpty ? "nothing of it may stand in an answer" : "what may stand in an answer"]
            lines += usable.flatMap(Self.paragraph)
            Terminal.print(lines.joined(separator: "\n"))
        }

        private static func paragraph(_ text: String) -> [String] {
            text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
                .map { "    \(DisplayWidth.printable(String($0)))" }
        }
    }

    struct Approve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let answers draw from a card.",
            discussion: "Read it with show before: what is not masked will be told to other customers.")

        @OptionGroup var options: GlobalOptions
        @Argument(help: "Number of the card.") var card: CaseID
        @Option(help: "Words to use instead of the proposed solution; they are masked as those are.")
        var solution: String?

        func run() async throws {
            let masked = try await DeskRuntime.with(self.options) { runtime -> MaskedText? in
                if let solution {
                    return try await CaseApproval(
                        context: runtime.context(
                            logger: Logger(label: "cases") { _ in SwiftLogNoOpLogHandler() })
                    ).approve(
                        self.card, solution: solution, actor: Operator.name)
                }
                guard !CaseText.passages(of: try await runtime.store.caseCard(self.card).solution).isEmpty else {
                    throw CommandError(
                        .failed, "nothing of case \(self.card) could stand in an answer",
                        remedy: "give the words: --solution TEXT")
                }
                try await runtime.store.approveCase(self.card, solution: nil, actor: Operator.name)
                return nil
            }
            Terminal.print("case \(self.card) is approved")
            guard let masked, !masked.spots.isEmpty else { return }
            Terminal.print("masked, and their sentences kept out of answers:")
            for spot in masked.spots {
                Terminal.print("    \(spot.placeholder)  \(DisplayWidth.printable(spot.original))")
            }
        }
    }

    struct Reject: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Keep a card out of answers; the same is not proposed again.")

        @OptionGroup var options: GlobalOptions
        @Argument(help: "Number of the card.") var card: CaseID
        @Option(help: "Why, for whoever looks later.") var reason: String?

        func run() async throws {
            try await DeskRuntime.with(self.options) { runtime in
                try await runtime.store.rejectCase(self.card, reason: self.reason, actor: Operator.name)
            }
            Terminal.print("case \(self.card) is rejected")
        }
    }

    struct Merge: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a card's tickets and uses to another card that says the same.")

        @OptionGroup var options: GlobalOptions
        @Argument(help: "Number of the card that goes.") var card: CaseID
        @Option(help: "Number of the card that stays.") var into: CaseID

        func run() async throws {
            try await DeskRuntime.with(self.options) { runtime in
                try await runtime.store.mergeCase(self.card, into: self.into, actor: Operator.name)
            }
            Terminal.print("case \(self.card) is part of case \(self.into)")
        }
    }
}
