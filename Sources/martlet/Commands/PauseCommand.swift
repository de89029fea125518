import ArgumentParser
import Desk
import DeskStore
import Foundation

extension PauseScope: ExpressibleByArgument {}

/// Who types: recorded with what a person decides.
enum Operator {
    static var name: String {
        let environment = ProcessInfo.processInfo.environment
        return environment["SUDO_USER"] ?? environment["USER"] ?? NSUserName()
    }
}

/// `martlet pause`: one switch that stops what goes out, on every host, within two seconds.
struct PauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Stop what goes out, on every host.",
        discussion: """
            The pause holds until martlet resume, over restarts too. It is looked at right before every mail and every \
            draft. The hold file (hold_file) stops everything outgoing as well, without a database.

              martlet pause                        everything that goes out by SMTP
              martlet pause automatic              what goes out without a person
              martlet pause drafts                 drafts, notes and marks
              martlet pause intake                 reading of mail
              martlet pause all --reason "audit"   all of it
            """)

    @OptionGroup var options: GlobalOptions
    @Argument(help: "What to stop: outgoing, automatic, drafts, intake or all.") var scope = PauseScope.outgoing
    @Option(help: "Why, for whoever wonders.") var reason = ""

    func run() async throws {
        try await DeskRuntime.with(self.options) { runtime in
            try await runtime.store.pause(self.scope, by: Operator.name, reason: self.reason)
        }
        Terminal.print("paused: \(self.scope.rawValue). Undo it with: martlet resume \(self.scope.rawValue)")
    }
}

/// `martlet resume`: lifts pauses.
struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Go on after a pause.",
        discussion: """
              martlet resume               lift every pause
              martlet resume drafts        lift one
            """)

    @OptionGroup var options: GlobalOptions
    @Argument(help: "What to lift: outgoing, automatic, drafts, intake or all.") var scope = PauseScope.all

    func run() async throws {
        let (before, left, wasStopped, isHeld) = try await DeskRuntime.with(self.options) { runtime in
            let before = try await runtime.store.pauses()
            // Automatic mail that was stopped by itself goes on with these two scopes.
            let wasStopped =
                [.all, .automatic].contains(self.scope)
                ? try await !runtime.store.overview().stopped.isEmpty : false
            try await runtime.store.resume(self.scope)
            let isHeld = FileManager.default.fileExists(atPath: runtime.settings.holdFile)
            return (before, try await runtime.store.pauses(), wasStopped, isHeld)
        }
        let lifted = before.map(\.scope.rawValue).filter { scope in !left.contains { $0.scope.rawValue == scope } }
        if !lifted.isEmpty { Terminal.print("resumed: \(lifted.joined(separator: ", "))") }
        if wasStopped { Terminal.print("resumed: automatic mail that the desk had stopped by itself") }
        if lifted.isEmpty, !wasStopped {
            Terminal.print(self.scope == .all ? "nothing was paused" : "\(self.scope.rawValue) was not paused")
        }
        for pause in left { Terminal.print("still paused: \(pause.scope.rawValue), by \(pause.by)") }
        if isHeld { Terminal.print("still held: the hold file exists; remove it to go on") }
    }
}
