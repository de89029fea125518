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
                .usage, "--log-level is not a level", remedy: "write trace, debug, info, notice, warning or error")
        }
        let source = self.options.source
        var loaded = try source.load(needing: .everything)
        LoggingSystem.bootstrap { JournalLogHandler(label: $0, level: level) }
        let logger = Logger(label: "martlet")
        // A peer that closes a socket must not end the service.
        signal(SIGPIPE, SIG_IGN)
        while true {
            for warning in loaded.warnings {
                logger.warning(
                    "the configuration is perhaps not what was meant", metadata: .with([.reason: warning.text]))
            }
            do {
                ServiceNotifier().status("loading the models")
                let shipped = try ShippedData(environment: source.environment)
                let workers = loaded.settings.workers
                let encoder = RememberingEncoder(
                    try shipped.encoder(
                        configured: loaded.settings.modelDirectory, workers: workers == 0 ? nil : workers))
                let engine = try await shipped.engine(
                    encoder: encoder, taxonomyFile: loaded.settings.taxonomyFile)
                guard let next = try await Self.serve(loaded, engine: engine, source: source, logger: logger) else {
                    return
                }
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
        let cores = ProcessInfo.processInfo.activeProcessorCount
        let workers = settings.workers == 0 ? cores : settings.workers
        let pool = PostgresPool(
            DatabaseAccess.configuration(settings.database, application: "martlet"),
            // Every worker and every mailbox may hold one at the same time.
            size: max(settings.database.connections, workers + settings.mailboxes.count + 2))
        let reload = ReloadService(source: source, logger: logger)
        do {
            try await Self.checkTables(settings, pool)
            let store = DeskStore(pool: pool)
            let context = DeskRuntime(settings: settings, store: store).context(logger: logger)
            let engines = ServingEngine(engine)
            let shipped = try ShippedData(environment: source.environment)
            let desk = Desk(
                context: context, encoder: engine.encoder, engines: engines,
                learning: try shipped.learning(store: store, engines: engines),
                knowledge: try KnowledgeBase(
                    store: store, encoder: engine.encoder,
                    owner: DatabaseAccess.directConfiguration(settings.database, application: "martlet index"),
                    matters: engines),
                articles: ArticleFiles.folder(settings.knowledgeFolder))
            let listen =
                settings.database.isPooled
                ? DatabaseAccess.directConfiguration(settings.database, application: "martlet listen") : nil
            let parts = try await desk.services(listen: listen, workers: workers)
            var services = parts.services.map { ServiceGroupConfiguration.ServiceConfiguration(service: $0) }
            services.append(.init(service: Watchdog(probes: parts.probes, notifier: notifier, logger: logger)))
            services.append(.init(service: reload, successTerminationBehavior: .gracefullyShutdownGroup))
            // Last: everything that is announced as ready has been started before.
            let readiness = ReadinessService(
                settings: settings, notifier: notifier, logger: logger, isReloading: { reload.result != nil })
            services.append(.init(service: readiness))
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
}

/// Says that the service is ready, and that it is stopping.
private struct ReadinessService: Service {
    let settings: DeskSettings
    let notifier: ServiceNotifier
    let logger: Logger
    let isReloading: @Sendable () -> Bool

    func run() async throws {
        let names = self.settings.mailboxes.map(\.name).joined(separator: ", ")
        self.notifier.ready("watching \(names) in mode \(self.settings.mode.rawValue)")
        self.logger.notice(
            "the desk is open",
            metadata: .with([
                .mode: self.settings.mode.rawValue, .mailbox: names, .count: self.settings.mailboxes.count,
            ]))
        try? await gracefulShutdown()
        // Systemd would kill a service that says it is stopping and does not end.
        if !self.isReloading() { self.notifier.stopping("finishing what is under way") }
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
