internal import CPosix
internal import CSystemd
internal import ConnectionThread
internal import Glibc

extension ChildProcess {
    /// A started child: its number, a descriptor that becomes readable when it ends, and our ends of its streams.
    struct Running: Sendable {
        let process: pid_t
        let handle: Int32
        let standardInput: Int32
        let standardOutput: Int32
        let standardError: Int32
    }

    struct Collected: Sendable {
        var bytes: [UInt8] = []
        var isTooLarge = false
    }

    /// Starts the program and sets its limits before it can have read a byte of input.
    func spawn() throws(SystemdError) -> Running {
        var streams: [(ours: Int32, theirs: Int32)] = []
        func closeAll(_ ends: [Int32]) { for end in ends { close(end) } }
        for _ in 0..<3 {
            // Sockets, because a write to a pipe whose reader has died raises SIGPIPE in this process.
            var pair: [Int32] = [-1, -1]
            guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0, &pair) == 0 else {
                let number = errno
                closeAll(streams.flatMap { [$0.ours, $0.theirs] })
                throw SystemdError(.spawnFailed, errno: number, "no socket pair for \(self.path)")
            }
            _ = fcntl(pair[0], F_SETFL, O_NONBLOCK)
            streams.append((pair[0], pair[1]))
        }
        let (process, number) = self.start(theirs: streams.map(\.theirs))
        closeAll(streams.map(\.theirs))
        guard number == 0 else {
            closeAll(streams.map(\.ours))
            throw SystemdError(.spawnFailed, errno: number, self.path)
        }
        let handle = shim_process_descriptor(process)
        guard handle >= 0, self.setLimits(of: process) else {
            let number = errno
            kill(process, SIGKILL)
            var status: Int32 = 0
            waitpid(process, &status, 0)
            closeAll(streams.map(\.ours) + (handle >= 0 ? [handle] : []))
            throw SystemdError(.spawnFailed, errno: number, "limits of \(self.path)")
        }
        return Running(
            process: process, handle: handle, standardInput: streams[0].ours, standardOutput: streams[1].ours,
            standardError: streams[2].ours)
    }

    /// `posix_spawn`, never `fork`: this process has threads, and a copy of its page tables costs milliseconds.
    private func start(theirs: [Int32]) -> (pid_t, errno: Int32) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (target, end) in theirs.enumerated() { posix_spawn_file_actions_adddup2(&actions, end, Int32(target)) }
        posix_spawn_file_actions_addclosefrom_np(&actions, 3)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))

        let words = ([self.path] + self.arguments).map { strdup($0) } + [nil]
        let variables = self.environment.sorted { $0.key < $1.key }.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in words + variables { free(pointer) } }
        var process: pid_t = 0
        let number = posix_spawn(&process, self.path, &actions, &attributes, words, variables)
        return (process, number)
    }

    private func setLimits(of process: pid_t) -> Bool {
        let seconds = UInt64(max(1, self.limits.processorTime.components.seconds))
        return shim_limit(process, shim_limit_cpu(), seconds) == 0
            && shim_limit(process, shim_limit_address_space(), UInt64(max(0, self.limits.addressSpace))) == 0
            && shim_limit(process, shim_limit_core(), 0) == 0
            && shim_limit(process, shim_limit_file_size(), 0) == 0
    }
}

extension ChildProcess.Running {
    /// Writes `input`, then end of file. Ends early when the child has closed its side.
    func feed(_ input: [UInt8], until deadline: ContinuousClock.Instant) async {
        var rest = input[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                send(self.standardInput, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                guard await SocketPoller.shared.wait(for: self.standardInput, .write, until: deadline) == .ready else {
                    return
                }
            } else if errno != EINTR {
                return
            }
        }
        shutdown(self.standardInput, Int32(SHUT_WR))
    }

    /// Reads standard output to its end; a child that writes more than `limit` bytes is killed.
    func collectOutput(limit: Int, until deadline: ContinuousClock.Instant) async -> ChildProcess.Collected {
        var collected = ChildProcess.Collected()
        await self.read(self.standardOutput, until: deadline) { chunk in
            let room = limit - collected.bytes.count
            collected.bytes += chunk.prefix(room)
            collected.isTooLarge = chunk.count > room
            if collected.isTooLarge { self.killGroup() }
            return !collected.isTooLarge
        }
        return collected
    }

    /// Reads standard error to its end and keeps the last 4 KiB.
    func collectErrors(until deadline: ContinuousClock.Instant) async -> String {
        var tail: [UInt8] = []
        await self.read(self.standardError, until: deadline) { chunk in
            tail = Array((tail + chunk).suffix(4_096))
            return true
        }
        return String(decoding: tail, as: UTF8.self)
    }

    /// Gives chunks to `body` until end of file, the deadline, cancellation, or until `body` says false.
    private func read(
        _ descriptor: Int32, until deadline: ContinuousClock.Instant, _ body: (ArraySlice<UInt8>) -> Bool
    ) async {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count > 0 {
                guard body(chunk[..<count]) else { return }
            } else if count < 0 && errno == EAGAIN {
                guard await SocketPoller.shared.wait(for: descriptor, .read, until: deadline) == .ready else { return }
            } else if count == 0 || errno != EINTR {
                return
            }
        }
    }

    func killGroup() { kill(-self.process, SIGKILL) }

    /// Takes the status of the child, which has ended or been killed; nil when the kernel holds on to it.
    ///
    /// In a task of its own, because the caller's may be cancelled already and the child must not stay a zombie.
    func reap() async -> Int32? {
        let (process, handle) = (self.process, self.handle)
        return await Task {
            _ = await SocketPoller.shared.wait(for: handle, .read, until: .now + .seconds(5))
            var status: Int32 = 0
            return waitpid(process, &status, Int32(WNOHANG)) == process ? status : nil
        }.value
    }

    func closeAll() {
        for descriptor in [self.handle, self.standardInput, self.standardOutput, self.standardError] {
            close(descriptor)
        }
    }
}
