internal import Foundation

/// Shape of a BERT encoder, from `config.json`.
struct BERTShape: Decodable {
    let hidden: Int
    let inner: Int
    let heads: Int
    let layers: Int
    let positions: Int
    let epsilon: Float

    enum CodingKeys: String, CodingKey {
        case hidden = "hidden_size"
        case inner = "intermediate_size"
        case heads = "num_attention_heads"
        case layers = "num_hidden_layers"
        case positions = "max_position_embeddings"
        case epsilon = "layer_norm_eps"
    }

    init(path: String) throws(EncoderError) {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw EncoderError(.missingFile, "\(path) cannot be read")
        }
        guard let shape = try? JSONDecoder().decode(Self.self, from: data), shape.hidden > 0, shape.heads > 0,
            shape.hidden % shape.heads == 0, shape.layers > 0, shape.inner > 0, shape.positions > 2
        else { throw EncoderError(.malformedConfiguration, "\(path) does not describe a BERT encoder") }
        self = shape
    }
}

/// Where each matrix lies: in the mapped file, but for query, key and value, which are joined into one matrix so that a
/// layer needs one product for the three.
final class BERTWeights: @unchecked Sendable {  // written once in init, read-only afterwards
    struct Layer {
        /// `[3·hidden, hidden]`
        let joined: UnsafePointer<Float>
        let joinedBias: UnsafePointer<Float>
        let attention: UnsafePointer<Float>
        let attentionBias: UnsafePointer<Float>
        let attentionGain: UnsafePointer<Float>
        let attentionShift: UnsafePointer<Float>
        /// `[inner, hidden]`
        let inner: UnsafePointer<Float>
        let innerBias: UnsafePointer<Float>
        /// `[hidden, inner]`
        let output: UnsafePointer<Float>
        let outputBias: UnsafePointer<Float>
        let outputGain: UnsafePointer<Float>
        let outputShift: UnsafePointer<Float>
    }

    let shape: BERTShape
    let words: UnsafePointer<Float>
    let positions: UnsafePointer<Float>
    /// Row 0 of the segment embeddings; the only one that is used.
    let segment: UnsafePointer<Float>
    let gain: UnsafePointer<Float>
    let shift: UnsafePointer<Float>
    let layers: [Layer]
    private let file: Safetensors
    private let owned: UnsafeMutableBufferPointer<Float>

    init(path: String, shape: BERTShape, vocabulary: Int) throws(EncoderError) {
        let file = try Safetensors(path: path)
        let hidden = shape.hidden
        self.words = try file.tensor("embeddings.word_embeddings.weight", shape: [vocabulary, hidden])
        self.positions = try file.tensor("embeddings.position_embeddings.weight", shape: [shape.positions, hidden])
        self.segment = try file.tensor("embeddings.token_type_embeddings.weight", shape: [2, hidden])
        self.gain = try file.tensor("embeddings.LayerNorm.weight", shape: [hidden])
        self.shift = try file.tensor("embeddings.LayerNorm.bias", shape: [hidden])
        let perLayer = 3 * hidden * hidden + 3 * hidden
        let owned = UnsafeMutableBufferPointer<Float>.allocate(capacity: perLayer * shape.layers)
        do throws(EncoderError) {
            var layers: [Layer] = []
            for index in 0..<shape.layers {
                layers.append(try Self.layer(index, file, shape, owned.baseAddress! + index * perLayer))
            }
            self.layers = layers
        } catch {
            owned.deallocate()
            throw error
        }
        self.owned = owned
        self.file = file
        self.shape = shape
    }

    deinit { self.owned.deallocate() }

    private static func layer(
        _ index: Int, _ file: Safetensors, _ shape: BERTShape, _ joined: UnsafeMutablePointer<Float>
    ) throws(EncoderError) -> Layer {
        let hidden = shape.hidden
        let inner = shape.inner
        let prefix = "encoder.layer.\(index)"
        let joinedBias = joined + 3 * hidden * hidden
        for (position, name) in ["query", "key", "value"].enumerated() {
            let part = "\(prefix).attention.self.\(name)"
            let matrix = try file.tensor("\(part).weight", shape: [hidden, hidden])
            (joined + position * hidden * hidden).update(from: matrix, count: hidden * hidden)
            (joinedBias + position * hidden).update(
                from: try file.tensor("\(part).bias", shape: [hidden]), count: hidden)
        }
        func vector(_ name: String, _ count: Int) throws(EncoderError) -> UnsafePointer<Float> {
            try file.tensor("\(prefix).\(name)", shape: [count])
        }
        return Layer(
            joined: UnsafePointer(joined), joinedBias: UnsafePointer(joinedBias),
            attention: try file.tensor("\(prefix).attention.output.dense.weight", shape: [hidden, hidden]),
            attentionBias: try vector("attention.output.dense.bias", hidden),
            attentionGain: try vector("attention.output.LayerNorm.weight", hidden),
            attentionShift: try vector("attention.output.LayerNorm.bias", hidden),
            inner: try file.tensor("\(prefix).intermediate.dense.weight", shape: [inner, hidden]),
            innerBias: try vector("intermediate.dense.bias", inner),
            output: try file.tensor("\(prefix).output.dense.weight", shape: [hidden, inner]),
            outputBias: try vector("output.dense.bias", hidden),
            outputGain: try vector("output.LayerNorm.weight", hidden),
            outputShift: try vector("output.LayerNorm.bias", hidden))
    }
}
