import Glibc
import Logging
import Systemd
import Testing

/// Exit tests, because the environment belongs to the whole process.
@Suite("ServiceNotifier") struct ServiceNotifierTests {
    @Test func `tells systemd of start, status, reload, more time and stop`() async {
        await #expect(processExitsWith: .success) {
            let socket = NotificationSocket()
            socket.open()
            defer { socket.close() }
            let notifier = ServiceNotifier()
            #expect(notifier.isSupervised)
            notifier.ready("watching 2 mailboxes")
            #expect(socket.next() == "READY=1\nSTATUS=watching 2 mailboxes")
            notifier.status("draining")
            #expect(socket.next() == "STATUS=draining")
            notifier.reloading()
            let reload = socket.next()
            #expect(reload?.hasPrefix("RELOADING=1\nMONOTONIC_USEC=") == true)
            notifier.extendTimeout(by: .seconds(2))
            #expect(socket.next() == "EXTEND_TIMEOUT_USEC=2000000")
            notifier.stopping("3 jobs left")
            #expect(socket.next() == "STOPPING=1\nSTATUS=3 jobs left")
            #expect(socket.next() == nil)
        }
    }

    @Test func `keeps a status to one assignment whatever it holds`() async {
        await #expect(processExitsWith: .success) {
            let socket = NotificationSocket()
            socket.open()
            defer { socket.close() }
            ServiceNotifier().status("mail from eve\nREADY=1")
            #expect(socket.next() == #"STATUS=mail from eve\nREADY=1"#)
        }
    }

    @Test func `says nothing outside systemd`() async {
        await #expect(processExitsWith: .success) {
            unsetenv("NOTIFY_SOCKET")
            unsetenv("WATCHDOG_USEC")
            let notifier = ServiceNotifier()
            #expect(!notifier.isSupervised)
            #expect(notifier.watchdogTimeout == nil)
            notifier.ready("")
        }
    }

    @Test func `reads the watchdog's limit only when it is meant for this process`() async {
        await #expect(processExitsWith: .success) {
            setenv("WATCHDOG_USEC", "30000000", 1)
            setenv("WATCHDOG_PID", "\(getpid())", 1)
            #expect(ServiceNotifier().watchdogTimeout == .seconds(30))
            setenv("WATCHDOG_PID", "1", 1)
            #expect(ServiceNotifier().watchdogTimeout == nil)
        }
    }
}

@Suite("Watchdog") struct WatchdogTests {
    private static let start = ContinuousClock.now

    @Test func `a part that advances within its patience is well`() {
        let probe = ProgressProbe("sync", patience: .seconds(10), now: Self.start)
        #expect(probe.stalled(at: Self.start + .seconds(10)) == nil)
        probe.advance(now: Self.start + .seconds(9))
        #expect(probe.stalled(at: Self.start + .seconds(19)) == nil)
    }

    @Test func `a part that is silent for longer is stuck, and by how long is known`() {
        let probe = ProgressProbe("sync", patience: .seconds(10), now: Self.start)
        #expect(probe.stalled(at: Self.start + .seconds(11)) == .seconds(11))
    }

    @Test func `a part at rest may be silent for ever and counts again once it advances`() {
        let probe = ProgressProbe("workers", patience: .seconds(10), now: Self.start)
        probe.rest()
        #expect(probe.stalled(at: Self.start + .seconds(9_999)) == nil)
        probe.advance(now: Self.start + .seconds(10_000))
        #expect(probe.stalled(at: Self.start + .seconds(10_011)) == .seconds(11))
    }

    @Test func `systemd hears of life only while no part is stuck`() async {
        await #expect(processExitsWith: .success) {
            let socket = NotificationSocket()
            socket.open()
            defer { socket.close() }
            let start = ContinuousClock.now
            let sync = ProgressProbe("sync", patience: .seconds(10), now: start)
            let workers = ProgressProbe("workers", patience: .seconds(60), now: start)
            let watchdog = Watchdog(
                probes: [sync, workers], logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
            #expect(watchdog.turn(now: start + .seconds(5)))
            #expect(socket.next() == "WATCHDOG=1")
            #expect(!watchdog.turn(now: start + .seconds(11)))
            #expect(socket.next() == nil)
            sync.advance(now: start + .seconds(12))
            #expect(watchdog.turn(now: start + .seconds(13)))
            #expect(socket.next() == "WATCHDOG=1")
        }
    }
}
