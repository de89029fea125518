internal import CPQ
internal import ConnectionThread
internal import Glibc

/// Sending and receiving. Everything here runs on the connection's thread and does not suspend.
extension PostgresConnection {
    // MARK: One statement

    func perform(_ sql: SQL, _ command: inout Command) throws(PostgresError) -> PostgresRows {
        let raw = try self.live(&command)
        let types = try self.types(of: [sql], &command)
        let step = self.step(sql)
        command.statement = step.text
        // Preparing and executing in one round trip needs the pipeline.
        if case .prepare = step.plan { return try self.perform([step], types, &command)[0] }
        try self.send(step, types, raw, command)
        var answer = try self.collect(raw, &command)
        // When the plan outlived a change of the schema nothing was done yet: outside a transaction, once more.
        if let failure = answer.failure, self.isStale(failure, step), PQtransactionStatus(raw) == PQTRANS_IDLE {
            try self.send(Step(sql: sql, key: step.key, plan: .direct), types, raw, command)
            answer = try self.collect(raw, &command)
        }
        return try self.rows(answer, command)
    }

    /// Statements without values, by the simple protocol.
    func perform(script: String, _ command: inout Command) throws(PostgresError) {
        let raw = try self.live(&command)
        command.statement = script
        guard PQsendQuery(raw, script) == 1 else { throw self.lost(raw, command) }
        if let failure = try self.collect(raw, &command).failure { throw failure }
    }

    // MARK: Pipeline

    /// One statement on its way to the server.
    struct Step {
        let sql: SQL
        let key: StatementCache.Key
        let plan: StatementCache.Plan
        var text: String { self.key.text }
    }

    private func step(_ sql: SQL) -> Step {
        let key = StatementCache.Key(text: sql.text, types: sql.binds.map(\.type))
        return Step(sql: sql, key: key, plan: self.statements.use(key))
    }

    func perform(pipeline statements: [SQL], _ command: inout Command) throws(PostgresError) -> [PostgresRows] {
        _ = try self.live(&command)
        let types = try self.types(of: statements, &command)
        return try self.perform(statements.map { self.step($0) }, types, &command)
    }

    private func perform(
        _ steps: [Step], _ types: VectorTypes?, _ command: inout Command
    ) throws(PostgresError) -> [PostgresRows] {
        let raw = try self.live(&command)
        guard PQenterPipelineMode(raw) == 1 else { throw self.lost(raw, command) }
        for step in steps {
            if case .prepare(let name, let evicted) = step.plan {
                if let evicted {
                    guard PQsendQueryParams(raw, "deallocate \(evicted)", 0, nil, nil, nil, nil, 1) == 1 else {
                        throw self.lost(raw, command)
                    }
                }
                let oids = step.sql.binds.map { self.oid(of: $0.type, types) }
                guard PQsendPrepare(raw, name, step.text, Int32(oids.count), oids) == 1 else {
                    throw self.lost(raw, command)
                }
            }
            try self.send(step, types, raw, command)
        }
        guard PQpipelineSync(raw) == 1 else { throw self.lost(raw, command) }

        var answers: [PostgresRows] = []
        var failure: PostgresError?
        for step in steps {
            command.statement = step.text
            if case .prepare(_, let evicted) = step.plan {
                if evicted != nil { failure = try self.collect(raw, &command).failure ?? failure }
                let prepared = try self.collect(raw, &command)
                if prepared.failure != nil || prepared.wasSkipped { self.statements.forget(step.key) }
                failure = failure ?? prepared.failure
            }
            let answer = try self.collect(raw, &command)
            if let error = answer.failure {
                _ = self.isStale(error, step)
                failure = failure ?? error
            }
            if failure == nil { answers.append(try self.rows(answer, command)) }
        }
        // The synchronisation point, which has no empty result behind it.
        if let result = try self.nextResult(raw, &command) { PQclear(result) }
        guard PQexitPipelineMode(raw) == 1 else { throw self.lost(raw, command) }
        if let failure { throw failure }
        return answers
    }

    // MARK: COPY

    func perform(copy rows: PostgresCopy, _ command: inout Command) throws(PostgresError) -> Int {
        let raw = try self.live(&command)
        command.statement = rows.statement
        if let problem = rows.buffer.problem {
            throw PostgresError(.invalidValue, problem, context: command.context, statement: rows.statement)
        }
        command.mayCommit = PQtransactionStatus(raw) == PQTRANS_IDLE
        guard PQsendQuery(raw, rows.statement) == 1 else { throw self.lost(raw, command) }
        if let refusal = try self.collect(raw, &command, untilCopy: true).failure { throw refusal }
        var sent = 0
        let bytes = rows.buffer.bytes
        while sent < bytes.count {
            let portion = min(bytes.count - sent, 1 << 16)
            let status = bytes[sent..<sent + portion].withUnsafeBytes { buffer in
                PQputCopyData(raw, buffer.bindMemory(to: CChar.self).baseAddress, Int32(portion))
            }
            switch status {
            case 1: sent += portion
            case 0: try self.await(POLLOUT, raw, &command)
            default: throw self.lost(raw, command)
            }
            if command.stop != nil { break }
        }
        let trailer: [CChar] = [-1, -1]
        if command.stop == nil { while PQputCopyData(raw, trailer, 2) == 0 { try self.await(POLLOUT, raw, &command) } }
        let abort: String? = command.stop == nil ? nil : "cancelled"
        while PQputCopyEnd(raw, abort) == 0 { try self.await(POLLOUT, raw, &command) }
        return try self.rows(try self.collect(raw, &command), command).affectedCount
    }

    // MARK: Sending

    struct VectorTypes {
        let scalar: PostgresType
        let array: PostgresType
    }

    private func oid(of type: PostgresType, _ types: VectorTypes?) -> UInt32 {
        switch type {
        case .halfvec: types?.scalar.oid ?? 0
        case .halfvecArray: types?.array.oid ?? 0
        default: type.oid
        }
    }

    /// The identifiers of pgvector's types when a statement needs them; asked once for each connection.
    private func types(of statements: [SQL], _ command: inout Command) throws(PostgresError) -> VectorTypes? {
        var needed = false
        for sql in statements {
            if let problem = sql.buffer.problem {
                throw PostgresError(.invalidValue, problem, context: command.context, statement: sql.text)
            }
            if sql.binds.count > 65_535 {
                throw PostgresError(.invalidValue, "more than 65,535 values", context: command.context)
            }
            needed = needed || sql.binds.contains { $0.type == .halfvec || $0.type == .halfvecArray }
        }
        guard needed else { return nil }
        if let known = self.vectorTypes { return VectorTypes(scalar: known.scalar, array: known.array) }
        let lookup: SQL = "select oid::bigint, typarray::bigint from pg_catalog.pg_type where typname = 'halfvec'"
        guard let row = try self.perform(lookup, &command).first else {
            throw PostgresError(
                .server(sqlState: "42704"), "the extension vector (0.7 or later) is missing", context: command.context)
        }
        let (scalar, array) = try row.decode(Int64.self, Int64.self)
        let types = VectorTypes(
            scalar: PostgresType(oid: UInt32(scalar)), array: PostgresType(oid: UInt32(array)))
        self.vectorTypes = (types.scalar, types.array)
        return types
    }

    private func send(
        _ step: Step, _ types: VectorTypes?, _ raw: OpaquePointer, _ command: Command
    ) throws(PostgresError) {
        let binds = step.sql.binds
        let count = Int32(binds.count)
        let lengths = binds.map { Int32($0.range?.count ?? 0) }
        let formats = [Int32](repeating: 1, count: binds.count)
        var bytes = step.sql.buffer.bytes
        for bind in binds where bind.type == .halfvecArray {
            // The header of an array names its element's type.
            guard let start = bind.range?.lowerBound, let types else { continue }
            withUnsafeBytes(of: types.scalar.oid.bigEndian) { bytes.replaceSubrange(start + 8..<start + 12, with: $0) }
        }
        // A value without bytes still needs an address: a null pointer would be NULL.
        if bytes.isEmpty { bytes = [0] }
        let status: Int32 = bytes.withUnsafeBufferPointer { buffer in
            let base = UnsafeRawPointer(buffer.baseAddress!)
            let values = binds.map { bind in
                bind.range.map { (base + $0.lowerBound).assumingMemoryBound(to: CChar.self) }
            }
            switch step.plan {
            case .direct:
                let oids = binds.map { self.oid(of: $0.type, types) }
                return PQsendQueryParams(raw, step.text, count, oids, values, lengths, formats, 1)
            case .prepare(let name, _), .prepared(let name):
                return PQsendQueryPrepared(raw, name, count, values, lengths, formats, 1)
            }
        }
        guard status == 1 else { throw self.lost(raw, command) }
    }

    // MARK: Receiving

    /// All results of one statement: the last one's rows, and the first failure.
    private func collect(
        _ raw: OpaquePointer, _ command: inout Command, untilCopy: Bool = false
    ) throws(PostgresError) -> Answer {
        var answer = Answer()
        while let result = try self.nextResult(raw, &command) {
            let storage = ResultStorage(owning: result)
            switch PQresultStatus(result) {
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: answer.rows = PostgresRows(storage)
            case PGRES_COPY_IN where untilCopy: return answer
            case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
                self.close()
                throw PostgresError(.misuse, "COPY has a method of its own", context: command.context)
            case PGRES_PIPELINE_ABORTED: answer.wasSkipped = true
            default:
                if PQstatus(raw) == CONNECTION_BAD { throw self.lost(raw, command) }
                let failure = self.failure(storage, command)
                answer.failure = answer.failure ?? failure
            }
        }
        return answer
    }

    private struct Answer {
        var rows: PostgresRows?
        var failure: PostgresError?
        var wasSkipped = false
    }

    private func nextResult(_ raw: OpaquePointer, _ command: inout Command) throws(PostgresError) -> OpaquePointer? {
        while true {
            let unsent = PQflush(raw)
            if unsent < 0 { throw self.lost(raw, command) }
            if unsent == 0, PQisBusy(raw) == 0 { return PQgetResult(raw) }
            try self.await(unsent > 0 ? POLLIN | POLLOUT : POLLIN, raw, &command)
            if PQisBusy(raw) == 0 { return PQgetResult(raw) }
        }
    }

    /// Waits for the socket and takes what has come; asks the server to stop when it is time.
    private func await(
        _ events: Int32, _ raw: OpaquePointer, _ command: inout Command
    ) throws(PostgresError) {
        switch self.thread.wait(for: PQsocket(raw), events: events, timeout: command.deadline - .now) {
        case .ready:
            // With TLS, what OpenSSL has decrypted already does not make the socket readable: take it all.
            for _ in 0..<(PQsslInUse(raw) == 1 ? 3 : 1) {
                guard PQconsumeInput(raw) == 1 else { throw self.lost(raw, command) }
            }
        case .interrupted:
            if command.isCancellable, command.stop == nil, Task.isCancelled { self.stop(.cancelled, raw, &command) }
        case .timedOut:
            if command.stop == nil { return self.stop(.timedOut, raw, &command) }
            throw self.lost(raw, command)
        }
    }

    /// Asks the server to cancel; its answer to the statement then tells how that went.
    private func stop(_ reason: PostgresError.Code, _ raw: OpaquePointer, _ command: inout Command) {
        command.stop = reason
        command.deadline = .now + .seconds(5)
        guard let cancel = PQgetCancel(raw) else { return }
        defer { PQfreeCancel(cancel) }
        var reply = [CChar](repeating: 0, count: 256)
        // A failure to cancel shows as the deadline passing again.
        _ = PQcancel(cancel, &reply, Int32(reply.count))
    }

    // MARK: Errors

    private func live(_ command: inout Command) throws(PostgresError) -> OpaquePointer {
        guard let raw = self.raw else {
            throw PostgresError(.closed, "the connection is closed", context: command.context)
        }
        // Outside a transaction the statement commits by itself.
        if PQtransactionStatus(raw) == PQTRANS_IDLE { command.mayCommit = true }
        return raw
    }

    private func rows(_ answer: Answer, _ command: Command) throws(PostgresError) -> PostgresRows {
        if let failure = answer.failure { throw failure }
        guard let rows = answer.rows else {
            self.close()
            throw PostgresError(.connectionLost, "the server gave no answer", context: command.context)
        }
        return rows
    }

    /// Gives the connection up.
    private func lost(_ raw: OpaquePointer, _ command: Command) -> PostgresError {
        let message = Self.message(of: raw)
        self.close()
        return PostgresError(
            command.stop ?? .connectionLost, message.isEmpty ? "no answer" : message, context: command.context,
            statement: command.statement, isOutcomeUnknown: command.mayCommit)
    }

    private func failure(_ result: ResultStorage, _ command: Command) -> PostgresError {
        func field(_ code: Unicode.Scalar) -> String? {
            PQresultErrorField(result.raw, Int32(code.value)).map { String(cString: $0) }
        }
        let sqlState = field("C") ?? "XX000"
        var code = PostgresError.Code.server(sqlState: sqlState)
        if sqlState == "57014", let stop = command.stop { code = stop }
        return PostgresError(
            code, field("M") ?? "no message", context: command.context, detail: field("D"), constraint: field("n"),
            table: field("t"), statement: command.statement)
    }

    /// Whether a prepared statement is of no more use; if so it is forgotten.
    private func isStale(_ failure: PostgresError, _ step: Step) -> Bool {
        guard failure.sqlState == "0A000" || failure.sqlState == "26000" else { return false }
        self.statements.forget(step.key)
        return true
    }
}
