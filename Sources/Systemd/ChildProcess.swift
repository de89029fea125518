internal import ConnectionThread

/// A program that is run once under limits: bytes in on standard input, bytes out on standard output.
///
/// Meant for input that might crash or hang a parser. The child has its own process group, no descriptors but the three
/// standard ones, the environment it is given and nothing else, default signals, no core dump, and may write no files.
/// Waiting costs no thread.
package struct ChildProcess: Sendable {
    /// What the child may use up.
    package struct Limits: Sendable {
        /// Processor time; the kernel kills the child with SIGXCPU or SIGKILL beyond it. Whole seconds, at least 1.
        package var processorTime: Duration = .seconds(5)
        /// Address space in bytes, mappings of libraries included.
        package var addressSpace = 1 << 30
        /// Wall time from start to exit; then SIGKILL for the whole process group.
        package var wallTime: Duration = .seconds(5)
        /// Bytes of standard output; a child that writes more is killed.
        package var output = 64 << 20

        package init() {}
    }

    /// How the child ended.
    package enum Ending: Sendable, Hashable {
        case exited(status: Int32)
        case signalled(Int32)
        /// Killed here because the wall time was over.
        case timedOut
        /// Killed here because it wrote more than `Limits.output`.
        case outputTooLarge
    }

    package struct Result: Sendable {
        package let ending: Ending
        /// What the child wrote, also when it was killed.
        package let output: [UInt8]
        /// The last 4 KiB of standard error, for the log.
        package let errorOutput: String

        /// True for exit status 0.
        package var isSuccess: Bool { self.ending == .exited(status: 0) }
    }

    let path: String
    let arguments: [String]
    let environment: [String: String]
    let limits: Limits

    /// - Parameters:
    ///   - path: the program's file; PATH is not searched.
    ///   - arguments: what follows the program's name.
    package init(path: String, arguments: [String], environment: [String: String] = [:], limits: Limits = Limits()) {
        self.path = path
        self.arguments = arguments
        self.environment = environment
        self.limits = limits
    }

    /// Starts the program, feeds it `input`, and returns once it has ended.
    ///
    /// A child that does not read all of its input is no error. When the task is cancelled the child is killed.
    /// - Throws: `SystemdError.spawnFailed`; `CancellationError`.
    package func run(feeding input: [UInt8] = []) async throws -> Result {
        let child = try self.spawn()
        defer { child.closeAll() }
        let deadline = ContinuousClock.now + self.limits.wallTime
        async let fed: Void = child.feed(input, until: deadline)
        async let collected = child.collectOutput(limit: self.limits.output, until: deadline)
        async let complaints = child.collectErrors(until: deadline)
        let wake = await SocketPoller.shared.wait(for: child.handle, .read, until: deadline)
        // Also when it ended by itself: what it started must not outlive it, nor hold the pipes open.
        child.killGroup()
        let status = await child.reap()
        let (output, errorOutput, _) = await (collected, complaints, fed)
        try Task.checkCancellation()
        let ending: Ending =
            if output.isTooLarge { .outputTooLarge } else if wake == .ready, let status { Self.ending(of: status) } else
            {
                .timedOut
            }
        return Result(ending: ending, output: output.bytes, errorOutput: errorOutput)
    }

    /// The macros of `wait` are not visible to Swift.
    private static func ending(of status: Int32) -> Ending {
        let signal = status & 0x7F
        return signal == 0 ? .exited(status: (status >> 8) & 0xFF) : .signalled(signal)
    }
}
