internal import ConnectionThread
internal import Foundation

/// A BERT sentence encoder read from `model.safetensors`, `vocab.txt` and `config.json`: mean over the tokens, length 1.
///
/// It starts one worker thread for each core. A call with many texts is spread over all of them in batches of similar
/// length; calls from several tasks share the workers batch by batch, so a long call does not hold a short one up.
package final class SentenceEncoder: TextEncoder {
    package let model: EncoderModel
    /// Kernels that OpenBLAS chose for this processor; belongs beside every speed that is reported.
    package let kernels: String
    /// Tokens of a text that are read, counting the two marks at its ends.
    package let maximumTokens: Int

    private let wordPiece: WordPiece
    private let workers: [EncoderWorker]
    /// Calls that each worker has been given and not finished.
    private let load: Locked<[Int]>
    private let batchTokens: Int

    /// - Parameters:
    ///   - directory: holds `model.safetensors`, `vocab.txt`, `config.json` and `SHA256` (of the weights, hexadecimal).
    ///   - name: goes into `model`.
    ///   - workers: threads; nil means one for each core.
    ///   - maximumTokens: longer texts are cut.
    /// - Throws: `EncoderError`.
    package init(
        directory: String, name: String = "all-MiniLM-L6-v2", workers: Int? = nil, maximumTokens: Int = 256
    ) throws(EncoderError) {
        let shape = try BERTShape(path: "\(directory)/config.json")
        let hash = FileManager.default.contents(atPath: "\(directory)/SHA256")
            .map { String(decoding: $0.prefix(64), as: UTF8.self).lowercased() }
        guard let hash, hash.count == 64, hash.allSatisfy(\.isHexDigit) else {
            throw EncoderError(
                .missingFile, "\(directory)/SHA256 must hold the hexadecimal SHA-256 of model.safetensors")
        }
        self.wordPiece = try WordPiece(path: "\(directory)/vocab.txt")
        let weights = try BERTWeights(
            path: "\(directory)/model.safetensors", shape: shape, vocabulary: self.wordPiece.size)
        let blas = try BLAS.shared()
        let longest = max(3, min(maximumTokens, shape.positions))
        let batchTokens = max(512, longest)
        self.maximumTokens = longest
        self.batchTokens = batchTokens
        self.kernels = blas.kernels
        let count = max(1, workers ?? ProcessInfo.processInfo.activeProcessorCount)
        self.workers = (0..<count).map {
            EncoderWorker(index: $0, weights: weights, blas: blas, tokens: batchTokens, longest: longest)
        }
        self.load = Locked(Array(repeating: 0, count: count))
        self.model = EncoderModel(
            name: name, weightsSHA256: hash, dimensions: shape.hidden, pooling: "mean",
            tokenizer: "wordpiece-\(longest)")
    }

    /// Token ids of `text` with the marks at its ends, cut at `maximumTokens`.
    package func tokenIDs(_ text: String) -> [Int32] { self.wordPiece.ids(text, limit: self.maximumTokens) }

    package func encode(_ texts: [String]) async throws -> [[Float]] {
        let sequences = texts.map { self.tokenIDs($0) }
        let batches = self.batches(of: sequences)
        let work = Work(batches: batches, count: texts.count)
        if batches.count <= 1 {
            try await self.run(work, sequences)
        } else {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<min(batches.count, self.workers.count) {
                    group.addTask { try await self.run(work, sequences) }
                }
                try await group.waitForAll()
            }
        }
        return work.results()
    }

    /// Takes batches until none is left; each goes to the worker with the least to do.
    private func run(_ work: Work, _ sequences: [[Int32]]) async throws {
        while let batch = work.next() {
            try Task.checkCancellation()
            let index = self.load.withLock { load in
                let index = load.indices.min { load[$0] < load[$1] }!
                load[index] += 1
                return index
            }
            defer { self.load.withLock { $0[index] -= 1 } }
            work.finish(batch, with: await self.workers[index].encode(batch.map { sequences[$0] }))
        }
    }

    /// Positions of the texts in batches: longest first, so that the last batches to finish are small ones.
    private func batches(of sequences: [[Int32]]) -> [[Int]] {
        let order = sequences.indices.sorted {
            (sequences[$0].count, $1) > (sequences[$1].count, $0)
        }
        // A small call is spread over all workers rather than packed into one batch.
        let total = sequences.reduce(0) { $0 + $1.count }
        let share = min(self.batchTokens, max(self.batchTokens / 8, total / self.workers.count))
        var batches: [[Int]] = []
        var tokens = 0
        for position in order {
            let length = sequences[position].count
            if batches.isEmpty || tokens + length > share {
                batches.append([])
                tokens = 0
            }
            batches[batches.count - 1].append(position)
            tokens += length
        }
        return batches
    }

    /// The batches of one call and what came of them.
    private final class Work: Sendable {
        private struct State {
            var next = 0
            var vectors: [[Float]]
        }

        private let batches: [[Int]]
        private let state: Locked<State>

        init(batches: [[Int]], count: Int) {
            self.batches = batches
            self.state = Locked(State(vectors: Array(repeating: [], count: count)))
        }

        func next() -> [Int]? {
            self.state.withLock { state in
                guard state.next < self.batches.count else { return nil }
                defer { state.next += 1 }
                return self.batches[state.next]
            }
        }

        func finish(_ batch: [Int], with vectors: [[Float]]) {
            self.state.withLock { state in
                for (position, vector) in zip(batch, vectors) { state.vectors[position] = vector }
            }
        }

        func results() -> [[Float]] { self.state.withLock { $0.vectors } }
    }
}
