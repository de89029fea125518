import DeskModel
import Testing

/// Walks every state that a small model can reach, by breadth-first search.
private func explore<World: Hashable>(
    from start: World, steps: (World) -> [World], check: (World) -> Void
) -> (states: Set<World>, final: Set<World>) {
    var seen: Set<World> = [start]
    var final: Set<World> = []
    var queue = [start]
    while let world = queue.popLast() {
        check(world)
        let next = steps(world)
        if next.isEmpty { final.insert(world) }
        for other in next where seen.insert(other).inserted { queue.append(other) }
    }
    return (seen, final)
}

@Suite("Crash orderings") struct CrashOrderingTests {
    // MARK: - Cursor

    /// Two hosts import three mails; each reads a batch, then commits rows and cursor in one transaction that names the
    /// lease's epoch. A host may die or lose its lease between any two steps.
    struct Intake: Hashable {
        struct Host: Hashable {
            var epoch: Int?
            var batch: [Int]?
        }
        var stored: [Int: Int] = [:]
        var cursor = 0
        var epoch = 0
        var hosts = [Host(), Host()]
        var crashes = 0

        func steps() -> [Intake] {
            var result: [Intake] = []
            for index in self.hosts.indices {
                let host = self.hosts[index]
                // The database hands the lease to anybody once the last holder's time is over, which may be at any time.
                if host.epoch == nil, self.epoch < 4 {
                    var world = self
                    world.epoch += 1
                    world.hosts[index] = Host(epoch: world.epoch, batch: nil)
                    result.append(world)
                }
                if host.epoch != nil, host.batch == nil, self.cursor < 3 {
                    for size in 1...2 {
                        var world = self
                        world.hosts[index].batch = Array((self.cursor + 1)...min(3, self.cursor + size))
                        result.append(world)
                    }
                }
                if let epoch = host.epoch, let batch = host.batch {
                    var world = self
                    world.hosts[index].batch = nil
                    if epoch == self.epoch, batch[0] == self.cursor + 1 {
                        for uid in batch { world.stored[uid, default: 0] += 1 }
                        world.cursor = batch.last!
                    } else {
                        world.hosts[index].epoch = nil
                    }
                    result.append(world)
                }
                if host.epoch != nil, self.crashes < 3 {
                    var world = self
                    world.crashes += 1
                    world.hosts[index] = Host()
                    result.append(world)
                }
            }
            return result
        }
    }

    @Test func `every ordering of two hosts and crashes stores each mail exactly once`() {
        let explored = explore(from: Intake(), steps: { $0.steps() }) { world in
            #expect(world.stored.values.allSatisfy { $0 == 1 }, "doubled: \(world)")
            #expect(Set(world.stored.keys) == Set(1..<(world.cursor + 1)), "skipped: \(world)")
        }
        #expect(explored.states.count > 500)
        #expect(explored.states.contains { $0.cursor == 3 })
    }

    // MARK: - Outbox

    /// One mail, two hosts, a server that may accept without being heard. `deliveries` counts what the recipient got.
    struct Outbox: Hashable {
        var state = DeliveryState.queued
        var holder: Int?
        /// What the holder knows of its own progress: nil idle, else the step it is in.
        var sending = false
        var heard: DeliveryState.Event?
        var deliveries = 0
        var crashes = 0
        var attempts = 0

        func moved(_ event: DeliveryState.Event) -> Outbox? {
            guard let next = self.state.after(event) else { return nil }
            var world = self
            world.state = next
            return world
        }

        func steps() -> [Outbox] {
            var result: [Outbox] = []
            if self.holder == nil, self.attempts < 3, var world = self.moved(.claim) {
                world.holder = 1
                world.attempts += 1
                result.append(world)
            }
            if self.holder != nil {
                if self.state == .claimed {
                    if let world = self.moved(.startTransmission) { result.append(world) }
                    for event in [DeliveryState.Event.cancel, .deferred] {
                        if var world = self.moved(event) {
                            world.holder = nil
                            result.append(world)
                        }
                    }
                }
                if self.state == .transmitting, !self.sending {
                    // The body goes out: accepted and heard, accepted and not heard, refused either way, or broken before.
                    for (delivered, heard) in [
                        (true, DeliveryState.Event.accepted), (true, .outcomeUnknown), (false, .outcomeUnknown),
                        (false, .deferred), (false, .refused),
                    ] {
                        var world = self
                        world.sending = true
                        world.heard = heard
                        if delivered { world.deliveries += 1 }
                        result.append(world)
                    }
                }
                if self.sending, let heard = self.heard, var world = self.moved(heard) {
                    world.sending = false
                    world.heard = nil
                    world.holder = nil
                    result.append(world)
                }
                if self.crashes < 2 {
                    var world = self
                    world.crashes += 1
                    world.holder = nil
                    world.sending = false
                    world.heard = nil
                    result.append(world)
                }
            } else if self.state == .claimed || self.state == .transmitting {
                if let world = self.moved(.leaseExpired) { result.append(world) }
            }
            return result
        }
    }

    @Test func `no ordering sends a mail twice by itself, and none forgets one`() {
        let explored = explore(from: Outbox(), steps: { $0.steps() }) { world in
            #expect(world.deliveries <= 1, "sent twice: \(world)")
        }
        for world in explored.final where world.attempts < 3 {
            #expect([.sent, .uncertain, .failed, .cancelled].contains(world.state), "forgotten: \(world)")
            if world.state == .failed || world.state == .cancelled { #expect(world.deliveries == 0) }
        }
        #expect(explored.final.contains { $0.state == .uncertain && $0.deliveries == 1 })
        #expect(explored.final.contains { $0.state == .uncertain && $0.deliveries == 0 })
    }

    // MARK: - Draft

    /// A draft is appended, replaced by a newer one, and the old one removed; the process may die anywhere. The server
    /// keeps what it got.
    struct DraftFolderModel: Hashable {
        enum Phase: Hashable { case idle, appending, appended, removing }
        var first = MailboxWriteState.planned
        var second: MailboxWriteState?
        var onServer: [Int: Int] = [:]
        var phase = Phase.idle
        var crashes = 0
        var touched = false

        func steps() -> [DraftFolderModel] {
            var result: [DraftFolderModel] = []
            let current = self.second ?? self.first
            let number = self.second == nil ? 1 : 2
            func with(_ state: MailboxWriteState, _ change: (inout DraftFolderModel) -> Void = { _ in })
                -> DraftFolderModel
            {
                var world = self
                if world.second == nil { world.first = state } else { world.second = state }
                change(&world)
                return world
            }
            switch self.phase {
            case .idle:
                if let next = current.after(.start) { result.append(with(next) { $0.phase = .appending }) }
                if current == .writing {
                    // After a crash: ask the server for the Message-ID before anything else.
                    let found = self.onServer[number, default: 0] > 0
                    if let next = current.after(found ? .foundOnServer : .notOnServer) { result.append(with(next)) }
                }
                if self.first == .done, self.second == nil, !self.touched {
                    var world = self
                    world.second = .planned
                    result.append(world)
                }
                if self.first == .done, self.second == nil, self.onServer[1] == 1, !self.touched {
                    var world = self
                    world.touched = true
                    result.append(world)
                }
                if self.second == .done, self.onServer[1, default: 0] > 0 {
                    var world = self
                    world.phase = .removing
                    result.append(world)
                }
            case .appending:
                var world = self
                world.onServer[number, default: 0] += 1
                world.phase = .appended
                result.append(world)
            case .appended:
                if let next = current.after(.confirmed) { result.append(with(next) { $0.phase = .idle }) }
            case .removing:
                var world = self
                world.onServer[1] = 0
                world.phase = .idle
                result.append(world)
            }
            if self.phase != .idle, self.crashes < 3 {
                var world = self
                world.crashes += 1
                world.phase = .idle
                result.append(world)
            }
            return result
        }
    }

    @Test func `every ordering ends with one draft, and a touched one stays`() {
        let explored = explore(from: DraftFolderModel(), steps: { $0.steps() }) { world in
            #expect(world.onServer.values.allSatisfy { $0 <= 1 }, "doubled: \(world)")
            if world.touched { #expect(world.onServer[1] == 1, "a touched draft was removed: \(world)") }
        }
        for world in explored.final { #expect(world.onServer.values.reduce(0, +) == 1, "not one draft: \(world)") }
        #expect(explored.states.count > 30)
    }

    // MARK: - Lease

    /// Two hosts with clocks of their own that may run up to four ticks slow against the database's; the lease lasts ten
    /// ticks and the holder stops five before its end.
    struct Lease: Hashable {
        struct Host: Hashable {
            var epoch: Int?
            /// Ticks of its own clock since it asked for the lease.
            var elapsed = 0
            var writing = false
        }
        var time = 0
        var until = 0
        var epoch = 0
        var lag = 0
        var hosts = [Host(), Host()]

        func steps() -> [Lease] {
            guard self.time < 24 else { return [] }
            var result: [Lease] = []
            for index in self.hosts.indices {
                var world = self
                if self.hosts[index].epoch == nil, self.time >= self.until {
                    world.epoch += 1
                    world.until = self.time + 10
                    world.hosts[index] = Host(epoch: world.epoch)
                    result.append(world)
                } else if self.hosts[index].epoch != nil {
                    if self.hosts[index].elapsed < 5 {
                        world.hosts[index].writing.toggle()
                    } else {
                        world.hosts[index] = Host()
                    }
                    result.append(world)
                }
            }
            for slow in [false, true] where !slow || self.lag < 4 {
                var world = self
                world.time += 1
                if slow { world.lag += 1 }
                for index in world.hosts.indices where world.hosts[index].epoch != nil && !slow {
                    world.hosts[index].elapsed += 1
                    // The holder looks at its clock before every command, so it stops within the tick.
                    if world.hosts[index].elapsed >= 5 { world.hosts[index] = Host() }
                }
                result.append(world)
            }
            return result
        }
    }

    @Test func `two hosts never write into one mailbox at once`() {
        let explored = explore(from: Lease(), steps: { $0.steps() }) { world in
            #expect(world.hosts.count { $0.writing } <= 1, "two writers: \(world)")
        }
        #expect(explored.states.contains { $0.epoch >= 2 && $0.hosts.contains { $0.writing } })
    }
}
