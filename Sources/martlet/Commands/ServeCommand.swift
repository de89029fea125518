import Answering
import ArgumentParser
import ConnectionThread
import Desk
import DeskModel
import DeskStore
import Encoder
import Foundation
import Glibc
import Logging
import Postgres
import ServiceLifecycle
import Systemd
import Triage
import UnixSignals
import WorkQueue

/// `martlet serve`: watches the mailboxes until it is told to stop.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Watch the mailboxes; systemd runs this.",
        discussion: """
            SIGTERM finishes what is under way and ends. SIGHUP reads the configuration anew: with a sound file the desk \
            goes on under the new settings, with a broken one it keeps those it has and logs what is wrong.

            Exit status 2 means a configuration that a restart will not mend.
            """)

    @OptionGroup var options: GlobalOptions
    @Option(help: "trace, debug, info, notice, warning or error.") var logLevel = "info"

    func run() async throws {
        guard let level = Logger.Level(rawValue: self.logLevel.lowercased()) else {
            throw CommandError(
                .usage, "--log-level is not a level", remedy: "write debug, info, notice, warning or error")
        }
        let source = self.options.source
        var loaded = try source.load(needing: .everything)
        LoggingSystem.bootstrap { JournalLogHandler(label: $0, level: level) }
        let logger = Logger(label: "martlet")
        // A peer that closes a socket must not end the service.
        signal(SIGPIPE, SIG_IGN)
        // Loading takes seconds: a reload that does not touch the models keeps them.
        var engine: TriageEngine?
        var engineFiles: [String] = []
        var engineWorkers = 0
        while true {
            for warning in loaded.warnings {
                logger.warning("the configuration has something unknown", metadata: .with([.reason: warning.text]))
            }
            do {
                let files = [loaded.settings.modelDirectory, loaded.settings.taxonomyFile]
                if engine == nil || files != engineFiles || loaded.settings.workers != engineWorkers {
                    ServiceNotifier().status("loading the models")
                    engine = try await Self.engine(loaded.settings, environment: source.environment)
                    (engineFiles, engineWorkers) = (files, loaded.settings.workers)
                }
                guard let current = engine,
                    let next = try await Self.serve(loaded, engine: current, source: source, logger: logger)
                else { return }
                loaded = next
            } catch {
                throw DeskRuntime.explained(error)
            }
        }
    }

    /// Runs the desk under one set of settings.
    /// - Returns: the settings to go on with; nil when it was told to stop.
    private static func serve(
        _ loaded: ConfigurationSource.Loaded, engine: TriageEngine, source: ConfigurationSource, logger: Logger
    ) async throws -> ConfigurationSource.Loaded? {
        let settings = loaded.settings
        let notifier = ServiceNotifier()
        let pool = PostgresPool(
            DatabaseAccess.configuration(settings.database, application: "martlet"),
            size: settings.database.connections)
        let reload = ReloadService(source: source, logger: logger)
        do {
            try await Self.checkTables(settings, pool)
            let store = DeskStore(pool: pool)
            let context = DeskRuntime(settings: settings, store: store).context(logger: logger)
            let desk = Desk(
                context: context, encoder: engine.encoder, engine: engine,
                knowledge: try KnowledgeBase(store: store, encoder: engine.encoder))
            let cores = ProcessInfo.processInfo.activeProcessorCount
            let listen =
                settings.database.isPooled
                ? DatabaseAccess.directConfiguration(settings.database, application: "martlet listen") : nil
            let parts = try await desk.services(
                listen: listen, workers: settings.workers == 0 ? cores : settings.workers)
            var services = parts.services.map { ServiceGroupConfiguration.ServiceConfiguration(service: $0) }
            services.append(.init(service: Watchdog(probes: parts.probes, notifier: notifier, logger: logger)))
            services.append(.init(service: reload, successTerminationBehavior: .gracefullyShutdownGroup))
            // Last: everything that is announced as ready has been started before.
            services.append(.init(service: ReadinessService(settings: settings, notifier: notifier, logger: logger)))
            // The group describes whole services at debug, addresses included.
            var quiet = logger
            quiet.logLevel = max(logger.logLevel, .notice)
            try await ServiceGroup(
                configuration: .init(
                    services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet)
            ).run()
        } catch {
            await pool.close()
            throw error
        }
        return reload.result
    }

    private static func checkTables(_ settings: DeskSettings, _ pool: PostgresPool) async throws {
        let status = try await pool.withConnection { connection in
            try await Migrator(DatabaseAccess.migrations).status(on: connection)
        }
        guard status.pending.isEmpty else {
            throw CommandError(
                .failed, "the database lacks \(status.pending.count) migrations", remedy: "run martlet migrate")
        }
    }

    private static func engine(_ settings: DeskSettings, environment: [String: String]) async throws -> TriageEngine {
        let data = try DataDirectory(environment: environment)
        let encoder = try SentenceEncoder(
            directory: try data.encoder(configured: settings.modelDirectory),
            workers: settings.workers == 0 ? nil : settings.workers)
        let file = settings.taxonomyFile.isEmpty ? data.taxonomyFile : settings.taxonomyFile
        guard let text = FileManager.default.contents(atPath: file) else {
            throw CommandError(.usage, "the taxonomy \(file) cannot be read", remedy: "check taxonomy_file")
        }
        do {
            let taxonomy = try Taxonomy(yaml: String(decoding: text, as: UTF8.self), file: file)
            var models = [try await taxonomy.train(encoder: encoder).model]
            if let bytes = FileManager.default.contents(atPath: data.file("models/sentiment.model")) {
                models.append(try TriageModel(bytes: [UInt8](bytes)))
            }
            return try TriageEngine(encoder: encoder, taxonomy: taxonomy, models: models)
        } catch let error as TriageError {
            throw CommandError(.usage, error.context, remedy: "mend \(file), or remove taxonomy_file")
        }
    }
}

/// Says that the service is ready, and that it is stopping.
private struct ReadinessService: Service {
    let settings: DeskSettings
    let notifier: ServiceNotifier
    let logger: Logger

    func run() async throws {
        let names = self.settings.mailboxes.map(\.name).joined(separator: ", ")
        self.notifier.ready("watching \(names) in mode \(self.settings.mode.rawValue)")
        self.logger.notice(
            "the desk is open",
            metadata: .with([
                .mode: self.settings.mode.rawValue, .mailbox: names, .count: self.settings.mailboxes.count,
            ]))
        try? await gracefulShutdown()
        self.notifier.stopping("finishing what is under way")
    }
}

/// Reads the configuration anew on SIGHUP; ends, and with it the group, when there are new settings to go on with.
private final class ReloadService: Service {
    private let source: ConfigurationSource
    private let logger: Logger
    private let loaded = Locked<ConfigurationSource.Loaded?>(nil)

    init(source: ConfigurationSource, logger: Logger) {
        self.source = source
        self.logger = logger
    }

    /// The new settings; nil when the group ended for another reason.
    var result: ConfigurationSource.Loaded? { self.loaded.withLock { $0 } }

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            do {
                let fresh = try self.source.load(needing: .everything)
                self.loaded.withLock { $0 = fresh }
                ServiceNotifier().reloading()
                self.logger.notice("the configuration was read anew")
                return
            } catch {
                for problem in error.problems {
                    let reason = [problem.text, problem.remedy].compactMap { $0 }.joined(separator: "; ")
                    self.logger.error(
                        "the new configuration is refused, the old one stays", metadata: .with([.reason: reason]))
                }
            }
        }
    }
}
