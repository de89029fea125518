import ConnectionThread
import Glibc
import Testing

private actor Worker {
    let thread = ConnectionThread(name: "test-worker")
    nonisolated var unownedExecutor: UnownedSerialExecutor { self.thread.asUnownedSerialExecutor() }
    var count = 0

    func threadID() -> pthread_t { pthread_self() }
    func bump() { self.count += 1 }
    func wait(for descriptor: Int32, timeout: Duration) -> ConnectionThread.Wake {
        self.thread.clearInterrupt()
        return self.thread.wait(for: descriptor, events: Int32(POLLIN), timeout: timeout)
    }
}

private struct Pipe {
    let read: Int32
    let write: Int32
    init() {
        var ends: [Int32] = [0, 0]
        pipe(&ends)
        (self.read, self.write) = (ends[0], ends[1])
    }
    func send() { _ = Glibc.write(self.write, "x", 1) }
    func close() {
        Glibc.close(self.read)
        Glibc.close(self.write)
    }
}

@Suite("ConnectionThread") struct ConnectionThreadTests {
    @Test func `runs every job of an actor on its own thread`() async {
        let first = Worker()
        let second = Worker()
        let ids = await (first.threadID(), first.threadID(), second.threadID())
        #expect(ids.0 == ids.1)
        #expect(ids.0 != ids.2)
    }

    @Test func `serialises jobs from many tasks`() async {
        let worker = Worker()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<1_000 { group.addTask { await worker.bump() } }
        }
        #expect(await worker.count == 1_000)
    }

    @Test func `a blocked wait ends when it is interrupted`() async {
        let pipe = Pipe()
        defer { pipe.close() }
        let worker = Worker()
        async let wake = worker.wait(for: pipe.read, timeout: .seconds(30))
        // Interrupt until the wait has seen it: an interrupt before the command starts is cleared by design.
        let interrupter = Task {
            while !Task.isCancelled {
                worker.thread.interrupt()
                await Task.yield()
            }
        }
        #expect(await wake == .interrupted)
        interrupter.cancel()
    }

    @Test func `a wait ends at its time-out or when the descriptor is ready`() async {
        let pipe = Pipe()
        defer { pipe.close() }
        let worker = Worker()
        #expect(await worker.wait(for: pipe.read, timeout: .milliseconds(5)) == .timedOut)
        pipe.send()
        #expect(await worker.wait(for: pipe.read, timeout: .seconds(30)) == .ready)
    }
}

@Suite("SocketPoller") struct SocketPollerTests {
    @Test func `wakes the right waiter among many`() async {
        let poller = SocketPoller()
        let pipes = (0..<100).map { _ in Pipe() }
        defer { for pipe in pipes { pipe.close() } }
        let deadline = ContinuousClock.now + .seconds(30)
        await withTaskGroup(of: (Int, SocketPoller.Wake).self) { group in
            for (index, pipe) in pipes.enumerated() {
                group.addTask { (index, await poller.wait(for: pipe.read, .read, until: deadline)) }
            }
            pipes[42].send()
            let first = await group.next()
            #expect(first?.0 == 42)
            #expect(first?.1 == .ready)
            group.cancelAll()
            for await (_, wake) in group { #expect(wake == .cancelled) }
        }
    }

    @Test func `a wait ends at its deadline`() async {
        let pipe = Pipe()
        defer { pipe.close() }
        let wake = await SocketPoller().wait(for: pipe.read, .read, until: .now + .milliseconds(5))
        #expect(wake == .timedOut)
    }

    @Test func `a cancelled task does not wait`() async {
        let pipe = Pipe()
        defer { pipe.close() }
        let task = Task { () -> SocketPoller.Wake in
            withUnsafeCurrentTask { $0?.cancel() }
            return await SocketPoller().wait(for: pipe.read, .read, until: .now + .seconds(30))
        }
        #expect(await task.value == .cancelled)
    }
}
