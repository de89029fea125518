import Foundation
import Postgres
import TestSupport
import Testing

private enum Colour: String, PostgresScalar, PostgresDecodable { case red, blue }

private enum Rank: Int64, PostgresScalar, PostgresDecodable { case first = 1, second }

@Suite("Values", .database()) struct ValueTests {
    let pool: PostgresPool

    init() throws { self.pool = try TestDatabase.required().pool }

    private func echo<T: PostgresEncodable & PostgresDecodable & Equatable>(
        _ value: T, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let rows = try await self.pool.query("select \(value)")
        #expect(try rows[0].decode(T.self) == value, sourceLocation: sourceLocation)
    }

    @Test func `every scalar comes back as it went`() async throws {
        try await self.echo(Int16.min)
        try await self.echo(Int32.max)
        try await self.echo(Int64.min)
        try await self.echo(Int.max)
        try await self.echo(Float.leastNonzeroMagnitude)
        try await self.echo(Double.pi)
        try await self.echo(Double.infinity)
        try await self.echo(true)
        try await self.echo("Grüße 🐦 \u{1}")
        try await self.echo("")
        try await self.echo([UInt8](0...255))
        try await self.echo([UInt8]())
        try await self.echo(Date(timeIntervalSince1970: 1_700_000_000.123456))
        try await self.echo(Date.distantFuture)
        try await self.echo(Date.distantPast)
        try await self.echo(UUID())
        try await self.echo(Duration.milliseconds(-1_234_567))
        try await self.echo(Colour.blue)
        try await self.echo(Rank.second)
        try await self.echo(Vector([0.5, -1, 0, 65_504]))
    }

    @Test func `every array comes back as it went`() async throws {
        try await self.echo([Int64.min, 0, .max])
        try await self.echo([Int32]())
        try await self.echo([1.5, -2.5])
        try await self.echo([Float(1.5), 3])
        try await self.echo(["a", "", "\"q\"", "{,}"])
        try await self.echo([[UInt8]([0, 255]), []])
        try await self.echo([Date(timeIntervalSince1970: 0)])
        try await self.echo([true, false])
        try await self.echo([String?("a"), nil])
        try await self.echo([Int64?(1), nil])
        try await self.echo([Date?.none, Date(timeIntervalSince1970: 1)])
        try await self.echo([Double?(1), nil])
    }

    @Test func `NULL is nil and nothing else`() async throws {
        try await self.echo(String?.none)
        try await self.echo(Int?.none)
        try await self.echo([UInt8]?.none)
        try await self.echo(Colour?.none)
        let rows = try await self.pool.query("select null::text")
        let error = #expect(throws: PostgresError.self) { _ = try rows[0].decode(String.self) }
        #expect(error?.code == .typeMismatch)
    }

    @Test func `arrays of vectors unnest to rows of halfvec`() async throws {
        let vectors = (0..<3).map { row in Vector((0..<384).map { Float(row) + Float($0) / 512 }) }
        let rows = try await self.pool.query(
            "select v, v::vector, v::real[] from unnest(\(vectors)) with ordinality as t (v, n) order by n")
        #expect(rows.count == 3)
        for (row, vector) in zip(rows, vectors) {
            let (half, full, reals) = try row.decode(Vector.self, Vector.self, Vector.self)
            #expect(half == full && half == reals)
            #expect(zip(half.values, vector.values).allSatisfy { abs($0 - $1) < 0.002 })
        }
    }

    @Test func `JSON goes as jsonb and comes as text or bytes`() async throws {
        let rows = try await self.pool.query("select \(json: #"{"a": [1]}"#) -> 'a', \(json: "{}"), \(json: nil)")
        let (value, bytes, none) = try rows[0].decode(String.self, [UInt8].self, String?.self)
        #expect(value == "[1]" && bytes == Array("{}".utf8) && none == nil)
    }

    @Test func `integers narrow only when they fit`() async throws {
        let rows = try await self.pool.query("select 70000::bigint, 7::smallint")
        #expect(try rows[0][1].value(Int64.self) == 7)
        #expect(throws: PostgresError.self) { _ = try rows[0][0].value(Int16.self) }
    }

    @Test func `a wrong type or number of columns is an error, not a guess`() async throws {
        let rows = try await self.pool.query("select 1::bigint as one, 'x'::text as two")
        #expect(throws: PostgresError.self) { _ = try rows[0].decode(Int.self) }
        #expect(throws: PostgresError.self) { _ = try rows[0].decode(Int.self, Int.self) }
        #expect(throws: PostgresError.self) { _ = try rows[0].decode(String.self, String.self) }
        #expect(throws: PostgresError.self) { _ = try rows[0].decode(Int.self, UUID.self) }
        let error = #expect(throws: PostgresError.self) { _ = try rows[0].decode(Int.self, Bool.self) }
        #expect(error?.message.contains("two") == true)
    }

    @Test func `text with a NUL is refused before it is sent`() async throws {
        let error = await #expect(throws: PostgresError.self) { try await self.pool.query("select \("a\0")") }
        #expect(error?.code == .invalidValue)
        #expect(error?.errorClass == .data)
        #expect(try await self.pool.query("select 1").count == 1)
    }
}
