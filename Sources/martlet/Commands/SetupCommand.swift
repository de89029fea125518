import ArgumentParser
import DeskModel
import Foundation

/// `martlet setup`: a configuration file, a folder for secrets and a key, as a start.
struct SetupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "setup", abstract: "Write a configuration file and a key, as a start.",
        discussion: """
            Writes the file and beside it a folder credentials with the key for tokens, readable by nobody else. What \
            exists is left alone.

              martlet setup --address support@shop.example \\
                --imap imaps://imap.shop.example --smtp smtps://smtp.shop.example \\
                --password-file password.txt
              martlet setup --token-key     print a new key for the credential token-key
            """)

    @OptionGroup var options: GlobalOptions
    @Option(help: "The support address.") var address = "support@shop.example"
    @Option(help: "The IMAP server.") var imap = "imaps://imap.shop.example"
    @Option(help: "The SMTP server.") var smtp = "smtps://smtp.shop.example"
    @Option(help: "Login; the address by default.") var user: String?
    @Option(help: "File with the mailbox's password; it is copied to the credentials.") var passwordFile: String?
    @Option(help: "The database.") var database = "postgresql://martlet_runtime@localhost/martlet"
    @Flag(help: "Only print a new key for tokens.") var tokenKey = false

    func run() throws {
        if self.tokenKey { return Terminal.print("k1: \(TokenKeys.random().reveal())") }
        do { _ = try MailURL(self.imap, service: .imap) } catch { throw Self.wrong("--imap", error) }
        do { _ = try MailURL(self.smtp, service: .smtp) } catch { throw Self.wrong("--smtp", error) }
        let login: String
        do {
            login = try MailboxFields.Field.address(self.address).address
        } catch { throw Self.wrong("--address", error) }

        // Read before anything is written: a setup that ends half-way leaves nothing to tidy up.
        let password = try self.passwordFile.map(Self.password)
        let file = URL(filePath: self.options.source.chosenFile ?? ConfigurationSource.defaultFile)
        let folder = file.deletingLastPathComponent()
        let credentials = folder.appending(path: "credentials")
        let secretURL = Self.hasPassword(self.database) ? self.database : nil
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try FileManager.default.createDirectory(
                at: credentials, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw CommandError(
                .failed, "\(credentials.path) cannot be made", remedy: "use sudo, or another --config file")
        }
        // The service runs as a user of its own and reads this file; what is secret lies in the credentials.
        try Self.write(self.text(login: self.user ?? login), to: file, permissions: 0o644)
        if let secretURL {
            try Self.write("\(secretURL)\n", to: credentials.appending(path: "database-url"), permissions: 0o600)
        }
        try Self.write(
            "k1: \(TokenKeys.random().reveal())\n", to: credentials.appending(path: "token-key"), permissions: 0o600)
        let passwordCopy = credentials.appending(path: "mailboxes-support-password")
        if let password { try Self.write(password, to: passwordCopy, permissions: 0o600) }
        if !FileManager.default.fileExists(atPath: passwordCopy.path) {
            Terminal.print("next: write the mailbox's password to \(passwordCopy.path), readable by nobody else")
        }
        if secretURL != nil,
            !FileManager.default.fileExists(atPath: credentials.appending(path: "database-direct").path)
        {
            Terminal.print(
                "next: write the URL of the role that owns the tables to "
                    + "\(credentials.appending(path: "database-direct").path)")
        }
        let config = self.options.configurationFile.map { " --config \($0)" } ?? ""
        Terminal.print("next: martlet migrate\(config), then martlet doctor\(config)")
    }

    private func text(login: String) -> String {
        """
        # All keys with their defaults are in martlet.sample.yaml. The service reads this file as a user of its own: keep it
        # readable, and every secret in the folder credentials.
        mode: draft
        database:
          \(Self.hasPassword(self.database) ? "url_file: credentials/database-url" : "url: \(Self.quoted(self.database))")
          # For martlet migrate: the role that owns the tables.
          \(Self.direct(self.database))
        token_key_file: credentials/token-key
        mailboxes:
          - name: support
            address: \(Self.quoted(self.address))
            imap: \(self.imap)
            smtp: \(self.smtp)
            user: \(Self.quoted(login))
            password_file: credentials/mailboxes-support-password

        """
    }

    /// Scripts/roles.sql has two roles of fixed names; where the URL is of another kind the line waits for its writer.
    static func direct(_ database: String) -> String {
        let isOfTheRoles = database.hasPrefix("postgresql://martlet_runtime@")
        let url = isOfTheRoles ? database : "postgresql://martlet_runtime@localhost/martlet"
        return (isOfTheRoles ? "" : "#")
            + "direct: \(Self.quoted(url.replacing("//martlet_runtime@", with: "//martlet_owner@")))"
    }

    private static func hasPassword(_ database: String) -> Bool {
        database.firstMatch(of: /^[a-z]+:\/\/[^\/@]*:[^\/]*@/) != nil || database.contains("password=")
    }

    private static func password(in file: String) throws(CommandError) -> String {
        guard let data = FileManager.default.contents(atPath: file) else {
            throw CommandError(
                .usage, "\(file) cannot be read", remedy: "name a file with the password as its only line")
        }
        return String(decoding: data, as: UTF8.self)
    }

    private static func wrong(_ option: String, _ complaint: ConfigurationComplaint) -> CommandError {
        CommandError(.usage, "\(option) \(complaint.text)", remedy: complaint.remedy)
    }

    /// A YAML scalar in double quotes.
    private static func quoted(_ text: String) -> String {
        let escaped = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        return "\"\(escaped)\""
    }

    private static func write(_ text: String, to file: URL, permissions: Int) throws(CommandError) {
        if FileManager.default.fileExists(atPath: file.path) {
            return Terminal.print("\(file.path) exists and is left alone")
        }
        // The mode is narrow before the first byte is in the file.
        let isMade = FileManager.default.createFile(
            atPath: file.path, contents: nil, attributes: [.posixPermissions: permissions])
        do {
            guard isMade else { throw CocoaError(.fileWriteUnknown) }
            let handle = try FileHandle(forWritingTo: file)
            try handle.write(contentsOf: Data(text.utf8))
            try handle.close()
        } catch {
            throw CommandError(.failed, "\(file.path) cannot be written", remedy: "use sudo, or another --config file")
        }
        Terminal.print("wrote \(file.path)")
    }
}
