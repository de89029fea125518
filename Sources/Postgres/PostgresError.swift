/// What went wrong between this process and PostgreSQL.
///
/// Holds no bound value. `detail` comes from the server and may quote a row; keep it out of logs.
package struct PostgresError: Error, Sendable, CustomStringConvertible {
    package enum Code: Sendable, Hashable {
        /// No connection could be made: network, name, TLS, login or no server that takes writes.
        case connectionFailed
        /// The connection ended while it was in use.
        case connectionLost
        /// The pool knows that the database is down and does not try again yet, or no connection came free in time.
        case unavailable
        /// The deadline of the call passed; the statement was cancelled on the server.
        case timedOut
        /// The task was cancelled; the statement was cancelled on the server.
        case cancelled
        /// The connection or the pool was closed on purpose.
        case closed
        /// The server refused the statement.
        case server(sqlState: String)
        /// A value cannot be sent, such as text with a NUL.
        case invalidValue
        /// A column does not hold what the caller asked for.
        case typeMismatch
        /// The call does not fit the state of the connection, such as a query beside an open transaction.
        case misuse
        /// The migrations on disk and those in the database disagree.
        case migration
    }

    package let code: Code
    /// The server's or the library's text, without the values that were bound.
    package let message: String
    /// May quote data of the row.
    package let detail: String?
    package let constraint: String?
    package let table: String?
    /// What this module was doing, in a few words.
    package let context: String
    /// Text of the statement with `$1`…, cut after 2,000 characters; never the values.
    package let statement: String?
    /// True when the server may have committed although the answer never came. Look by key before writing again.
    package let isOutcomeUnknown: Bool

    package init(
        _ code: Code, _ message: String, context: String, detail: String? = nil, constraint: String? = nil,
        table: String? = nil, statement: String? = nil, isOutcomeUnknown: Bool = false
    ) {
        self.code = code
        self.message = message
        self.detail = detail
        self.constraint = constraint
        self.table = table
        self.context = context
        self.statement = statement.map { String($0.prefix(2_000)) }
        self.isOutcomeUnknown = isOutcomeUnknown
    }

    /// Five characters of the SQL standard and PostgreSQL's appendix A; nil when the server did not speak.
    package var sqlState: String? {
        if case .server(let sqlState) = self.code { sqlState } else { nil }
    }

    /// What the fault lies with; decides whether to repeat the work or to set the data aside.
    package enum Class: Sendable, Hashable {
        /// The values themselves (SQLSTATE 22, 23, 54, or a value that cannot be sent): the same again fails again.
        case data
        /// The server, the network or other transactions (08, 25006, 40, 53, 55P03, 57, 58): the same again may work.
        case infrastructure
        /// The program, its SQL or its rights.
        case program
    }

    package var errorClass: Class {
        switch self.code {
        case .connectionFailed, .connectionLost, .unavailable, .timedOut, .cancelled, .closed: .infrastructure
        case .invalidValue: .data
        case .typeMismatch, .misuse, .migration: .program
        case .server(let sqlState): Self.errorClass(ofSQLState: sqlState)
        }
    }

    package static func errorClass(ofSQLState sqlState: String) -> Class {
        if ["25006", "55P03"].contains(sqlState) { return .infrastructure }
        return switch sqlState.prefix(2) {
        case "22", "23", "54": .data
        case "08", "40", "53", "57", "58": .infrastructure
        default: .program
        }
    }

    /// True when the whole transaction may be tried again; with `isOutcomeUnknown`, look by key first.
    package var isRetryable: Bool {
        switch self.code {
        case .cancelled, .closed: false
        default: self.errorClass == .infrastructure
        }
    }

    /// True when the connection is of no more use. A session that turned read-only (25006) is one: another host
    /// accepts writes now, or will.
    package var isConnectionLost: Bool {
        switch self.code {
        case .connectionFailed, .connectionLost: true
        case .server(let sqlState): sqlState == "25006" || sqlState.hasPrefix("08") || sqlState.hasPrefix("57P")
        default: false
        }
    }

    /// A duplicate key (23505), optionally of one constraint.
    package func isUniqueViolation(of constraint: String? = nil) -> Bool {
        self.sqlState == "23505" && (constraint == nil || self.constraint == constraint)
    }

    package var description: String {
        var text = "\(self.context): "
        // The server quotes the offending value in messages of class 22.
        if let sqlState = self.sqlState {
            text += sqlState.hasPrefix("22") ? "SQLSTATE \(sqlState)" : "\(self.message) (SQLSTATE \(sqlState))"
        } else {
            text += self.message
        }
        if let table { text += ", table \(table)" }
        if let constraint { text += ", constraint \(constraint)" }
        if self.isOutcomeUnknown { text += ", outcome unknown" }
        return text
    }
}
