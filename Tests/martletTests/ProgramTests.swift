import ArgumentParser
import Desk
import DeskModel
import Foundation
import Testing

@testable import martlet

@Suite("Program") struct ProgramTests {
    private static let statuses: [([String], Int32)] = [
        (["version"], 0), (["--help"], 0), (["version", "--help"], 0), (["--version"], 0), (["no-such-command"], 2),
        (["version", "--no-such-option"], 2), (["tickets", "--help"], 0), (["tickets", "close", "MT-1"], 2),
        (["case", "lsit"], 2),
    ]

    @Test(arguments: Self.statuses)
    func `the exit status tells usage from success`(arguments: [String], status: Int32) async {
        #expect(await Program.run(arguments) == status)
    }

    @Test func `every subcommand explains itself`() {
        for group in Martlet.configuration.groupedSubcommands {
            for command in group.subcommands { #expect(!command.configuration.abstract.isEmpty, "\(command)") }
        }
    }
}

@Suite("Setup") struct SetupTests {
    private func setUp(_ arguments: [String], in folder: URL) async -> Int32 {
        await Program.run(["setup", "--config", folder.appending(path: "martlet.yaml").path] + arguments)
    }

    @Test func `a password that cannot be read leaves nothing half written`() async {
        let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(await self.setUp(["--password-file", "/nonexistent"], in: folder) == 2)
        #expect(!FileManager.default.fileExists(atPath: folder.path))
    }

    @Test func `a password in the database's URL does not get into the file that all may read`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let url = "postgresql://shop:sesame-9@db.example/martlet"
        #expect(await self.setUp(["--database", url], in: folder) == 0)
        let file = folder.appending(path: "martlet.yaml")
        let text = try String(contentsOf: file, encoding: .utf8)
        #expect(!text.contains("sesame-9"))
        #expect(text.contains("url_file: credentials/database-url"))
        let secret = folder.appending(path: "credentials/database-url")
        #expect(try String(contentsOf: secret, encoding: .utf8) == "\(url)\n")
        func mode(_ file: URL) throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? Int
        }
        #expect(try mode(file) == 0o644)
        #expect(try mode(secret) == 0o600)
        #expect(
            try ConfigurationSource(file: file.path, environment: [:]).load(needing: .database).settings.database.url
                .reveal() == url)
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file.path)
        #expect(MachineCheck.access(to: file.path)?.remedy?.hasSuffix("chmod 644 \(file.path)") == true)
    }

    @Test(arguments: [
        (
            "postgresql://martlet_runtime@db.example/martlet",
            "direct: \"postgresql://martlet_owner@db.example/martlet\""
        ),
        ("postgresql://shop:secret@db.example/martlet", "#direct: \"postgresql://martlet_owner@localhost/martlet\""),
    ])
    func `migrations get the owner's role where the roles are known`(database: String, line: String) {
        #expect(SetupCommand.direct(database) == line)
    }

    @Test func `the file is where the variable says, unless an option does`() {
        let environment = ["MARTLET_CONFIG": "/srv/martlet.yaml"]
        #expect(ConfigurationSource(environment: environment).chosenFile == "/srv/martlet.yaml")
        #expect(ConfigurationSource(file: "other.yaml", environment: environment).chosenFile == "other.yaml")
        #expect(ConfigurationSource(environment: ["MARTLET_CONFIG": ""]).chosenFile == nil)
    }
}

@Suite("DataDirectory") struct DataDirectoryTests {
    @Test func `the variable wins, and nothing found names the remedy`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        for name in ["chosen/taxonomies", "chosen/model", "usr/bin", "usr/share/martlet/taxonomies"] {
            try FileManager.default.createDirectory(
                at: folder.appending(path: name), withIntermediateDirectories: true)
        }
        try Data().write(to: folder.appending(path: "chosen/model/model.safetensors"))
        let executable = folder.appending(path: "usr/bin/martlet").path
        let installed = try DataDirectory(environment: [:], executable: executable)
        #expect(installed.path == folder.appending(path: "usr/share/martlet").path)
        let chosen = try DataDirectory(
            environment: ["MARTLET_DATA": folder.appending(path: "chosen").path], executable: executable)
        #expect(chosen.path == folder.appending(path: "chosen").path)
        #expect(try chosen.encoder(configured: "") == folder.appending(path: "chosen/model").path)
        #expect(throws: CommandError.self) { try chosen.encoder(configured: "/nonexistent") }
        #expect(throws: CommandError.self) { try DataDirectory(environment: [:], executable: "/nonexistent/martlet") }
    }
}
