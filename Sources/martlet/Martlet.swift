import ArgumentParser

@main
struct Martlet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martlet", subcommands: [TriageCommand.self, TrainCommand.self, BenchCommand.self])
}
