package import Encoder
internal import Foundation
internal import LinearModel

/// What training leaves behind: heads, thresholds, calibration and familiarity, for one encoder, in one file.
package struct TriageModel: Sendable, Hashable {
    /// The heads are only meaningful for vectors of this encoder.
    package let encoder: EncoderModel
    /// What it was made from, for example a taxonomy's fingerprint; a cached file with another source is stale.
    package let source: String

    /// Categories and their familiarity.
    struct Categories: Sendable, Hashable {
        var lexical: LexicalFeatures
        var top: CategoryHead
        /// The second level; nil in a flat model.
        var leaf: CategoryHead?
        var examples: Examples
        var familiarity: Familiarity
    }

    struct Tags: Sendable, Hashable {
        var lexical: LexicalFeatures
        var head: TagHead
    }

    var categories: Categories?
    var tags: Tags?
    var sentiment: SentimentHead?
    var signals: SignalHead?

    init(encoder: EncoderModel, source: String) {
        self.encoder = encoder
        self.source = source
    }

    /// Names the contents: equal models have equal versions. 16 hexadecimal digits.
    package var version: String { Self.fingerprint(self.encoded()) }

    /// Upper level names; empty without a category head.
    package var categoryNames: [String] { self.categories?.top.labels ?? [] }
    package var hasCategories: Bool { self.categories != nil }
    package var hasSentiment: Bool { self.sentiment != nil }

    /// FNV-1a of 64 bits in hexadecimal.
    package static func fingerprint(_ bytes: [UInt8]) -> String {
        let hash = bytes.reduce(14_695_981_039_346_656_037 as UInt64) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    // MARK: Coding

    /// A file starts with this; its number is its format.
    private static let magic = "martlet-triage-3"

    /// The bytes of a model file.
    package func encoded() -> [UInt8] {
        var writer = ByteWriter()
        writer.write(Self.magic)
        writer.write(self.encoder.name)
        writer.write(self.encoder.weightsSHA256)
        writer.write(self.encoder.dimensions)
        writer.write(self.encoder.pooling)
        writer.write(self.encoder.tokenizer)
        writer.write(self.source)
        writer.write(self.categories == nil ? 0 : 1)
        if let categories = self.categories {
            categories.lexical.write(to: &writer)
            categories.top.write(to: &writer)
            writer.write(categories.leaf == nil ? 0 : 1)
            categories.leaf?.write(to: &writer)
            categories.examples.write(to: &writer)
            categories.familiarity.write(to: &writer)
        }
        writer.write(self.tags == nil ? 0 : 1)
        if let tags = self.tags {
            tags.lexical.write(to: &writer)
            tags.head.write(to: &writer)
        }
        writer.write(self.sentiment == nil ? 0 : 1)
        self.sentiment?.write(to: &writer)
        writer.write(self.signals == nil ? 0 : 1)
        self.signals?.write(to: &writer)
        return writer.bytes
    }

    /// Reads the bytes of a model file.
    ///
    /// - Throws: `.malformedModel` when they are none, or end early.
    package init(bytes: [UInt8]) throws(TriageError) {
        do throws(LinearModelError) {
            self = try Self.read(bytes)
        } catch {
            throw TriageError(.malformedModel, error.context)
        }
    }

    private static func read(_ bytes: [UInt8]) throws(LinearModelError) -> TriageModel {
        var reader = ByteReader(bytes)
        guard try reader.readString() == Self.magic else {
            throw LinearModelError(
                .malformedModel, "this is not a model that this version of `martlet train` wrote; train it again")
        }
        let encoder = EncoderModel(
            name: try reader.readString(), weightsSHA256: try reader.readString(), dimensions: try reader.readInt(),
            pooling: try reader.readString(), tokenizer: try reader.readString())
        var model = TriageModel(encoder: encoder, source: try reader.readString())
        if try reader.readInt() == 1 {
            let lexical = try LexicalFeatures(from: &reader)
            let top = try CategoryHead(from: &reader)
            let leaf = try reader.readInt() == 1 ? try CategoryHead(from: &reader) : nil
            let examples = try Examples(from: &reader)
            guard [top, leaf].allSatisfy({ $0?.fits(examples: examples.count) ?? true }) else {
                throw LinearModelError(.malformedModel, "the examples do not fit their head")
            }
            model.categories = Categories(
                lexical: lexical, top: top, leaf: leaf, examples: examples,
                familiarity: try Familiarity(from: &reader))
        }
        if try reader.readInt() == 1 {
            model.tags = Tags(lexical: try LexicalFeatures(from: &reader), head: try TagHead(from: &reader))
        }
        if try reader.readInt() == 1 { model.sentiment = try SentimentHead(from: &reader) }
        if try reader.readInt() == 1 { model.signals = try SignalHead(from: &reader) }
        guard reader.isAtEnd else { throw LinearModelError(.malformedModel, "bytes follow the end") }
        return model
    }
}
