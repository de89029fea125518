import ArgumentParser
import DeskModel
import Foundation
import Logging
import MailTransport

/// `martlet bench idle`: how soon a command is done in one of many sessions that idle, for Scripts/bench.
struct BenchIdle: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "idle", abstract: "Milliseconds of a command among many idle IMAP sessions, as one JSON line.")

    @Option(help: "Port of an unencrypted IMAP server on loopback.")
    var port: Int

    @Option(help: "Session n logs in as this name with n for %, so that no limit for one user is met.")
    var user = "idle%@shop.example"

    @Option(help: "The password of all of them; a server for measurements only.")
    var password: String

    @Option(help: "Sessions that idle.")
    var sessions = 300

    @Option(help: "Commands to measure, one after the other.")
    var commands = 200

    private struct Figure: Encodable {
        var sessions: Int
        var connectSeconds: Double
        /// Threads of the process while the sessions idle; an idle one should need none.
        var threads: Int
        /// From the call of NOOP in an idle session (DONE, its answer, NOOP, its answer), in the order measured.
        var milliseconds: [Double]
    }

    func run() async throws {
        let clock = ContinuousClock()
        let begun = clock.now
        var idle: [IMAPSession] = []
        for number in 0..<max(1, self.sessions) { idle.append(try await self.session(number)) }
        let connected = (clock.now - begun) / .seconds(1)
        let sessions = idle
        try await withThrowingTaskGroup(of: Void.self) { group in
            for session in sessions {
                group.addTask {
                    while !Task.isCancelled { _ = try await session.idle(until: .now + .seconds(600)) }
                }
            }
            // A command before the first IDLE would have nothing to interrupt.
            try await Task.sleep(for: .seconds(2))
            let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count) ?? 0
            var milliseconds: [Double] = []
            for number in 0..<max(1, self.commands) {
                let started = clock.now
                // Neighbours in time are no neighbours in the list.
                try await sessions[number * 37 % sessions.count].noop()
                milliseconds.append((clock.now - started) / .milliseconds(1))
                try await Task.sleep(for: .milliseconds(10))
            }
            let figure = Figure(
                sessions: sessions.count, connectSeconds: connected, threads: threads, milliseconds: milliseconds)
            Terminal.write(try JSONOutput.line(figure) + Data("\n".utf8))
            group.cancelAll()
            while let result = await group.nextResult() { _ = result }
        }
    }

    private func session(_ number: Int) async throws -> IMAPSession {
        let endpoint = MailEndpoint(host: "127.0.0.1", port: self.port, security: .none, allowsCleartextLogin: true)
        let session = try await IMAPSession.connect(
            to: endpoint, as: .password(user: self.user.replacing("%", with: "\(number)"), Secret(self.password)),
            logger: Logger(label: "martlet"))
        _ = try await session.select(FolderName("INBOX"), readOnly: true)
        return session
    }
}
