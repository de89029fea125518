internal import CPosix
internal import ConnectionThread
internal import Glibc

/// A port on loopback before a real server's, which does to its links what networks and dying hosts do.
package final class FaultProxy: Sendable {
    package enum Direction: Sendable { case fromClient, fromServer }

    /// What happens to one link.
    package enum Fault: Sendable {
        case none
        /// Passes so many octets on in one direction, then ends the link in both.
        case cut(Direction, after: Int, resets: Bool = false)
        /// Ends the link when the server answers what the client said up to this text; the answer is lost.
        case swallowAnswer(to: String)
        /// Ends the link when the server says this, if `when` agrees; what it said is lost.
        case swallow(String, when: @Sendable () -> Bool)
        /// Passes what the server says on in pieces of so many octets, each after a pause.
        case drip(octets: Int, pause: Duration)
    }

    package let port: Int
    private let listener: Int32
    private let log = Locked<[Traffic]>([])

    /// Octets that were passed on, and whether the link's fault took effect.
    package struct Traffic: Sendable {
        package var fromClient = 0
        package var fromServer = 0
        package var isBroken = false
    }

    /// - Parameters:
    ///   - target: the server's port.
    ///   - plan: asked for each link with its number, from 0.
    package init(before target: Int, plan: @escaping @Sendable (Int) -> Fault = { _ in .none }) {
        (self.listener, self.port) = Socket.listen()
        let listener = self.listener
        let log = self.log
        Socket.thread {
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { return }
                guard let server = Socket.connect(to: target) else {
                    Glibc.close(client)
                    continue
                }
                let number = log.withLock { log in
                    log.append(Traffic())
                    return log.count - 1
                }
                Link(client: client, server: server, fault: plan(number)) { change in
                    log.withLock { change(&$0[number]) }
                }.start()
            }
        }
    }

    /// Refuses further links.
    package func stop() { shutdown(self.listener, Int32(SHUT_RDWR)) }

    /// Of each link so far.
    package var traffic: [Traffic] { self.log.withLock { $0 } }
    package var brokenLinks: Int { self.traffic.count { $0.isBroken } }
}

/// One client and its server, with a thread for each direction.
private final class Link: Sendable {
    private let client: Int32
    private let server: Int32
    private let fault: FaultProxy.Fault
    private let note: @Sendable ((inout FaultProxy.Traffic) -> Void) -> Void
    private let state = Locked<(isSwallowing: Bool, ended: Int)>((false, 0))

    init(
        client: Int32, server: Int32, fault: FaultProxy.Fault,
        note: @escaping @Sendable ((inout FaultProxy.Traffic) -> Void) -> Void
    ) {
        self.client = client
        self.server = server
        self.fault = fault
        self.note = note
    }

    func start() {
        for direction in [FaultProxy.Direction.fromClient, .fromServer] {
            Socket.thread {
                self.copy(direction)
                self.end()
            }
        }
    }

    /// The numbers are given back when both directions have ended, lest one be another link's by then.
    private func end() {
        shutdown(self.client, Int32(SHUT_RDWR))
        shutdown(self.server, Int32(SHUT_RDWR))
        let isLast = self.state.withLock { state in
            state.ended += 1
            return state.ended == 2
        }
        guard isLast else { return }
        Glibc.close(self.client)
        Glibc.close(self.server)
    }

    private func breakOff(resets: Bool = false) {
        self.note { $0.isBroken = true }
        guard resets else { return }
        // With no time to linger the kernel sends RST instead of FIN.
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(self.client, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
    }

    private func copy(_ direction: FaultProxy.Direction) {
        let (source, target) = direction == .fromClient ? (self.client, self.server) : (self.server, self.client)
        var buffer = [UInt8](repeating: 0, count: 65536)
        var passed = 0
        var seen: [UInt8] = []
        while true {
            let count = recv(source, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            var bytes = buffer[..<count]
            switch self.fault {
            case .none: break
            case .cut(direction, let limit, let resets) where passed + count > limit:
                bytes = bytes.prefix(limit - passed)
                guard Socket.send(bytes, to: target) else { return }
                self.note(direction, bytes.count)
                return self.breakOff(resets: resets)
            case .cut: break
            case .swallowAnswer(let text):
                if direction == .fromClient, Self.adds(bytes, to: &seen, finding: text) {
                    self.state.withLock { $0.isSwallowing = true }
                } else if direction == .fromServer, self.state.withLock({ $0.isSwallowing }) {
                    return self.breakOff()
                }
            case .swallow(let text, let isTime):
                if direction == .fromServer, Self.adds(bytes, to: &seen, finding: text), isTime() {
                    return self.breakOff()
                }
            case .drip(let octets, let pause) where direction == .fromServer:
                let microseconds = UInt32(pause / .microseconds(1))
                while bytes.count > octets {
                    guard Socket.send(bytes.prefix(octets), to: target) else { return }
                    bytes = bytes.dropFirst(octets)
                    usleep(microseconds)
                }
            case .drip: break
            }
            guard Socket.send(bytes, to: target) else { return }
            passed += count
            self.note(direction, count)
        }
    }

    private func note(_ direction: FaultProxy.Direction, _ count: Int) {
        self.note { traffic in
            switch direction {
            case .fromClient: traffic.fromClient += count
            case .fromServer: traffic.fromServer += count
            }
        }
    }

    /// Whether `text` ends in the new octets; it may have begun in the last ones.
    private static func adds(_ bytes: ArraySlice<UInt8>, to seen: inout [UInt8], finding text: String) -> Bool {
        let wanted = Array(text.utf8)
        seen += bytes
        let isFound = seen.firstRange(of: wanted) != nil
        seen = Array(isFound ? seen.suffix(0) : seen.suffix(wanted.count - 1))
        return isFound
    }
}
