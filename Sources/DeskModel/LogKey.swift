package import Logging

/// The keys of structured log entries; the journal shows them as upper-case fields (`journalctl TICKET=MT-1042`).
package enum LogKey: String, Sendable {
    case mailbox, folder, uid, ticket, message, customer, draft, outbox, job, attempt, count, seconds, reason, error
    case host, mode, path, version, category, priority, decision, kind, lease, bytes, worker, key, code
}

extension Logger.Metadata {
    /// Values are written as strings, so that tests and the journal compare them as text.
    package static func with(_ pairs: KeyValuePairs<LogKey, any CustomStringConvertible>) -> Logger.Metadata {
        var metadata = Logger.Metadata()
        for (key, value) in pairs { metadata[key.rawValue] = .string(value.description) }
        return metadata
    }
}
