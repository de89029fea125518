import ArgumentParser

/// What this build is.
enum Version {
    static let current = "0.1.0"
}

/// `martlet version`: needs neither a configuration nor a database.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Print the version.",
        discussion: "Needs neither a configuration file nor a database.")

    @Flag(help: "Print JSON.") var json = false

    private struct Report: Encodable {
        let name = "martlet"
        let version = Version.current
    }

    func run() throws {
        if self.json { try JSONOutput.print(Report()) } else { Terminal.print("martlet \(Version.current)") }
    }
}
