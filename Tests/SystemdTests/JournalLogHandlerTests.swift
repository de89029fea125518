import Glibc
import Logging
import Testing

@testable import Systemd

@Suite("JournalLogHandler") struct JournalLogHandlerTests {
    private static func entry(_ message: String, _ metadata: Logger.Metadata) -> LogEntry {
        LogEntry(
            level: .notice, label: "desk", message: message, metadata: metadata, file: "Desk/Outbox.swift",
            function: "send()", line: 42)
    }

    @Test func `metadata become upper-case journal fields`() {
        let fields = Self.entry("ticket escalated", ["ticket": "MT-1042", "sql.state": "23505"]).journalFields
        #expect(fields.contains("TICKET=MT-1042"))
        #expect(fields.contains("SQL_STATE=23505"))
        #expect(fields.contains("PRIORITY=5"))
        #expect(fields.contains("SYSLOG_IDENTIFIER=martlet"))
        #expect(fields.contains("CODE_LINE=42"))
        #expect(fields[0] == "MESSAGE=ticket escalated sql.state=23505 ticket=MT-1042")
    }

    @Test(arguments: [("_PID", "PID"), ("9lives", "LIVES"), ("ticket", "TICKET"), ("größe", "GR____E")])
    func `a field's name is one that the journal takes`(key: String, name: String) {
        #expect(LogEntry.fieldName(key) == name)
    }

    @Test func `a key without a single letter gives no field`() { #expect(LogEntry.fieldName("__1") == nil) }

    @Test func `foreign text can neither forge a line nor steer a terminal`() {
        let entry = Self.entry(
            "mail read", ["reason": "x\n2026-01-01T00:00:00Z notice desk: forged\u{1B}[2J", "a=b c\n": "1"])
        let line = entry.line(at: 0)
        #expect(!line.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F })
        #expect(line.contains(#"reason="x\n2026-01-01"#))
        #expect(!entry.journalFields.contains { $0.contains("\n") })
    }

    @Test func `one line holds time, level, label, message and sorted metadata`() {
        let line = Self.entry("ticket escalated", ["b": "two words", "a": .array(["1", "2"]), "c": ["d": "4"]])
            .line(at: 1_700_000_000)
        #expect(line == #"2023-11-14T22:13:20Z notice desk: ticket escalated a=1,2 b="two words" c.d=4"#)
    }

    @Test func `goes to the journal only when standard error does`() async {
        await #expect(processExitsWith: .success) {
            unsetenv("JOURNAL_STREAM")
            #expect(JournalLogHandler.Destination.ofThisProcess == .standardError)
            setenv("JOURNAL_STREAM", "1:1", 1)
            #expect(JournalLogHandler.Destination.ofThisProcess == .standardError)
            var file = stat()
            fstat(STDERR_FILENO, &file)
            setenv("JOURNAL_STREAM", "\(file.st_dev):\(file.st_ino)", 1)
            #expect(JournalLogHandler.Destination.ofThisProcess == .journal)
        }
    }

    @Test func `writes bound, provided and own metadata as one line`() async throws {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            var logger = Logger(label: "desk") { label in
                var handler = JournalLogHandler(label: label, level: .info, destination: .standardError)
                handler.metadataProvider = Logger.MetadataProvider { ["worker": "2"] }
                return handler
            }
            logger[metadataKey: "ticket"] = "MT-1"
            logger.info("job done", metadata: ["count": "3"])
            logger.debug("not shown")
        }
        let text = try String(decoding: #require(result?.standardErrorContent), as: UTF8.self)
        #expect(text.contains(" info desk: job done count=3 ticket=MT-1 worker=2\n"))
        #expect(!text.contains("not shown"))
    }
}
