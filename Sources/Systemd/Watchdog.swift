internal import ConnectionThread
package import Logging
internal import ServiceLifecycle

/// One part of the service says here that its work moves on.
///
/// A loop calls `advance` at every turn and `rest` before it waits for something that may rightly take for ever (new
/// mail, a job). A part that neither advanced nor rested within its patience is stuck.
package final class ProgressProbe: Sendable {
    private struct State {
        var last: ContinuousClock.Instant
        var isResting = false
    }

    package let name: String
    /// Longest time that one step of the work may take.
    package let patience: Duration
    private let state: Locked<State>

    package init(_ name: String, patience: Duration, now: ContinuousClock.Instant = .now) {
        self.name = name
        self.patience = patience
        self.state = Locked(State(last: now))
    }

    /// A step is done or begins.
    package func advance(now: ContinuousClock.Instant = .now) {
        self.state.withLock { $0 = State(last: now) }
    }

    /// Nothing to do until `advance`.
    package func rest() { self.state.withLock { $0.isResting = true } }

    /// How long this part has been silent, when that is longer than its patience.
    package func stalled(at now: ContinuousClock.Instant = .now) -> Duration? {
        let state = self.state.withLock { $0 }
        let silence = now - state.last
        return !state.isResting && silence > self.patience ? silence : nil
    }
}

/// Pets systemd's watchdog as long as every part of the service makes real progress.
///
/// A timer that pets whatever happens would only prove that timers work. When a part is stuck, this says which, stops
/// petting and so lets systemd restart the service. Without `WatchdogSec=` it still says so, every minute.
package struct Watchdog: Service {
    private let probes: [ProgressProbe]
    private let notifier: ServiceNotifier
    private let logger: Logger
    private let interval: Duration

    package init(probes: [ProgressProbe], notifier: ServiceNotifier = ServiceNotifier(), logger: Logger) {
        self.probes = probes
        self.notifier = notifier
        self.logger = logger
        // systemd recommends half of the limit; a third leaves room for one late turn.
        self.interval = notifier.watchdogTimeout.map { $0 / 3 } ?? .seconds(60)
    }

    package func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while true {
                self.turn()
                try await ContinuousClock().sleep(for: self.interval, tolerance: self.interval / 10)
            }
        }
    }

    /// One look at all parts; true when the watchdog was petted.
    @discardableResult
    package func turn(now: ContinuousClock.Instant = .now) -> Bool {
        let stuck = self.probes.compactMap { probe in probe.stalled(at: now).map { (probe.name, $0) } }
        for (name, silence) in stuck {
            self.logger.error(
                "part of the service is stuck",
                metadata: ["worker": "\(name)", "seconds": "\(silence.components.seconds)"])
        }
        guard stuck.isEmpty else { return false }
        self.notifier.petWatchdog()
        return true
    }
}
