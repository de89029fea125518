import ArgumentParser
import Desk
import DeskModel
import Foundation
import MIME
import Systemd

/// The child that reads one suspicious mail from standard input in place of the service, and may die of it (C5).
struct IsolatedParseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parse-isolated", abstract: "Read one mail for the service.", shouldDisplay: false)

    func run() throws {
        let bytes = [UInt8](try FileHandle.standardInput.readToEnd() ?? Data())
        Terminal.write(try JSONEncoder().encode(MIMEParser.parse(bytes)))
    }

    /// Parses in a child under limits.
    /// - Throws: `CommandError` when the child died or took too long; errors of starting it.
    static func parse(_ bytes: [UInt8]) async throws -> InboundMessage {
        let child = ChildProcess(path: DataDirectory.executable, arguments: [Self.configuration.commandName ?? ""])
        let result = try await child.run(feeding: bytes)
        guard result.isSuccess else { throw CommandError(.failed, "the child \(result.ending)") }
        return try JSONDecoder().decode(InboundMessage.self, from: Data(result.output))
    }
}
