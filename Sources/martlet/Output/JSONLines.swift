import ConnectionThread
import Foundation

/// The `id` of a line, text or number, handed back as it came.
enum LineID: Hashable, Sendable, Codable {
    case text(String)
    case number(Int64)

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Int64.self) {
            self = .number(number)
        } else {
            self = .text(try container.decode(String.self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let text): try container.encode(text)
        case .number(let number): try container.encode(number)
        }
    }
}

/// One JSON object a line in, one a line out: in order, as they come, with a bounded number under way.
///
/// Blank lines are skipped. A line that cannot be read gives `{"id":…,"error":"…"}`, where `id` is null when the line
/// has none that can be read, and the others go on; the same for a line whose work throws.
struct JSONLines: Sendable {
    /// Lines handed to the work at once. What has not arrived yet is not waited for, so one line alone is answered too.
    var batch = 1
    /// Batches under way at once.
    var width = ProcessInfo.processInfo.activeProcessorCount + 1

    /// Reads standard input to its end and writes to standard output.
    func run<Input: Decodable & Sendable, Output: Encodable & Sendable>(
        _ work: @escaping @Sendable (Input) async throws -> Output
    ) async throws {
        try await self.runBatches { (inputs: [Input]) in
            var results: [Result<Output, any Error>] = []
            for input in inputs {
                do { results.append(.success(try await work(input))) } catch { results.append(.failure(error)) }
            }
            return results
        }
    }

    /// As `run`, for work that is cheaper on many lines at once.
    /// - Parameter work: answers one result for each input, in order.
    func runBatches<Input: Decodable & Sendable, Output: Encodable & Sendable>(
        _ work: @escaping @Sendable ([Input]) async -> [Result<Output, any Error>]
    ) async throws {
        let source = LineSource()
        try await self.runBatches(
            reading: { await source.next() }, writing: { Terminal.write($0) }, work)
    }

    /// The road between any source of lines and any sink; tests use it without standard input.
    /// - Parameters:
    ///   - next: the next line without its line end; nil at the end.
    ///   - write: called in order, from one task at a time.
    func runBatches<Input: Decodable & Sendable, Output: Encodable & Sendable>(
        reading next: @escaping @Sendable () async -> String?, writing write: @escaping @Sendable (Data) -> Void,
        _ work: @escaping @Sendable ([Input]) async -> [Result<Output, any Error>]
    ) async throws {
        let arrivals = LineBuffer(capacity: self.batch * self.width)
        let answers = OrderedAnswers(write: write)
        let batch = self.batch
        let width = self.width
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask {
                while let line = await next() {
                    if line.allSatisfy(\.isWhitespace) { continue }
                    await arrivals.append(line)
                }
                await arrivals.finish()
            }
            var index = 0
            while let lines = await arrivals.take(atMost: batch) {
                let turn = index
                index += 1
                await answers.waitUntil(fewerThan: width, arePendingAt: turn)
                group.addTask { await answers.put(try await Self.answer(lines, work), at: turn) }
            }
        }
    }

    @concurrent private static func answer<Input: Decodable & Sendable, Output: Encodable & Sendable>(
        _ lines: [String], _ work: @Sendable ([Input]) async -> [Result<Output, any Error>]
    ) async throws -> Data {
        let parsed = lines.map { line in Result { try JSONDecoder().decode(Input.self, from: Data(line.utf8)) } }
        let inputs = parsed.compactMap { try? $0.get() }
        var results = (inputs.isEmpty ? [] : await work(inputs)).makeIterator()
        var data = Data()
        for (line, input) in zip(lines, parsed) {
            let result = input.flatMap { _ in results.next() ?? .failure(CommandError(.failed, "no answer was made")) }
            switch result {
            case .success(let output): data += try JSONOutput.line(output)
            case .failure(let error): data += try JSONOutput.line(Failure(line: line, error: error))
            }
            data.append(0x0A)
        }
        return data
    }

    /// What stands for a line that came to nothing.
    private struct Failure: Encodable {
        private struct Identified: Decodable { let id: LineID }
        enum CodingKeys: CodingKey { case id, error }

        let id: LineID?
        let error: String

        init(line: String, error: any Error) {
            self.id = try? JSONDecoder().decode(Identified.self, from: Data(line.utf8)).id
            self.error =
                switch error {
                case DecodingError.keyNotFound(let key, _): "the key \(key.stringValue) is missing"
                case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
                    "the key \(context.codingPath.map(\.stringValue).joined(separator: ".")) has the wrong type"
                case is DecodingError: "the line is not a JSON object"
                default: String(describing: error)
                }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(self.id, forKey: .id)
            try container.encode(self.error, forKey: .error)
        }
    }
}

/// Standard input by lines. Reading blocks, so it has a thread of its own.
private actor LineSource {
    private let thread = ConnectionThread(name: "stdin")
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe self.thread.asUnownedSerialExecutor() }

    func next() -> String? { readLine(strippingNewline: true) }
}

/// Lines that have arrived and wait for work; the reader waits when it is full.
private actor LineBuffer {
    private let capacity: Int
    private var lines: [String] = []
    private var isFinished = false
    private var reader: CheckedContinuation<Void, Never>?
    private var taker: CheckedContinuation<Void, Never>?

    init(capacity: Int) { self.capacity = capacity }

    func append(_ line: String) async {
        while self.lines.count >= self.capacity { await withCheckedContinuation { self.reader = $0 } }
        self.lines.append(line)
        self.taker.take()?.resume()
    }

    func finish() {
        self.isFinished = true
        self.taker.take()?.resume()
    }

    /// What is there, at least one line; nil after the last.
    func take(atMost count: Int) async -> [String]? {
        while self.lines.isEmpty {
            if self.isFinished { return nil }
            await withCheckedContinuation { self.taker = $0 }
        }
        let taken = Array(self.lines.prefix(count))
        self.lines.removeFirst(taken.count)
        self.reader.take()?.resume()
        return taken
    }
}

/// Puts answers that are ready out of turn back in order.
private actor OrderedAnswers {
    private let write: @Sendable (Data) -> Void
    private var ready: [Int: Data] = [:]
    private var next = 0
    private var waiter: CheckedContinuation<Void, Never>?

    init(write: @escaping @Sendable (Data) -> Void) { self.write = write }

    func put(_ data: Data, at turn: Int) {
        self.ready[turn] = data
        while let data = self.ready.removeValue(forKey: self.next) {
            self.write(data)
            self.next += 1
        }
        self.waiter.take()?.resume()
    }

    /// Returns when the batch `turn` may start.
    func waitUntil(fewerThan width: Int, arePendingAt turn: Int) async {
        while turn - self.next >= width { await withCheckedContinuation { self.waiter = $0 } }
    }
}
