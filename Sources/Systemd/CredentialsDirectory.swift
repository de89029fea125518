internal import Glibc

/// The folder of secrets that systemd hands to a service (`LoadCredential=`).
package struct CredentialsDirectory: Sendable {
    /// More than any password, token or key needs.
    private static let largestCredential = 1 << 20

    package let path: String

    package init(path: String) { self.path = path }

    /// The folder of this process; nil when systemd gave none.
    package static func ofThisProcess() -> CredentialsDirectory? {
        getenv("CREDENTIALS_DIRECTORY").map { CredentialsDirectory(path: String(cString: $0)) }
    }

    /// The text of a credential without its final line break, or nil when there is none of that name.
    ///
    /// - Parameter name: a plain file name.
    /// - Throws: `.credentialUnreadable` for another kind of name, a credential over 1 MiB, or one that is not UTF-8.
    package func text(_ name: String) throws(SystemdError) -> String? {
        guard !name.isEmpty, name != ".", name != "..", !name.utf8.contains(where: { $0 == 0x2F || $0 == 0 }) else {
            throw SystemdError(.credentialUnreadable, "\"\(name.escapingControls)\" is not the name of a credential")
        }
        let descriptor = open("\(self.path)/\(name)", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw SystemdError(.credentialUnreadable, errno: errno, name)
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw SystemdError(.credentialUnreadable, errno: errno, name) }
            if count == 0 { break }
            bytes += chunk[..<count]
            guard bytes.count <= Self.largestCredential else {
                throw SystemdError(.credentialUnreadable, "\(name) is larger than 1 MiB")
            }
        }
        if bytes.last == 0x0A { bytes.removeLast() }
        if bytes.last == 0x0D { bytes.removeLast() }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw SystemdError(.credentialUnreadable, "\(name) is not UTF-8")
        }
        return text
    }
}
