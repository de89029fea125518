internal import Postgres

package import struct Foundation.Date

/// What sort of work a job is; one handler serves each kind.
package struct JobKind: RawRepresentable, ExpressibleByStringLiteral, Hashable, Sendable, CustomStringConvertible {
    /// Lower-case letters, digits, `_`, `.` and `-`, at most 63.
    package let rawValue: String

    package init(rawValue: String) { self.rawValue = rawValue }
    package init(stringLiteral value: String) { self.rawValue = value }
    package var description: String { self.rawValue }
}

extension JobKind: PostgresScalar, PostgresDecodable {}

/// Number of a job.
package struct JobID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: Int64

    package init(rawValue: Int64) { self.rawValue = rawValue }
    package var description: String { String(self.rawValue) }
}

extension JobID: PostgresScalar, PostgresDecodable {}

/// A job to be enqueued.
package struct NewJob: Sendable, Hashable {
    package enum Due: Sendable, Hashable {
        /// Counted from the database's clock.
        case after(Duration)
        case at(Date)
    }

    package var kind: JobKind
    /// What it is about: the id of a ticket, a message… by its kind.
    package var key: Int64?
    /// JSON.
    package var payload: String
    /// Higher is more urgent.
    package var priority: Int16
    package var due: Due
    package var maxAttempts: Int16
    /// At most one unfinished job has it. A second one changes the first: its payload, the earlier due time, the higher
    /// priority; while the first is running, it makes it run once more afterwards.
    package var uniqueKey: String?

    package init(
        _ kind: JobKind, key: Int64? = nil, payload: String = "{}", priority: Int16 = 0, due: Due = .after(.zero),
        maxAttempts: Int16 = 10, uniqueKey: String? = nil
    ) {
        self.kind = kind
        self.key = key
        self.payload = payload
        self.priority = priority
        self.due = due
        self.maxAttempts = maxAttempts
        self.uniqueKey = uniqueKey
    }
}

/// A job that this process holds until its lease ends.
package struct ClaimedJob: Sendable, Hashable, Identifiable {
    package let id: JobID
    package let kind: JobKind
    package let key: Int64?
    /// JSON.
    package let payload: String
    /// Higher is more urgent.
    package let priority: Int16
    /// 1 when it runs for the first time.
    package let attempt: Int16
    package let maxAttempts: Int16
    package let createdAt: Date
    /// Why the attempt before this one failed.
    package let lastError: String?
    let token: Int64

    package var isLastAttempt: Bool { self.attempt >= self.maxAttempts }
}

/// How a job ended that did not fail; a thrown error means: again, by the retry policy.
package enum JobOutcome: Sendable, Hashable {
    case done
    /// Again after a while, without spending an attempt.
    case snooze(for: Duration)
    /// Not to be done; ends the job.
    case cancel(reason: String)
}

/// Pauses between attempts: exponential with a random part.
package struct RetryPolicy: Sendable, Hashable {
    /// Before the second attempt.
    package var first: Duration
    package var longest: Duration

    package init(first: Duration = .seconds(5), longest: Duration = .seconds(3600)) {
        self.first = first
        self.longest = longest
    }

    /// The pause after `attempt` (1…) failed: `first` doubled for each further attempt, at most `longest`, of which a
    /// random part of up to a half is taken off so that many jobs do not come back in step.
    package func pause(after attempt: Int, using generator: inout some RandomNumberGenerator) -> Duration {
        let doublings = min(max(attempt - 1, 0), 30)
        let full = min(self.first * (1 << doublings), self.longest)
        return full * Double.random(in: 0.5...1, using: &generator)
    }
}

/// What is wrong with a use of the queue.
package struct WorkQueueError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// Somebody else holds the job by now, or it is finished: what was done for it must not be committed.
        case leaseLost
        /// Two handlers for one kind, or none for a job.
        case handlerMismatch
    }

    package let code: Code
    package let context: String
    /// Whoever has the job goes on with it.
    package var isRetryable: Bool { false }
    package var description: String { "\(self.code.rawValue): \(self.context)" }
}
