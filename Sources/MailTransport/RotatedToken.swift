internal import DeskModel
internal import Foundation

/// Keeps a refresh token that the issuer put in the place of the configured one, which may be good no more.
/// RFC 6749 §6.
///
/// A file of two lines, for its owner only: the configured token, so that a newly configured one wins, and its successor.
struct RotatedToken: Sendable {
    let file: URL

    private var fresh: URL { self.file.appendingPathExtension("new") }

    /// The successor of `configured`; nil when none is known.
    func successor(of configured: Secret) -> Secret? {
        // The fresh one is there only when a process ended in the middle of `keep`.
        for file in [self.file, self.fresh] {
            guard let text = try? String(contentsOf: file, encoding: .utf8) else { continue }
            let lines = text.split(separator: "\n")
            if lines.count == 2, lines[0] == configured.reveal() { return Secret(String(lines[1])) }
        }
        return nil
    }

    /// - Throws: when the folder cannot be written.
    func keep(_ successor: Secret, of configured: Secret) throws {
        let files = FileManager.default
        let text = "\(configured.reveal())\n\(successor.reveal())\n"
        guard
            files.createFile(
                atPath: self.fresh.path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
        else { throw CocoaError(.fileWriteUnknown) }
        // Root at a shell writes for the service, which has to read it.
        let folder = try files.attributesOfItem(atPath: self.file.deletingLastPathComponent().path)
        if let owner = folder[.ownerAccountID] as? NSNumber, let group = folder[.groupOwnerAccountID] as? NSNumber {
            try files.setAttributes(
                [.ownerAccountID: owner, .groupOwnerAccountID: group], ofItemAtPath: self.fresh.path)
        }
        if files.fileExists(atPath: self.file.path) { try files.removeItem(at: self.file) }
        try files.moveItem(at: self.fresh, to: self.file)
    }
}
