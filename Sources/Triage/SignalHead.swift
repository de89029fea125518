internal import Encoder
internal import LinearModel

/// How much a mail reads like the example sentences of each signal of urgency: finds what no phrase foresaw.
struct SignalHead: Sendable, Hashable {
    /// Of the signals that have examples.
    private let names: [String]
    private let examples: Examples
    private let nearness: KernelRegression

    /// - Parameters:
    ///   - ordinary: vectors of texts that stand for no signal.
    ///   - examples: vectors of the sentences of each signal.
    /// - Returns: nil when there are none.
    static func train(ordinary: [[Float]], examples: [(name: String, embeddings: [[Float]])]) throws -> SignalHead? {
        let taught = examples.filter { !$0.embeddings.isEmpty }
        guard !taught.isEmpty else { return nil }
        var selected = ordinary.indices.map { (index: $0, label: -1) }
        var vectors = ordinary
        for (label, signal) in taught.enumerated() {
            selected += signal.embeddings.indices.map { (index: vectors.count + $0, label: label) }
            vectors += signal.embeddings
        }
        let known = Examples(embeddings: vectors, texts: vectors.map { _ in "" })
        return SignalHead(
            names: taught.map(\.name), examples: known,
            nearness: try KernelRegression.train(known, selected: selected, classes: taught.count))
    }

    private init(names: [String], examples: Examples, nearness: KernelRegression) {
        self.names = names
        self.examples = examples
        self.nearness = nearness
    }

    /// For each row by signal: about 0 for an ordinary text, about 1 for one of its examples.
    func likeness(_ rows: DenseMatrix) throws(EncoderError) -> [[String: Double]] {
        let shares = try self.nearness.shares(try self.examples.similarities(of: rows))
        return (0..<shares.rows).map { row in
            Dictionary(uniqueKeysWithValues: zip(self.names, shares[row: row].map { Double($0) }))
        }
    }

    // MARK: Coding

    func write(to writer: inout ByteWriter) {
        writer.write(self.names.count)
        for name in self.names { writer.write(name) }
        self.examples.write(to: &writer)
        self.nearness.write(to: &writer)
    }

    init(from reader: inout ByteReader) throws(LinearModelError) {
        var names: [String] = []
        for _ in 0..<(try reader.readInt()) { names.append(try reader.readString()) }
        self.names = names
        self.examples = try Examples(from: &reader)
        self.nearness = try KernelRegression(from: &reader)
        guard self.nearness.fits(examples: self.examples.count, classes: names.count) else {
            throw LinearModelError(.malformedModel, "the examples do not fit the signals")
        }
    }
}
