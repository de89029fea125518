import Desk
import DeskModel
import DeskStore
import Encoder
import Logging
import Postgres
import WorkQueue

/// How commands reach the database, and what they say when they cannot.
enum DatabaseAccess {
    /// All migrations of the product, in order.
    static var migrations: [Migration] {
        (WorkQueue.migrations + DeskStore.migrations).sorted { $0.version < $1.version }
    }

    static func configuration(_ settings: DatabaseSettings, application: String) -> PostgresConfiguration {
        PostgresConfiguration(
            conninfo: settings.url.reveal(), isPooled: settings.isPooled, applicationName: application)
    }

    /// For migrations and LISTEN: past a pooler, as the role that owns the tables.
    static func directConfiguration(_ settings: DatabaseSettings, application: String) -> PostgresConfiguration {
        guard !settings.direct.isEmpty else {
            return PostgresConfiguration(conninfo: settings.url.reveal(), applicationName: application)
        }
        return PostgresConfiguration(conninfo: settings.direct.reveal(), applicationName: application)
    }

    /// The error in words, with what to do; never with the connection string.
    static func explain(_ error: PostgresError) -> CommandError {
        switch error.code {
        case .connectionFailed, .unavailable: return Self.explain(connecting: error.message)
        case .connectionLost, .closed:
            return CommandError(.failed, "the database ended the connection", remedy: "try again; see its log")
        case .timedOut:
            return CommandError(.failed, "the database did not answer in time", remedy: "try again; see its load")
        case .server("42P01"):
            return CommandError(.failed, "the database lacks a table", remedy: "run martlet migrate")
        case .server("42501"):
            return CommandError(
                .failed, "the database role may not do this (\(error.message))",
                remedy: "give the role the rights in Scripts/roles.sql, or use the owner's URL as database.direct")
        case .server("53100"):
            return CommandError(.failed, "the database's disk is full", remedy: "free space on the database server")
        case .server("53300"):
            return CommandError(
                .failed, "the database has no connection left",
                remedy: "lower database.connections, or raise max_connections of the server")
        case .server, .cancelled, .invalidValue, .typeMismatch, .misuse, .migration:
            return CommandError(.failed, "the database refused: \(error)")
        }
    }

    /// The library tells the reasons for a failed connection by words only.
    private static func explain(connecting message: String) -> CommandError {
        // These messages quote the connection string.
        if message.contains("connection info string") || message.contains("URI")
            || message.contains("connection option")
        {
            return CommandError(
                .usage, "the database URL cannot be read",
                remedy: "write postgresql://user:password@host:5432/database, with % codes for special characters")
        }
        let words = message.split { $0.isNewline || $0 == "\t" }.map { $0.trimmingWhitespace() }.joined(separator: "; ")
        let known: [(sign: String, context: String, remedy: String)] = [
            (
                "password authentication failed", "the database refused the password",
                "check the password in database.url; the role's password is set with \\password in psql"
            ),
            (
                "no password supplied", "the database asks for a password",
                "put it in database.url, in the credential database-url, or in ~/.pgpass"
            ),
            (
                "no pg_hba.conf entry", "the database does not let this host in",
                "add the host, the role and the database to pg_hba.conf of the server"
            ),
            ("role \"", "the database role does not exist", "create the roles with Scripts/roles.sql"),
            ("database \"", "the database does not exist", "create it: createdb martlet"),
            (
                "could not translate host name", "the database's host name is not known",
                "check the host in database.url"
            ),
            (
                "certificate", "the database's TLS certificate is not trusted",
                "set sslrootcert in database.url to the authority's PEM file"
            ),
        ]
        if let match = known.first(where: { words.contains($0.sign) }) {
            return CommandError(.failed, "\(match.context) (\(words))", remedy: match.remedy)
        }
        return CommandError(
            .failed, "the database cannot be reached (\(words))",
            remedy: "check that PostgreSQL runs there and that database.url names its host and port")
    }
}

/// What commands that look at tickets work with: settings and an open store.
struct DeskRuntime: Sendable {
    let settings: DeskSettings
    let store: DeskStore

    /// Opens the database for the time of `body`.
    /// - Throws: `CommandError` in words for people where the database is the reason; what `body` throws.
    static func with<R>(
        _ options: GlobalOptions, needing needs: ConfigurationNeeds = .database,
        _ body: (DeskRuntime) async throws -> R
    ) async throws -> R {
        let settings = try options.settings(needing: needs.union(.database))
        let pool = PostgresPool(
            DatabaseAccess.configuration(settings.database, application: "martlet command"), size: 2)
        do {
            guard try await DeskStore.hasSchema(pool) else {
                throw CommandError(.failed, "the database has no tables yet", remedy: "run martlet migrate")
            }
            let result = try await body(DeskRuntime(settings: settings, store: DeskStore(pool: pool)))
            await pool.close()
            return result
        } catch {
            await pool.close()
            throw Self.explained(error)
        }
    }

    /// Where to look for what was not found.
    private static func finding(_ context: String) -> String? {
        let places = [
            ("ticket", "martlet tickets --all lists them"), ("outgoing", "martlet outbox lists them"),
            ("held mail", "martlet quarantine lists them"), ("card", "martlet cases list --all lists them"),
            (" in MT-", "martlet tickets show counts the mails of a ticket"),
        ]
        return places.first { context.contains($0.0) }?.1
    }

    /// The error in words for people, where a module's own are for logs.
    static func explained(_ error: any Error) -> any Error {
        switch error {
        case let error as PostgresError: DatabaseAccess.explain(error)
        case let error as StoreError where error.code == .notFound && !error.context.contains("no "):
            CommandError(.failed, "there is no \(error.context)", remedy: Self.finding(error.context))
        case let error as StoreError:
            CommandError(
                .failed, error.context, remedy: error.code == .notFound ? Self.finding(error.context) : nil)
        case let error as EncoderError:
            CommandError(
                .failed, "the encoder cannot be used: \(error.context)",
                remedy: "run Scripts/setup again; see martlet doctor")
        default: error
        }
    }
}
