internal import CSystemd
internal import Glibc

/// Tells systemd how the service is doing; outside systemd (no NOTIFY_SOCKET) every call does nothing.
package struct ServiceNotifier: Sendable {
    package init() {}

    /// True under a unit of `Type=notify`.
    package var isSupervised: Bool { getenv("NOTIFY_SOCKET") != nil }

    /// Longest silence that systemd allows (`WatchdogSec=`), nil when it watches nothing or another process.
    package var watchdogTimeout: Duration? {
        var microseconds: UInt64 = 0
        guard sd_watchdog_enabled(0, &microseconds) > 0, microseconds > 0 else { return nil }
        return .microseconds(Int64(clamping: microseconds))
    }

    /// Start-up, or a reload, has finished.
    package func ready(_ status: String) { self.send("READY=1\n\(Self.statusLine(status))") }

    /// One line that `systemctl status` shows.
    package func status(_ status: String) { self.send(Self.statusLine(status)) }

    /// A reload has begun; `ready` ends it. The time is what `Type=notify-reload` of systemd 253 asks for.
    package func reloading() {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        self.send("RELOADING=1\nMONOTONIC_USEC=\(now.tv_sec * 1_000_000 + now.tv_nsec / 1_000)")
    }

    /// The service is draining and will exit.
    package func stopping(_ status: String) { self.send("STOPPING=1\n\(Self.statusLine(status))") }

    /// Asks for `duration` more before systemd gives up on a start, reload or stop that takes long.
    package func extendTimeout(by duration: Duration) {
        self.send("EXTEND_TIMEOUT_USEC=\(Int64(max(0, duration / .microseconds(1))))")
    }

    /// Sign of life for the watchdog; `Watchdog` calls it.
    package func petWatchdog() { self.send("WATCHDOG=1") }

    /// A status that holds a line break would smuggle in other assignments.
    private static func statusLine(_ text: String) -> String { "STATUS=\(text.escapingControls)" }

    /// A failed datagram is not worth a failed service; systemd notices a silent one by itself.
    private func send(_ state: String) { _ = sd_notify(0, state) }
}
