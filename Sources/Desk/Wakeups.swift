internal import ConnectionThread
internal import DeskStore
package import Postgres
internal import ServiceLifecycle

/// Passes the database's notifications on to whoever waits for them; one connection for all.
///
/// A lost notification costs some seconds at most: every waiter also looks by itself now and then.
package final class Wakeups: Service {
    private let notifications: PostgresNotifications
    private let signals = Locked<[String: [WakeSignal]]>([:])

    /// - Parameter configuration: Where to listen when the pool goes through a pooler.
    package init(pool: PostgresPool, configuration: PostgresConfiguration?) {
        self.notifications = pool.notifications(
            channels: [DeskStore.outboxChannel, DeskStore.writesChannel], configuration: configuration)
    }

    /// A signal of the caller's own for a channel.
    func signal(for channel: String) -> WakeSignal {
        let signal = WakeSignal()
        self.signals.withLock { $0[channel, default: []].append(signal) }
        return signal
    }

    package func run() async throws {
        for await event in self.notifications.cancelOnGracefulShutdown() {
            let woken = self.signals.withLock { signals in
                switch event {
                case .reconnected: signals.values.flatMap { $0 }
                case .notification(let notification): signals[notification.channel] ?? []
                }
            }
            for signal in woken { signal.signal() }
        }
    }
}
