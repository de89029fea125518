internal import Foundation
internal import Glibc

/// Names a process so that another one on the same host can tell whether it still lives.
///
/// A number alone is not enough: it is given out again, and each container counts from one. The start time tells two
/// processes with one number apart; the namespace tells which processes can be seen from here at all.
package struct ProcessIdentity: Sendable, Hashable, LosslessStringConvertible {
    package let host: String
    package let pid: Int32
    /// Clock ticks since the machine started.
    let start: UInt64
    /// As the kernel names the PID namespace.
    let namespace: String

    /// This process.
    package static let current = ProcessIdentity(pid: getpid())!

    /// - Returns: nil when there is no such process, or it may not be seen.
    package init?(pid: Int32) {
        guard let status = Self.status(of: pid) else { return nil }
        self.host = ProcessInfo.processInfo.hostName
        self.pid = pid
        self.start = status.start
        self.namespace = Self.ownNamespace
    }

    /// Reads what `description` wrote.
    package init?(_ description: String) {
        let parts = description.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 4, let pid = Int32(parts[1]), pid > 0, let start = UInt64(parts[2]) else { return nil }
        self.host = String(parts[0])
        self.pid = pid
        self.start = start
        self.namespace = String(parts[3])
    }

    /// `host/pid/start/namespace`.
    package var description: String { "\(self.host)/\(self.pid)/\(self.start)/\(self.namespace)" }

    /// True when the process surely runs no more; false while it lives, and when that cannot be told from here.
    package var hasEnded: Bool {
        let own = Self.current
        guard self.host == own.host, self.namespace == own.namespace else { return false }
        if kill(self.pid, 0) != 0, errno == ESRCH { return true }
        // Another user's process may be hidden: then its number says that somebody lives, and that must do.
        guard let status = Self.status(of: self.pid) else { return false }
        return status.start != self.start || status.isDead
    }

    private static let ownNamespace: String = {
        let link = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid")) ?? ""
        return link.filter(\.isNumber)
    }()

    /// proc(5): after the name in parentheses, which may hold anything, come the state and, as 22nd field of all, the
    /// start time. A dead process that nobody collected still has its entry.
    private static func status(of pid: Int32) -> (start: UInt64, isDead: Bool)? {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .isoLatin1),
            let name = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[text.index(after: name)...].split(separator: " ")
        guard fields.count > 19, let start = UInt64(fields[19]) else { return nil }
        return (start, ["Z", "X"].contains(fields[0]))
    }
}
