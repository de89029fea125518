import ArgumentParser
import Glibc

/// The process: arguments in, exit status out.
@main
enum Program {
    static func main() async {
        Glibc.exit(await Self.run(Array(CommandLine.arguments.dropFirst())))
    }

    /// Runs one command and says on standard error what went wrong.
    /// - Returns: 0 done, 1 failed, 2 wrong usage or configuration.
    static func run(_ arguments: [String]) async -> Int32 {
        let command: any ParsableCommand
        do {
            command = try Martlet.parseAsRoot(try Self.resolved(arguments))
        } catch let error as CommandError {
            return Self.report(running: error)
        } catch {
            return Self.report(parsing: error)
        }
        do {
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                var command = command
                try command.run()
            }
            return 0
        } catch {
            return Self.report(running: error)
        }
    }

    /// A group that lists by default would show only the list's help, and take a misspelt subcommand for an argument of it.
    private static func resolved(_ arguments: [String]) throws(CommandError) -> [String] {
        guard arguments.count >= 2,
            let group = Martlet.configuration.subcommands.first(where: { command in
                command._commandName == arguments[0] || command.configuration.aliases.contains(arguments[0])
            })?.configuration, group.defaultSubcommand != nil
        else { return arguments }
        if ["-h", "--help"].contains(arguments[1]) { return ["help", arguments[0]] }
        let names = group.subcommands.map { $0._commandName }
        guard !arguments[1].hasPrefix("-"), !names.contains(arguments[1]) else { return arguments }
        throw CommandError(
            .usage, "martlet \(arguments[0]) has no subcommand \(DisplayWidth.printable(arguments[1]))",
            remedy: Suggestion.nearest(to: arguments[1], among: names).map { "did you mean \($0)?" }
                ?? "it has \(names.joined(separator: ", "))")
    }

    /// The parser has its own words for help, versions and mistakes in arguments.
    private static func report(parsing error: any Error) -> Int32 {
        let message = Martlet.fullMessage(for: error)
        guard Martlet.exitCode(for: error) != .success else {
            Terminal.print(message)
            return 0
        }
        Terminal.printError(message)
        return CommandError.Code.usage.rawValue
    }

    private static func report(running error: any Error) -> Int32 {
        switch error {
        case let error as CommandError:
            Terminal.printError("martlet: \(error)")
            return error.code.rawValue
        case let error as ConfigurationError:
            Terminal.printError("martlet: \(error)")
            return CommandError.Code.usage.rawValue
        case let error as ExitCode:
            return error == .validationFailure ? CommandError.Code.usage.rawValue : error.rawValue
        case is CancellationError:
            return CommandError.Code.failed.rawValue
        case _ where Martlet.exitCode(for: error) != .failure:
            return Self.report(parsing: error)
        default:
            Terminal.printError("martlet: \(error)")
            return CommandError.Code.failed.rawValue
        }
    }
}
