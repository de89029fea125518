import Encoder
import Foundation
import Testing

/// One sentence with what the reference makes of it: ids of the tokenizer of the model's own `tokenizer.json`, vector of
/// onnxruntime on the same weights, stored as 16-bit floats.
struct Golden: Decodable, CustomTestStringConvertible {
    let text: String
    let ids: [Int32]
    let vector: Data

    static let all: [Golden] = {
        guard let url = Bundle.module.url(forResource: "golden", withExtension: "json", subdirectory: "Fixtures"),
            let data = try? Data(contentsOf: url)
        else { return [] }
        return (try? JSONDecoder().decode([Golden].self, from: data)) ?? []
    }()

    var expected: [Float] {
        self.vector.withUnsafeBytes { $0.bindMemory(to: Float16.self).map { Float($0) } }
    }

    var testDescription: String { String(self.text.prefix(40)) }
}

struct ModelMissing: Error, CustomStringConvertible {
    var description: String { "no model: set MARTLET_MODEL to the folder that Scripts/setup makes (.martlet/model)" }
}

/// The encoder of the whole suite; opening it costs a few milliseconds, its threads are shared.
enum TestModel {
    static let encoder = Result {
        guard let directory = ProcessInfo.processInfo.environment["MARTLET_MODEL"] else { throw ModelMissing() }
        return try SentenceEncoder(directory: directory)
    }
}

func cosine(_ left: [Float], _ right: [Float]) -> Float {
    var dot: Float = 0
    var a: Float = 0
    var b: Float = 0
    for (x, y) in zip(left, right) {
        dot += x * y
        a += x * x
        b += y * y
    }
    return dot / (a * b).squareRoot()
}

@Suite("Sentence encoder") struct SentenceEncoderTests {
    @Test func `the fixture has fifty sentences`() { #expect(Golden.all.count == 50) }

    @Test(arguments: Golden.all)
    func `token ids equal the reference`(golden: Golden) throws {
        let encoder = try TestModel.encoder.get()
        #expect(encoder.tokenIDs(golden.text) == golden.ids)
    }

    @Test func `vectors equal the reference, alone and in one call`() async throws {
        let encoder = try TestModel.encoder.get()
        let together = try await encoder.encode(Golden.all.map(\.text))
        for (golden, vector) in zip(Golden.all, together) {
            #expect(cosine(vector, golden.expected) >= 0.9999, "\(golden.testDescription)")
            let alone = try await encoder.encode([golden.text])[0]
            #expect(cosine(alone, golden.expected) >= 0.9999, "\(golden.testDescription)")
        }
    }

    @Test func `vectors have length one`() async throws {
        let encoder = try TestModel.encoder.get()
        for vector in try await encoder.encode(["", "where is my parcel", String(repeating: "long ", count: 900)]) {
            #expect(vector.count == encoder.model.dimensions)
            #expect(abs(vector.reduce(0) { $0 + $1 * $1 } - 1) < 1e-4)
        }
    }

    @Test func `a text is cut at the token limit`() throws {
        let encoder = try TestModel.encoder.get()
        #expect(encoder.tokenIDs(String(repeating: "parcel ", count: 5000)).count == encoder.maximumTokens)
        #expect(encoder.tokenIDs(String(repeating: "!", count: 5000)).count == encoder.maximumTokens)
        #expect(encoder.tokenIDs(String(repeating: "包裹", count: 5000)).count == encoder.maximumTokens)
    }

    @Test func `a marker written in a text is ordinary punctuation`() throws {
        let encoder = try TestModel.encoder.get()
        let ids = encoder.tokenIDs("[SEP] hello [CLS]")
        #expect(ids.filter { $0 == ids[0] }.count == 1)
        #expect(ids.filter { $0 == ids.last }.count == 1)
    }

    @Test func `calls from many tasks get their own answers`() async throws {
        let encoder = try TestModel.encoder.get()
        let texts = Golden.all.prefix(20).map(\.text)
        try await withThrowingTaskGroup(of: (Int, [Float]).self) { group in
            for (index, text) in texts.enumerated() {
                group.addTask { (index, try await encoder.encode([text])[0]) }
            }
            for try await (index, vector) in group {
                #expect(cosine(vector, Golden.all[index].expected) >= 0.9999)
            }
        }
    }

    @Test func `no texts give no vectors`() async throws {
        #expect(try await TestModel.encoder.get().encode([]).isEmpty)
    }

    @Test func `a cancelled call stops`() async throws {
        let encoder = try TestModel.encoder.get()
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await encoder.encode(["one", "two"])
        }
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func `a folder without a model is named in the error`() throws {
        let error = #expect(throws: EncoderError.self) { try SentenceEncoder(directory: "/nonexistent/model") }
        #expect(error?.code == .missingFile)
        #expect(error?.context.contains("/nonexistent/model/config.json") == true)
    }

    @Test func `a weights file that is no safetensors is refused`() throws {
        guard let directory = ProcessInfo.processInfo.environment["MARTLET_MODEL"] else { throw ModelMissing() }
        let files = FileManager.default
        let copy = files.temporaryDirectory.appendingPathComponent("martlet-\(UUID().uuidString)")
        try files.createDirectory(at: copy, withIntermediateDirectories: true)
        defer { try? files.removeItem(at: copy) }
        for name in ["config.json", "vocab.txt", "SHA256"] {
            try files.copyItem(atPath: "\(directory)/\(name)", toPath: copy.appendingPathComponent(name).path)
        }
        try Data(repeating: 0xFF, count: 64).write(to: copy.appendingPathComponent("model.safetensors"))
        let error = #expect(throws: EncoderError.self) { try SentenceEncoder(directory: copy.path) }
        #expect(error?.code == .malformedWeights)
    }
}

@Suite("Dense matrix") struct DenseMatrixTests {
    @Test func `a symmetric system is solved for each right side`() throws {
        var matrix = DenseMatrix([[4, 1, 0.5], [1, 3, -1], [0.5, -1, 5]])
        let wanted = DenseMatrix([[1, -2, 3], [0, 0.25, -1]])
        let sides = try wanted.timesTransposed(matrix)
        let solution = try matrix.solve(sides)
        for (got, expected) in zip(solution.values, wanted.values) { #expect(abs(got - expected) < 1e-5) }
    }

    @Test func `a matrix that is not positive definite is refused`() throws {
        var matrix = DenseMatrix([[1, 2], [2, 1]])
        let error = #expect(throws: EncoderError.self) { _ = try matrix.solve(DenseMatrix([[1, 1]])) }
        #expect(error?.code == .singularMatrix)
    }
}
