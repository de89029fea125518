import Glibc
import Systemd
import Testing

@Suite("ChildProcess") struct ChildProcessTests {
    private static func shell(
        _ script: String, environment: [String: String] = [:], _ adjust: (inout ChildProcess.Limits) -> Void = { _ in }
    ) -> ChildProcess {
        var limits = ChildProcess.Limits()
        limits.wallTime = .seconds(60)
        adjust(&limits)
        return ChildProcess(path: "/bin/sh", arguments: ["-c", script], environment: environment, limits: limits)
    }

    @Test func `more bytes than any pipe holds go in and come out`() async throws {
        let input = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let result = try await Self.shell("exec /bin/cat").run(feeding: input)
        #expect(result.isSuccess)
        #expect(result.output == input)
    }

    @Test func `exit status and the end of standard error are reported`() async throws {
        let result = try await Self.shell("echo wrong >&2; exit 7").run()
        #expect(result.ending == .exited(status: 7))
        #expect(result.errorOutput == "wrong\n")
    }

    @Test func `a crash is an ending, not an error`() async throws {
        let result = try await Self.shell("kill -SEGV $$").run()
        #expect(result.ending == .signalled(SIGSEGV))
    }

    @Test func `a child that does not read its input is no error`() async throws {
        let result = try await Self.shell("exit 0").run(feeding: [UInt8](repeating: 0, count: 1 << 20))
        #expect(result.isSuccess)
    }

    @Test(.timeLimit(.minutes(1))) func `a child that hangs is killed at its wall time with all it started`()
        async throws
    {
        let child = Self.shell("/bin/sleep 600 & echo $!; wait") { $0.wallTime = .milliseconds(300) }
        let result = try await child.run()
        #expect(result.ending == .timedOut)
        let grandchild = try #require(pid_t(String(decoding: result.output.dropLast(), as: UTF8.self)))
        await Self.untilGone(grandchild)
    }

    @Test(.timeLimit(.minutes(1))) func `what a child leaves behind does not outlive it`() async throws {
        let result = try await Self.shell("/bin/sleep 600 & echo $!").run()
        #expect(result.isSuccess)
        let grandchild = try #require(pid_t(String(decoding: result.output.dropLast(), as: UTF8.self)))
        await Self.untilGone(grandchild)
    }

    @Test func `a busy child is stopped by its processor time`() async throws {
        let result = try await Self.shell("while :; do :; done") { $0.processorTime = .seconds(1) }.run()
        #expect(result.ending == .signalled(SIGXCPU) || result.ending == .signalled(SIGKILL))
    }

    @Test func `output beyond the limit is cut off and ends the child`() async throws {
        let result = try await Self.shell("while :; do echo 0123456789; done") { $0.output = 1_000 }.run()
        #expect(result.ending == .outputTooLarge)
        #expect(result.output.count == 1_000)
    }

    @Test func `address space, core dumps and files are limited`() async throws {
        let script = "ulimit -v; ulimit -c; read line; ulimit -v; ulimit -c; ulimit -f; ulimit -t"
        let child = Self.shell(script) {
            $0.addressSpace = 512 << 20
            $0.processorTime = .seconds(3)
        }
        let lines = String(decoding: try await child.run(feeding: [0x0A]).output, as: UTF8.self).split(separator: "\n")
        // After the first byte of input the limits hold for certain.
        #expect(lines.suffix(4) == ["524288", "0", "0", "3"])
    }

    @Test func `the child sees its own environment and no descriptor of ours`() async throws {
        let held = open("/dev/null", O_RDONLY)
        defer { close(held) }
        let child = Self.shell("/usr/bin/env; /bin/ls /proc/self/fd | /usr/bin/wc -l", environment: ["MARTLET": "yes"])
        let lines = String(decoding: try await child.run().output, as: UTF8.self).split(separator: "\n")
        #expect(lines.contains("MARTLET=yes"))
        #expect(!lines.contains { $0.hasPrefix("HOME=") })
        // Three streams and the folder that ls reads.
        #expect(lines.last == "4")
    }

    @Test func `a missing program is an error that names it`() async {
        await #expect {
            _ = try await ChildProcess(path: "/nonexistent/martlet", arguments: []).run()
        } throws: { error in
            (error as? SystemdError)?.code == .spawnFailed && "\(error)".contains("/nonexistent/martlet")
        }
    }

    @Test func `cancelling the task kills the child`() async throws {
        let task = Task { try await Self.shell("/bin/sleep 600").run() }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    /// Returns once the kernel has carried out the kill; the test's time limit is the alarm.
    private static func untilGone(_ process: pid_t) async {
        while !Self.isGone(process) { await Task.yield() }
    }

    /// True when no such process runs any more (one that is dead but not yet collected does not run).
    private static func isGone(_ process: pid_t) -> Bool {
        let descriptor = open("/proc/\(process)/stat", O_RDONLY)
        guard descriptor >= 0 else { return true }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 512)
        let count = read(descriptor, &bytes, bytes.count)
        guard count > 0 else { return true }
        let state = String(decoding: bytes[..<count], as: UTF8.self).split(separator: ")").last?.dropFirst().first
        return state == "Z" || state == "X"
    }
}
