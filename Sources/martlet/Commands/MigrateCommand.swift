import ArgumentParser
import Desk
import Postgres

/// `martlet migrate`: brings the tables to what this version needs.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Make or update the tables in the database.",
        discussion: """
            Uses database.direct where it is set, else database.url; the role must own the tables. Running it again \
            does nothing, and several hosts may run it at once.

              martlet migrate --dry-run     say what would be done
            """)

    @OptionGroup var options: GlobalOptions
    @Flag(help: "Only say what would be done.") var dryRun = false

    func run() async throws {
        let settings = try self.options.settings(needing: .database)
        let configuration = DatabaseAccess.directConfiguration(settings.database, application: "martlet migrate")
        let done: [Migration]
        do {
            let connection = try await PostgresConnection.connect(configuration)
            done = try await Migrator(DatabaseAccess.migrations).run(on: connection, dryRun: self.dryRun)
            await connection.close()
        } catch {
            throw DeskRuntime.explained(error)
        }
        let word = self.dryRun ? "would apply" : "applied"
        for migration in done { Terminal.print("\(word) \(migration.version) \(migration.name)") }
        if done.isEmpty { Terminal.print("the database is up to date") }
    }
}
