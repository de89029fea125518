import Foundation

@testable import martlet

/// A configuration file in a folder of its own, removed at the end.
struct TemporaryConfiguration: ~Copyable {
    let folder: URL
    var file: String { self.folder.appending(path: "martlet.yaml").path }

    init(_ text: String, files: [String: String] = [:]) throws {
        self.folder = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)")
        for (name, content) in files.merging(["martlet.yaml": text], uniquingKeysWith: { $1 }) {
            let url = self.folder.appending(path: name)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(content.utf8).write(to: url)
        }
    }

    deinit { try? FileManager.default.removeItem(at: self.folder) }

    func source(_ environment: [String: String] = [:]) -> ConfigurationSource {
        ConfigurationSource(file: self.file, environment: environment)
    }

    /// The problems with the file; empty when there are none.
    func problems(
        needing needs: ConfigurationNeeds = [], _ environment: [String: String] = [:]
    ) -> [ConfigurationProblem] {
        do {
            _ = try self.source(environment).load(needing: needs)
            return []
        } catch {
            return error.problems
        }
    }
}

enum Sample {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// A whole working file.
    static let minimal = """
        database:
          url: postgresql://martlet@localhost/martlet
        token_key_file: token-key
        mailboxes:
          - name: support
            address: support@shop.example
            imap: imaps://imap.shop.example
            smtp: smtps://smtp.shop.example
            user: support
            password_file: password
        """
    static let secrets = ["token-key": String(repeating: "s", count: 40), "password": "sesame-7\n"]
}
