internal import Foundation
package import Postgres

/// All of the product's SQL: one extension for each aggregate.
///
/// Methods that take a `PostgresTransaction` are parts of a step that commits as a whole; the others are whole steps.
package struct DeskStore: Sendable {
    package let pool: PostgresPool
    package let ids: IDAllocator

    package init(pool: PostgresPool) {
        self.pool = pool
        self.ids = IDAllocator(pool: pool)
    }

    /// The numbered migrations of this module; WorkQueue adds its own.
    package static var migrations: [Migration] {
        [
            Migration(version: 2, name: "mail", sql: String(decoding: PackageResources._002_mail_sql, as: UTF8.self)),
            Migration(
                version: 3, name: "knowledge",
                sql: String(decoding: PackageResources._003_knowledge_sql, as: UTF8.self)),
            Migration(
                version: 4, name: "ticket_embedding",
                sql: String(decoding: PackageResources._004_ticket_embedding_sql, as: UTF8.self)),
            Migration(
                version: 5, name: "guard", sql: String(decoding: PackageResources._005_guard_sql, as: UTF8.self)),
            Migration(
                version: 6, name: "case", sql: String(decoding: PackageResources._006_case_sql, as: UTF8.self)),
            Migration(
                version: 7, name: "answer", sql: String(decoding: PackageResources._007_answer_sql, as: UTF8.self)),
            Migration(
                version: 8, name: "learning",
                sql: String(decoding: PackageResources._008_learning_sql, as: UTF8.self)),
            Migration(
                version: 9, name: "claim", sql: String(decoding: PackageResources._009_claim_sql, as: UTF8.self)),
            Migration(
                version: 10, name: "filter", sql: String(decoding: PackageResources._010_filter_sql, as: UTF8.self)),
            Migration(version: 11, name: "chat", sql: String(decoding: PackageResources._011_chat_sql, as: UTF8.self)),
            Migration(
                version: 12, name: "scale", sql: String(decoding: PackageResources._012_scale_sql, as: UTF8.self)),
        ]
    }
}

/// Hands out primary keys in memory from blocks of 1,000 that the database reserves, so that a batch knows its keys
/// before it is written.
package actor IDAllocator {
    private static let blockSize: Int64 = 1000
    private let pool: PostgresPool
    private var next: Int64 = 0
    private var end: Int64 = 0

    package init(pool: PostgresPool) { self.pool = pool }

    /// - Returns: `count` keys that nobody else has; not always consecutive.
    package func take(_ count: Int) async throws -> [Int64] {
        var result: [Int64] = []
        result.reserveCapacity(count)
        while result.count < count {
            if self.next >= self.end {
                let blocks = (count - result.count + Int(Self.blockSize) - 1) / Int(Self.blockSize)
                for start in try await self.reserve(blocks) {
                    // Another caller may have filled the allocator while this one waited: use up what came.
                    let wanted = min(Int64(count - result.count), Self.blockSize)
                    result.append(contentsOf: start..<(start + wanted))
                    if wanted < Self.blockSize {
                        self.next = start + wanted
                        self.end = start + Self.blockSize
                    }
                }
                continue
            }
            let wanted = min(Int64(count - result.count), self.end - self.next)
            result.append(contentsOf: self.next..<(self.next + wanted))
            self.next += wanted
        }
        return result
    }

    package func one() async throws -> Int64 { try await self.take(1)[0] }

    private func reserve(_ blocks: Int) async throws -> [Int64] {
        let rows = try await self.pool.query("select nextval('desk_id') from generate_series(1, \(blocks))")
        return try rows.map { try $0.decode(Int64.self) }
    }
}
