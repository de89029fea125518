import ArgumentParser
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
