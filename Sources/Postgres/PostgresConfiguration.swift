/// Where the database is and how a session is set up.
///
/// Never prints its connection string, which may hold a password.
package struct PostgresConfiguration: Sendable, CustomStringConvertible, CustomReflectable {
    /// A libpq connection string or URL; several hosts are tried in order. Empty: libpq's environment (`PGHOST`…).
    package var conninfo: String
    /// True when a pooler in transaction mode stands between: no named prepared statements, no session settings.
    package var isPooled: Bool
    /// For each host.
    package var connectTimeout: Duration
    /// The deadline of each statement that names none of its own; it is cancelled on the server.
    package var statementTimeout: Duration
    /// Shown by `pg_stat_activity`.
    package var applicationName: String
    /// Ends a session that holds a transaction open without a statement, so that a frozen process frees its locks.
    package var idleInTransactionTimeout: Duration
    /// `search_path` of the session when not nil; ignored when pooled.
    package var searchPath: String?

    package init(
        conninfo: String, isPooled: Bool = false, connectTimeout: Duration = .seconds(5),
        statementTimeout: Duration = .seconds(30), applicationName: String = "martlet",
        idleInTransactionTimeout: Duration = .seconds(60), searchPath: String? = nil
    ) {
        self.conninfo = conninfo
        self.isPooled = isPooled
        self.connectTimeout = connectTimeout
        self.statementTimeout = statementTimeout
        self.applicationName = applicationName
        self.idleInTransactionTimeout = idleInTransactionTimeout
        self.searchPath = searchPath
    }

    package var description: String { "PostgresConfiguration(\(self.applicationName))" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
