import ArgumentParser
import Desk
import DeskModel
import DeskStore
import Triage

extension TicketStatus: ExpressibleByArgument {}
extension Analysis.Priority.Level: ExpressibleByArgument {}

extension TicketNumber: ExpressibleByArgument {
    /// `MT-1042`, `mt-1042` or `1042`.
    package init?(argument: String) { self.init(argument) }
}

/// `martlet tickets`: what came in and what became of it.
struct TicketsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tickets", abstract: "List, show and change tickets.",
        discussion: """
              martlet tickets                         what is new or open, urgent first
              martlet tickets list --category Shipping --status open --json
              martlet tickets show MT-1042            mails, draft and what happened
              martlet tickets explain MT-1042         why it was decided so
              martlet tickets similar MT-1042
              martlet tickets resolve MT-1042 --note "sent a new one"
              martlet tickets assign MT-1042 anna
              martlet tickets retag MT-1042 "Returns & refunds"
              martlet tickets split MT-1042 3         another matter from mail 3 on
              martlet tickets merge MT-1042 MT-1040   two tickets about one matter
              martlet tickets undo MT-1042            take the last of these back
            """,
        subcommands: [
            List.self, Show.self, Explain.self, Similar.self, Resolve.self, Reopen.self, Assign.self, Retag.self,
            Split.self, Detach.self, Merge.self, Undo.self,
        ], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List tickets, urgent first; new and open ones unless told otherwise.")

        @OptionGroup var options: GlobalOptions
        @Option(help: "new, open, pending, resolved or closed; may be given more than once.")
        var status: [TicketStatus] = []
        @Option(help: "A category; an upper level includes those below it.") var category: String?
        @Option(help: "low, normal, high or urgent.") var priority: Analysis.Priority.Level?
        @Option(help: "Assigned to this person.") var assigned: String?
        @Flag(help: "Tickets of every status.") var all = false
        @Flag(help: "Mail from before the desk, too.") var history = false
        @Option(help: "At most this many.") var limit = 50
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            var filter = TicketFilter()
            let isOpenEnded = self.all || self.history
            filter.status = !self.status.isEmpty ? self.status : isOpenEnded ? [] : [.new, .open]
            filter.category = self.category
            filter.priority = self.priority
            filter.assigned = self.assigned
            filter.includesHistory = self.history
            filter.limit = self.limit
            let tickets = try await DeskRuntime.with(self.options) { try await $0.store.tickets(filter) }
            if self.json { return try JSONOutput.print(tickets.map { TicketView.Row($0) }) }
            let isNarrow = self.category != nil || self.priority != nil || self.assigned != nil || !self.status.isEmpty
            TicketView.table(tickets).print(
                empty: isOpenEnded
                    ? (isNarrow ? "no ticket is like that" : "no tickets yet")
                    : isNarrow
                        ? "no ticket is like that; --all looks at those that are done, too"
                        : "no tickets; --all shows those that are done")
            if tickets.count == self.limit {
                Terminal.printError("only \(Count.of(self.limit, "ticket")); --limit shows more")
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one ticket: its mails, draft and events.")

        @OptionGroup var options: GlobalOptions
        @Argument(help: "Number, such as MT-1042.") var ticket: TicketNumber
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let detail = try await DeskRuntime.with(self.options) { try await $0.store.ticket(self.ticket) }
            if self.json { return try JSONOutput.print(TicketView.Full(detail)) }
            Terminal.printWrapped(TicketView.text(detail))
        }
    }

    struct Explain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say why a ticket was understood, threaded and decided as it was.")

        @OptionGroup var options: GlobalOptions
        @Argument(help: "Number, such as MT-1042.") var ticket: TicketNumber
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let detail = try await DeskRuntime.with(self.options) { try await $0.store.ticket(self.ticket) }
            let explanation = TicketView.Explanation(detail)
            if self.json { return try JSONOutput.print(explanation) }
            Terminal.printWrapped(explanation.text)
        }
    }

    struct Similar: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the tickets whose text is nearest to one's.")

        private struct Row: Encodable {
            let similarity: Double
            let ticket: TicketView.Row
        }

        @OptionGroup var options: GlobalOptions
        @Argument(help: "Number, such as MT-1042.") var ticket: TicketNumber
        @Option(help: "At most this many.") var limit = 10
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let hits = try await DeskRuntime.with(self.options) { runtime in
                _ = try await runtime.store.ticket(self.ticket)
                return try await runtime.store.similar(to: self.ticket, limit: self.limit)
            }
            if self.json {
                return try JSONOutput.print(hits.map { Row(similarity: $0.1, ticket: TicketView.Row($0.0)) })
            }
            var table = TextTable([
                .init("alike", .right), .init("ticket"), .init("status"), .init("category", isElastic: true),
                .init("subject", isElastic: true),
            ])
            for (ticket, similarity) in hits {
                table.add([
                    TicketView.fraction(similarity), TicketNumber(ticket.number).description, ticket.status.rawValue,
                    ticket.category ?? "", ticket.subject,
                ])
            }
            table.print(empty: "no other ticket has been analysed yet")
        }
    }

    struct Resolve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Mark a ticket as done; a reply of the customer reopens it.")

        @OptionGroup var options: GlobalOptions
        @Argument(help: "Number, such as MT-1042.") var ticket: TicketNumber
        @Option(help: "How it was solved, for whoever looks later.") var note: String?

        func run() async throws {
            let status = try await DeskRuntime.with(self.options) { runtime in
                try await runtime.store.move(
                    self.ticket, by: .resolve, actor: Operator.name, resolution: self.note)
            }
            Terminal.print("\(self.ticket) is \(status.rawValue)")
        }
    }

    struct Reopen: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Take a ticket up again.")

        @OptionGroup var options: GlobalOptions
        @Argument(help: "Number, such as MT-1042.") var ticket: TicketNumber

        func run() async throws {
            let status = try await DeskRuntime.with(self.options) { runtime in
                try await runtime.store.move(self.ticket, by: .reopen, actor: Operator.name)
            }
            Terminal.print("\(self.ticket) is \(status.rawValue)")
        }
    }

    struct Assign: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Give a ticket to a person, or to nobody.")

        @OptionGroup var options: GlobalOptions
        @Argument(help: "Number, such as MT-1042.") var ticket: TicketNumber
        @Argument(help: "Name or address; nobody when it is left out.") var agent: String?

        func run() async throws {
            try await DeskRuntime.with(self.options) { runtime in
                try await runtime.store.assign(self.ticket, to: self.agent, actor: Operator.name)
            }
            Terminal.print("\(self.ticket) is assigned to \(self.agent ?? "nobody")")
        }
    }

    struct Retag: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Correct the category of a ticket; the desk learns from it.")

        @OptionGroup var options: GlobalOptions
        @Argument(help: "Number, such as MT-1042.") var ticket: TicketNumber
        @Argument(help: "Category, such as Shipping, or “Shipping / Not arrived”.") var category: String
        @Option(help: "A tag that applies, too; may be given more than once.") var tag: [String] = []

        func run() async throws {
            try await DeskRuntime.with(self.options) { runtime in
                let taxonomy = try ShippedData(environment: self.options.source.environment)
                    .taxonomy(configured: runtime.settings.taxonomyFile)
                guard taxonomy.names.contains(self.category) else {
                    let near = taxonomy.names.filter {
                        self.category.count > 2 && $0.lowercased().contains(self.category.lowercased())
                            || $0.hasPrefix(self.category.prefix(4))
                    }
                    let known = (near.isEmpty ? taxonomy.topLevels : near).joined(separator: ", ")
                    throw CommandError(
                        .usage, "the taxonomy has no category \(self.category)", remedy: "name one, such as \(known)")
                }
                if let unknown = self.tag.first(where: { !taxonomy.tagNames.contains($0) }) {
                    throw CommandError(
                        .usage, "the taxonomy has no tag \(unknown)",
                        remedy: "name one of \(taxonomy.tagNames.joined(separator: ", "))")
                }
                try await runtime.store.retag(
                    self.ticket, category: self.category, tags: self.tag, actor: Operator.name)
            }
            Terminal.print("\(self.ticket) is in \(([self.category] + self.tag).joined(separator: ", "))")
        }
    }
}
