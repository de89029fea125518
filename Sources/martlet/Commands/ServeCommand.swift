import ArgumentParser
import Desk
import DeskModel
import DeskStore
import Encoder
import Foundation
import Logging
import Postgres
import ServiceLifecycle
import Systemd
import Triage
import UnixSignals
import WorkQueue

/// `martlet serve`: the desk itself.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Watch the mailboxes, until it is told to stop.",
        discussion: """
            systemd runs this; in a terminal it writes its log to standard error and ends on Ctrl-C. SIGTERM lets work \
            that was begun finish; SIGHUP reads the configuration again.
            """)

    @OptionGroup var options: GlobalOptions
    @Option(help: "Least severe messages to log: debug, info, notice, warning, error.") var logLevel = "info"

    func validate() throws {
        guard Logger.Level(rawValue: self.logLevel) != nil else {
            throw ValidationError("--log-level is one of trace, debug, info, notice, warning, error, critical.")
        }
    }

    func run() async throws {
        let level = Logger.Level(rawValue: self.logLevel) ?? .info
        LoggingSystem.bootstrap { label in JournalLogHandler(label: label, level: level) }
        let logger = Logger(label: "martlet")
        let notifier = ServiceNotifier()
        notifier.status("starting")
        while true {
            let settings = try self.options.settings(needing: .everything)
            let reload = ReloadSignal(options: self.options, logger: logger)
            do {
                try await self.serve(settings, logger: logger, notifier: notifier, reload: reload)
            } catch {
                throw DeskRuntime.explained(error)
            }
            guard await reload.isRequested else { return }
            notifier.reloading()
            logger.notice("the configuration is read again")
        }
    }

    /// Runs the desk once, under one configuration.
    private func serve(
        _ settings: DeskSettings, logger: Logger, notifier: ServiceNotifier, reload: ReloadSignal
    ) async throws {
        let workers = settings.workers > 0 ? settings.workers : ProcessInfo.processInfo.activeProcessorCount
        let shipped = ShippedData()
        let engine = try await shipped.engine(
            taxonomyFile: settings.taxonomyFile, modelDirectory: settings.modelDirectory)
        let size = max(settings.database.connections, settings.mailboxes.count + workers + 3)
        let pool = PostgresPool(
            DatabaseAccess.configuration(settings.database, application: "martlet serve"), size: size)
        do {
            guard try await DeskStore.hasSchema(pool) else {
                throw CommandError(.failed, "the database has no tables yet", remedy: "run martlet migrate")
            }
        } catch {
            await pool.close()
            throw error
        }
        let store = DeskStore(pool: pool)
        let parser = MailReader(settings: settings, isolated: IsolatedParser.parse)
        let context = DeskContext(
            settings: settings, store: store, queue: WorkQueue(pool: pool, owner: MailboxHost.name), parser: parser,
            logger: logger)
        let knowledge = try KnowledgeBase(store: store, encoder: engine.encoder)
        let desk = Desk(context: context, encoder: engine.encoder, engine: engine, knowledge: knowledge)
        let listen =
            settings.database.isPooled
            ? DatabaseAccess.directConfiguration(settings.database, application: "martlet listen") : nil
        let (services, probes) = try await desk.services(listen: listen, workers: workers)
        let mode = settings.mode.rawValue
        let status = "mode \(mode), \(settings.mailboxes.count) mailboxes"
        let supervision: [any Service] = [Watchdog(probes: probes, notifier: notifier, logger: logger), reload]
        let announcement = Announcement(notifier: notifier, status: status, logger: logger)
        let group = ServiceGroup(
            configuration: .init(
                services: (services + supervision + [announcement]).map {
                    // A reload ends one service in good order, and with it this group.
                    .init(
                        service: $0, successTerminationBehavior: .gracefullyShutdownGroup,
                        failureTerminationBehavior: .gracefullyShutdownGroup)
                }, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        try await group.run()
        logger.notice("the desk has stopped", metadata: .with([.mode: mode]))
    }
}

/// Says that everything has started; the last service of the group, so that it follows all others.
private struct Announcement: Service {
    let notifier: ServiceNotifier
    let status: String
    let logger: Logger

    func run() async throws {
        self.logger.notice("the desk is running", metadata: .with([.mode: self.status]))
        self.notifier.ready(self.status)
        try await gracefulShutdown()
        self.notifier.stopping("finishing what was begun")
    }
}

/// Ends the running desk on SIGHUP when the new configuration is good; a bad one is reported and changes nothing.
private final class ReloadSignal: Service {
    private let options: GlobalOptions
    private let logger: Logger
    private let requested = Requested()

    private actor Requested {
        var value = false
        func set() { self.value = true }
    }

    init(options: GlobalOptions, logger: Logger) {
        self.options = options
        self.logger = logger
    }

    var isRequested: Bool { get async { await self.requested.value } }

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            do {
                _ = try self.options.settings(needing: .everything)
                await self.requested.set()
                return
            } catch {
                self.logger.error(
                    "the new configuration is wrong and the old one stays", metadata: .with([.error: "\(error)"]))
            }
        }
    }
}

/// Names this process to others on the same database.
enum MailboxHost {
    static let name = "\(ProcessInfo.processInfo.hostName)/\(ProcessInfo.processInfo.processIdentifier)"
}

/// Reads a dangerous mail in a child of this program, under limits of time and memory.
enum IsolatedParser {
    static func parse(_ bytes: [UInt8]) async throws -> InboundMessage {
        let child = ChildProcess(path: DataDirectory.executable, arguments: ["parse", "--isolated"])
        let result = try await child.run(feeding: bytes)
        guard result.isSuccess else {
            throw CommandError(.failed, "the child that parsed the mail ended with \(result.ending)")
        }
        return try JSONDecoder().decode(InboundMessage.self, from: Data(result.output))
    }
}
