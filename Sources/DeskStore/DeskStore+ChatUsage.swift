internal import Postgres

/// What chat models may still be asked today, counted over all hosts.
extension DeskStore {
    /// Takes tokens out of the day's budget (UTC, the database's clock).
    /// - Returns: false when fewer are left; nothing is taken then.
    package func takeChatTokens(_ tokens: Int, limit: Int) async throws -> Bool {
        guard tokens <= limit else { return false }
        let rows = try await self.pool.query(
            """
            insert into chat_usage as u (day, tokens) values ((now() at time zone 'UTC')::date, \(Int64(tokens)))
            on conflict (day) do update set tokens = u.tokens + excluded.tokens
                where u.tokens + excluded.tokens <= \(Int64(limit))
            returning tokens
            """)
        return rows.count == 1
    }

    /// Corrects what was taken once the endpoint has told what it used.
    /// - Parameter tokens: used beyond what was taken; below zero gives back.
    package func correctChatTokens(by tokens: Int) async throws {
        try await self.pool.query(
            """
            update chat_usage set tokens = greatest(0, tokens + \(Int64(tokens)))
            where day = (now() at time zone 'UTC')::date
            """)
    }
}
