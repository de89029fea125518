import Logging
import ServiceLifecycle
import Systemd
import Testing

@Suite("Watchdog in a service group") struct WatchdogServiceTests {
    private struct Other: Service {
        func run() async throws {}
    }

    @Test func `ends with the other services`() async throws {
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let watchdog = Watchdog(probes: [], logger: logger)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(service: watchdog),
                    .init(service: Other(), successTerminationBehavior: .gracefullyShutdownGroup),
                ], logger: logger))
        try await group.run()
    }
}
