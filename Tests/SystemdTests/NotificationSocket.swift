import Glibc

/// The other end of NOTIFY_SOCKET: a datagram socket that the test reads.
struct NotificationSocket {
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    let path = "/tmp/martlet-notify-\(getpid()).socket"

    /// Binds the socket and points this process at it; only for a process of its own (an exit test).
    func open() {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: self.path.utf8) }
        unlink(self.path)
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(self.descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        precondition(status == 0, "bind failed")
        setenv("NOTIFY_SOCKET", self.path, 1)
    }

    /// The next message, or nil when none is waiting.
    func next() -> String? {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = recv(self.descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
    }

    func close() {
        Glibc.close(self.descriptor)
        unlink(self.path)
    }
}
