import Foundation
import Testing

@testable import Postgres

private enum Colour: String { case red, blue }

@Suite("SQL") struct SQLTests {
    @Test func `puts a numbered parameter in place of each value`() {
        let name = "x"
        let sql: SQL = "select \(1) from t where name = \(name) and open = \(true)"
        #expect(sql.text == "select $1 from t where name = $2 and open = $3")
        #expect(sql.binds.map(\.type) == [.int8, .text, .bool])
    }

    @Test func `never lets a value become text of the statement`() {
        let evil = "'; drop table ticket; --"
        let sql: SQL = "select \(evil)"
        #expect(!sql.text.contains("drop"))
    }

    @Test func `renumbers the parameters of nested fragments`() {
        let condition: SQL = "b = \(Int32(2)) and c = \("three")"
        let sql: SQL = "select 1 where a = \(1.5) and \(condition) and d = \([UInt8]([1]))"
        #expect(sql.text == "select 1 where a = $1 and b = $2 and c = $3 and d = $4")
        #expect(sql.binds.map(\.type) == [.float8, .int4, .text, .bytea])
        #expect(sql.binds.map { $0.range.map { Array(sql.buffer.bytes[$0]).last } } == [0, 2, UInt8(ascii: "e"), 1])
    }

    @Test func `joins and adds fragments`() {
        let parts: [SQL] = ["a = \(1)", "b = \(2)"]
        #expect((SQL.joined(parts, by: " and ") + " limit \(3)").text == "a = $1 and b = $2 limit $3")
        #expect(SQL.joined([], by: ",").text == "")
    }

    @Test func `binds the raw value of an enumeration`() {
        let none: Colour? = nil
        let sql: SQL = "\(Colour.red) \(none) \([Colour.red, .blue])"
        #expect(sql.binds.map(\.type) == [.text, .text, .textArray])
        #expect(sql.binds[1].range == nil)
    }

    @Test func `quotes identifiers`() {
        let sql: SQL = "select \(identifier: "we\"ird")"
        #expect(sql.text == "select \"we\"\"ird\"")
    }

    @Test(arguments: ["\0", "a\0b"])
    func `remembers that a text with a NUL cannot be sent`(text: String) {
        let sql: SQL = "select \(text)"
        #expect(sql.buffer.problem != nil)
        let inArray: SQL = "select \([text])"
        #expect(inArray.buffer.problem != nil)
        let nested: SQL = "\(sql)"
        #expect(nested.buffer.problem != nil)
    }
}

@Suite("Statement cache") struct StatementCacheTests {
    private func key(_ text: String, _ types: [PostgresType] = []) -> StatementCache.Key {
        StatementCache.Key(text: text, types: types)
    }

    @Test func `keeps the same text with other types apart`() {
        var cache = StatementCache(capacity: 2)
        for _ in 0..<2 { _ = cache.use(self.key("select $1", [.int8])) }
        #expect(cache.use(self.key("select $1", [.text])) == .direct)
    }

    @Test func `prepares a text when it comes for the second time`() {
        var cache = StatementCache(capacity: 2)
        #expect(cache.use(self.key("a")) == .direct)
        guard case .prepare(let name, evicted: nil) = cache.use(self.key("a")) else { return #expect(Bool(false)) }
        #expect(cache.use(self.key("a")) == .prepared(name: name))
    }

    @Test func `drops the least recently used beyond its capacity`() {
        var cache = StatementCache(capacity: 2)
        var names: [String: String] = [:]
        for text in ["a", "b"] {
            _ = cache.use(self.key(text))
            if case .prepare(let name, _) = cache.use(self.key(text)) { names[text] = name }
        }
        _ = cache.use(self.key("a"))
        _ = cache.use(self.key("c"))
        guard case .prepare(_, let evicted) = cache.use(self.key("c")) else { return #expect(Bool(false)) }
        #expect(evicted == names["b"])
        #expect(cache.preparedCount == 2)
        #expect(cache.use(self.key("b")) == .direct)
    }

    @Test func `keeps a bounded number of texts that came once`() {
        var cache = StatementCache(capacity: 4)
        for number in 0..<1_000 { _ = cache.use(self.key("select \(number)")) }
        #expect(cache.use(self.key("select 0")) == .direct)
        #expect(cache.preparedCount == 0)
    }

    @Test func `prepares nothing when it is off`() {
        var cache = StatementCache(capacity: 0)
        for _ in 0..<3 { #expect(cache.use(self.key("a")) == .direct) }
    }
}

@Suite("Postgres error") struct PostgresErrorTests {
    @Test(arguments: [
        ("22021", PostgresError.Class.data), ("23505", .data), ("54000", .data), ("08006", .infrastructure),
        ("40P01", .infrastructure), ("53300", .infrastructure), ("57P01", .infrastructure), ("58030", .infrastructure),
        ("25006", .infrastructure), ("55P03", .infrastructure), ("42P01", .program), ("25P02", .program),
    ])
    func `sorts SQLSTATE into data, infrastructure and program`(state: String, expected: PostgresError.Class) {
        #expect(PostgresError.errorClass(ofSQLState: state) == expected)
        let error = PostgresError(.server(sqlState: state), "m", context: "c")
        #expect(error.isRetryable == (expected == .infrastructure))
    }

    @Test func `gives up the connection when the session turned read-only`() {
        #expect(PostgresError(.server(sqlState: "25006"), "m", context: "c").isConnectionLost)
        #expect(!PostgresError(.server(sqlState: "57014"), "m", context: "c").isConnectionLost)
    }

    @Test func `does not repeat what the server quotes of bad input`() {
        let error = PostgresError(
            .server(sqlState: "22P02"), "invalid input: \"secret\"", context: "c", detail: "secret")
        #expect(!error.description.contains("secret"))
    }

    @Test func `a configuration does not print its connection string`() {
        let configuration = PostgresConfiguration(conninfo: "postgresql://u:hidden@h/d")
        var dumped = ""
        dump(configuration, to: &dumped)
        #expect(!"\(configuration)".contains("hidden") && !dumped.contains("hidden"))
    }
}
