internal import CSystemd
internal import Glibc
package import Logging

/// Writes log events to the journal with their metadata as fields, or as one line each to standard error.
///
/// `journalctl -u martlet TICKET=MT-1042` finds every event that carries `ticket`. The message also shows the metadata,
/// so that plain `journalctl` is enough to read along. libsystemd reports success even when no journal listens, hence
/// the choice by `JOURNAL_STREAM`, which systemd sets when standard error goes to the journal.
package struct JournalLogHandler: LogHandler {
    package enum Destination: Sendable { case journal, standardError }

    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    private let label: String
    private let destination: Destination

    package init(label: String, level: Logger.Level = .info, destination: Destination = .ofThisProcess) {
        self.label = label
        self.logLevel = level
        self.destination = destination
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var metadata = self.metadata
        if let provided = self.metadataProvider?.get() { metadata.merge(provided) { _, new in new } }
        if let own = event.metadata { metadata.merge(own) { _, new in new } }
        if let error = event.error { metadata["error"] = .string("\(error)") }
        let entry = LogEntry(
            level: event.level, label: self.label, message: event.message.description, metadata: metadata,
            file: event.file, function: event.function, line: event.line)
        switch self.destination {
        case .journal: Self.send(entry.journalFields)
        case .standardError: Self.write(entry.line(at: time(nil)) + "\n")
        }
    }

    /// Values may hold any bytes, so the fields go over as pointer and length.
    private static func send(_ fields: [String]) {
        var bytes: [UInt8] = []
        var ends: [Int] = []
        for field in fields {
            bytes += field.utf8
            ends.append(bytes.count)
        }
        bytes.withUnsafeMutableBytes { buffer in
            var start = 0
            var vectors: [iovec] = []
            for end in ends {
                vectors.append(iovec(iov_base: buffer.baseAddress! + start, iov_len: end - start))
                start = end
            }
            _ = sd_journal_sendv(vectors, Int32(vectors.count))
        }
    }

    /// One `write` for the whole line, so that lines of several threads and processes do not mix.
    private static func write(_ line: String) {
        var bytes = Array(line.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}

extension JournalLogHandler.Destination {
    /// The journal when standard error is connected to it (device and inode as in JOURNAL_STREAM).
    package static var ofThisProcess: JournalLogHandler.Destination {
        var file = stat()
        guard let stream = getenv("JOURNAL_STREAM"), fstat(STDERR_FILENO, &file) == 0 else { return .standardError }
        return String(cString: stream) == "\(file.st_dev):\(file.st_ino)" ? .journal : .standardError
    }
}

/// One event, ready to be written down.
struct LogEntry {
    let level: Logger.Level
    let label: String
    let message: String
    let metadata: Logger.Metadata
    let file: String
    let function: String
    let line: UInt

    /// `KEY=value` fields for the journal. Ours come first: when metadata repeats one, the journal keeps both.
    var journalFields: [String] {
        var fields = [
            "MESSAGE=\(self.text)",
            "PRIORITY=\(self.level.syslogPriority)",
            "SYSLOG_IDENTIFIER=martlet",
            "LOGGER=\(self.label)",
            "CODE_FILE=\(self.file)",
            "CODE_LINE=\(self.line)",
            "CODE_FUNC=\(self.function)",
        ]
        for (key, value) in self.flatMetadata {
            guard let name = Self.fieldName(key) else { continue }
            fields.append("\(name)=\(value.escapingControls)")
        }
        return fields
    }

    /// `2026-01-31T12:00:00Z notice desk: ticket escalated ticket=MT-1042 reason="asked for a human"`
    func line(at seconds: time_t) -> String {
        var (seconds, parts) = (seconds, tm())
        gmtime_r(&seconds, &parts)
        let fields = [
            parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
        ].map { $0 < 10 ? "0\($0)" : "\($0)" }
        let stamp = "\(fields[0])-\(fields[1])-\(fields[2])T\(fields[3]):\(fields[4]):\(fields[5])Z"
        return "\(stamp) \(self.level.rawValue) \(self.label): \(self.text)"
    }

    private var text: String {
        var text = self.message.escapingControls
        for (key, value) in self.flatMetadata {
            let value = value.escapingControls
            let needsQuotes = value.isEmpty || value.contains { $0 == " " || $0 == "\"" || $0 == "=" }
            text += " \(key.escapingControls)=" + (needsQuotes ? "\"\(value.replacing("\"", with: "\\\""))\"" : value)
        }
        return text
    }

    /// Sorted by key; a dictionary's keys are joined with a dot.
    private var flatMetadata: [(key: String, value: String)] {
        func flatten(_ key: String, _ value: Logger.MetadataValue) -> [(String, String)] {
            switch value {
            case .string(let text): [(key, text)]
            case .stringConvertible(let value): [(key, value.description)]
            case .array(let values):
                [(key, values.flatMap { flatten("", $0) }.map(\.1).joined(separator: ","))]
            case .dictionary(let values):
                values.sorted { $0.key < $1.key }.flatMap { flatten("\(key).\($0.key)", $0.value) }
            }
        }
        return self.metadata.sorted { $0.key < $1.key }.flatMap { flatten($0.key, $0.value) }
    }

    /// The journal takes A–Z, 0–9 and `_`, at most 64 bytes, not beginning with a digit or `_` (those are its own).
    static func fieldName(_ key: String) -> String? {
        let bytes = key.utf8.map { byte -> UInt8 in
            switch byte {
            case 0x61...0x7A: byte - 0x20
            case 0x41...0x5A, 0x30...0x39: byte
            default: 0x5F
            }
        }
        let name = bytes.drop { $0 == 0x5F || (0x30...0x39).contains($0) }.prefix(64)
        return name.isEmpty ? nil : String(decoding: name, as: UTF8.self)
    }
}

extension Logger.Level {
    /// RFC 5424 severity, as the journal wants it.
    fileprivate var syslogPriority: Int {
        switch self {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}
