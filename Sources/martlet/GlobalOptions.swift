import ArgumentParser
import Desk

/// What every command that reads the configuration accepts.
struct GlobalOptions: ParsableArguments {
    @Option(
        name: [.customLong("config"), .customShort("c")],
        help: ArgumentHelp(
            "Configuration file; MARTLET_CONFIG or \(ConfigurationSource.defaultFile) by default.", valueName: "file"))
    var configurationFile: String?

    var source: ConfigurationSource { ConfigurationSource(file: self.configurationFile) }

    /// The settings of the file, the credentials and the environment.
    /// - Throws: `ConfigurationError` with all problems at once; the command ends with status 2.
    func settings(needing needs: ConfigurationNeeds) throws(ConfigurationError) -> DeskSettings {
        try self.source.load(needing: needs).settings
    }
}
