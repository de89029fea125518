import ArgumentParser
import Desk
import DeskModel
import DeskStore
import Logging

extension TicketsCommand {
    struct Split: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Move a mail and all after it to a ticket of their own.")

        @OptionGroup var options: GlobalOptions
        @Argument(help: "Number, such as MT-1042.") var ticket: TicketNumber
        @Argument(help: "The mail's place in the ticket, as show counts, or its id.") var mail: Int64

        func run() async throws { try await TicketsCommand.cut(self.options, self.ticket, self.mail, .split) }
    }

    struct Detach: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Move one mail to a ticket of its own.")

        @OptionGroup var options: GlobalOptions
        @Argument(help: "Number, such as MT-1042.") var ticket: TicketNumber
        @Argument(help: "The mail's place in the ticket, as show counts, or its id.") var mail: Int64

        func run() async throws { try await TicketsCommand.cut(self.options, self.ticket, self.mail, .detach) }
    }

    struct Merge: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Move all mails of a ticket into another one; later replies follow.")

        @OptionGroup var options: GlobalOptions
        @Argument(help: "The ticket that ends.") var ticket: TicketNumber
        @Argument(help: "The ticket that goes on.") var into: TicketNumber
        @Flag(help: "Also when they are of different customers, who may then read each other's mail.")
        var differentCustomers = false

        func run() async throws {
            let repair = try await TicketsCommand.repairing(self.options) {
                try await $0.merge(self.ticket, into: self.into, mixesCustomers: self.differentCustomers)
            }
            let mails = TicketsCommand.mails(repair.moved.count)
            Terminal.print("\(mails) in \(self.into) now; martlet tickets undo \(self.ticket) takes it back")
        }
    }

    struct Undo: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take back the newest split, detach or merge of a ticket.")

        @OptionGroup var options: GlobalOptions
        @Argument(help: "The ticket that was split or merged.") var ticket: TicketNumber

        func run() async throws {
            let repair = try await TicketsCommand.repairing(self.options) { try await $0.undo(self.ticket) }
            Terminal.print("\(TicketsCommand.mails(repair.moved.count)) back in \(self.ticket)")
        }
    }

    private static func cut(
        _ options: GlobalOptions, _ ticket: TicketNumber, _ mail: Int64, _ cut: DeskStore.Cut
    ) async throws {
        let repair = try await Self.repairing(options) { try await $0.cut(ticket, at: mail, cut) }
        Terminal.print(
            "\(Self.mails(repair.moved.count)) in \(repair.number) now; martlet tickets undo \(ticket) takes it back")
    }

    /// Subject and verb of what a repair says.
    private static func mails(_ count: Int) -> String { count == 1 ? "1 mail is" : "\(count) mails are" }

    private static func repairing(
        _ options: GlobalOptions, _ body: (TicketRepair) async throws -> Repair
    ) async throws -> Repair {
        try await DeskRuntime.with(options, needing: .everything) { runtime in
            let context = runtime.context(logger: Logger(label: "tickets") { _ in SwiftLogNoOpLogHandler() })
            return try await body(TicketRepair(context: context, actor: Operator.name))
        }
    }
}
