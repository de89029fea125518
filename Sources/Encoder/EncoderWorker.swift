internal import CEncoderKernels
internal import COpenBLAS
internal import ConnectionThread

/// One core's share of the encoder: a thread of its own and the buffers of one batch.
///
/// Sequences of a batch lie back to back without padding, so a layer is four large products over all their tokens;
/// only attention works sequence by sequence.
actor EncoderWorker {
    private let thread: ConnectionThread
    private let weights: BERTWeights
    private let blas: BLAS
    private let tokens: Int
    /// One allocation; pages are only touched as far as batches reach.
    private let scratch: UnsafeMutablePointer<Float>

    nonisolated var unownedExecutor: UnownedSerialExecutor { self.thread.asUnownedSerialExecutor() }

    /// - Parameters:
    ///   - tokens: most tokens of one batch.
    ///   - longest: most tokens of one sequence.
    init(index: Int, weights: BERTWeights, blas: BLAS, tokens: Int, longest: Int) {
        self.thread = ConnectionThread(name: "encoder-\(index)")
        self.weights = weights
        self.blas = blas
        let shape = weights.shape
        // state, attention context or output, joined q/k/v or inner activation, attention scores
        let wide = max(3 * shape.hidden, shape.inner)
        self.scratch = .allocate(capacity: tokens * (2 * shape.hidden + wide) + longest * longest)
        self.tokens = tokens
    }

    isolated deinit { self.scratch.deallocate() }

    /// Vectors of the sequences, in order. The sequences together have at most `tokens` ids.
    func encode(_ sequences: [[Int32]]) -> [[Float]] {
        let shape = self.weights.shape
        let hidden = shape.hidden
        let total = sequences.reduce(0) { $0 + $1.count }
        precondition(total <= self.tokens, "a batch holds at most \(self.tokens) tokens")
        let state = self.scratch
        let other = state + self.tokens * hidden
        let wide = other + self.tokens * hidden
        let scores = wide + self.tokens * max(3 * hidden, shape.inner)

        self.embed(sequences, into: state, using: other)
        for layer in self.weights.layers {
            self.product(state, layer.joined, wide, rows: total, columns: 3 * hidden, inner: hidden)
            kernel_bias(wide, layer.joinedBias, total, 3 * hidden)
            var start = 0
            for sequence in sequences {
                self.attend(wide + start * 3 * hidden, other + start * hidden, scores, length: sequence.count)
                start += sequence.count
            }
            self.product(other, layer.attention, wide, rows: total, columns: hidden, inner: hidden)
            kernel_residual_norm(
                wide, layer.attentionBias, state, layer.attentionGain, layer.attentionShift, shape.epsilon, state,
                total,
                hidden)
            self.product(state, layer.inner, wide, rows: total, columns: shape.inner, inner: hidden)
            kernel_bias_gelu(wide, layer.innerBias, total, shape.inner)
            self.product(wide, layer.output, other, rows: total, columns: hidden, inner: shape.inner)
            kernel_residual_norm(
                other, layer.outputBias, state, layer.outputGain, layer.outputShift, shape.epsilon, state, total, hidden
            )
        }
        var start = 0
        return sequences.map { sequence in
            defer { start += sequence.count }
            return [Float](unsafeUninitializedCapacity: hidden) { buffer, count in
                kernel_mean_unit(state + start * hidden, buffer.baseAddress!, sequence.count, hidden)
                count = hidden
            }
        }
    }

    /// Word + position + segment, normalised.
    private func embed(
        _ sequences: [[Int32]], into state: UnsafeMutablePointer<Float>, using other: UnsafeMutablePointer<Float>
    ) {
        let hidden = self.weights.shape.hidden
        var row = 0
        for sequence in sequences {
            for (position, id) in sequence.enumerated() {
                (state + row * hidden).update(from: self.weights.words + Int(id) * hidden, count: hidden)
                (other + row * hidden).update(from: self.weights.positions + position * hidden, count: hidden)
                row += 1
            }
        }
        kernel_residual_norm(
            state, self.weights.segment, other, self.weights.gain, self.weights.shift, self.weights.shape.epsilon,
            state,
            row, hidden)
    }

    /// Attention of one sequence: `joined` is `[length, 3·hidden]`, `context` gets `[length, hidden]`.
    private func attend(
        _ joined: UnsafePointer<Float>, _ context: UnsafeMutablePointer<Float>, _ scores: UnsafeMutablePointer<Float>,
        length: Int
    ) {
        let hidden = self.weights.shape.hidden
        let size = hidden / self.weights.shape.heads
        let scale = 1 / Float(size).squareRoot()
        let rows = Int32(length)
        let stride = Int32(3 * hidden)
        for head in 0..<self.weights.shape.heads {
            let query = joined + head * size
            self.blas.multiply(
                CblasRowMajor, CblasNoTrans, CblasTrans, rows, rows, Int32(size), 1, query, stride, query + hidden,
                stride, 0, scores, rows)
            kernel_softmax(scores, scale, length, length)
            self.blas.multiply(
                CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, Int32(size), rows, 1, scores, rows, query + 2 * hidden,
                stride, 0, context + head * size, Int32(hidden))
        }
    }

    /// `target = left · rightᵀ`; weights are stored `[out, in]`.
    private func product(
        _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>, rows: Int,
        columns: Int, inner: Int
    ) {
        self.blas.multiply(
            CblasRowMajor, CblasNoTrans, CblasTrans, Int32(rows), Int32(columns), Int32(inner), 1, left, Int32(inner),
            right, Int32(inner), 0, target, Int32(columns))
    }
}
