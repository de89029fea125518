package import DeskModel
package import Encoder
internal import LanguageGuess
internal import LinearModel

/// An analysis, and the vector it was made from.
package struct TriageResult: Sendable, Hashable {
    package var analysis: Analysis
    /// Of length 1, under the engine's encoder.
    package var embedding: [Float]

    package init(analysis: Analysis, embedding: [Float]) {
        self.analysis = analysis
        self.embedding = embedding
    }
}

/// Category, tags, familiarity, priority, sentiment and language of mails. Deterministic: the same input under the same
/// model gives the same answer, alone or among others.
package struct TriageEngine: Sendable {
    /// A child category is named when it is at least this probable, else its parent is.
    private static let childFloor = 0.5
    private static let alternativesShown = 4
    /// Rows that are analysed together on one core.
    private static let slice = 64

    package let encoder: any TextEncoder
    package let taxonomy: Taxonomy
    /// Versions of the models in use, category first.
    package let version: String
    private let categories: TriageModel.Categories
    private let tags: TriageModel.Tags?
    private let sentiment: SentimentHead?
    private let isOwnTaxonomy: Bool
    private let language: LanguageGuess

    /// - Parameter models: for each part the first model that has it serves.
    /// - Throws: `TriageError` when no model has categories or one belongs to another encoder; `LanguageError`.
    package init(encoder: any TextEncoder, taxonomy: Taxonomy, models: [TriageModel]) throws {
        for model in models where model.encoder != encoder.model {
            throw TriageError(
                .otherEncoder,
                "the model was trained for \(model.encoder.name) \(model.encoder.weightsSHA256.prefix(8)), not "
                    + "\(encoder.model.name) \(encoder.model.weightsSHA256.prefix(8))")
        }
        guard let first = models.first(where: \.hasCategories), let categories = first.categories else {
            throw TriageError(.malformedModel, "no model has categories")
        }
        self.encoder = encoder
        self.taxonomy = taxonomy
        self.categories = categories
        // A model of other categories brings its own tags, or none.
        self.tags = models.lazy.compactMap(\.tags).first
        self.sentiment = models.lazy.compactMap(\.sentiment).first
        self.isOwnTaxonomy = first.source == taxonomy.fingerprint
        self.language = try LanguageGuess()
        self.version = models.map(\.version).joined(separator: "+")
    }

    /// Analyses mails; texts are encoded once, in batches over the cores.
    ///
    /// - Throws: `EncoderError`; `CancellationError`. Never because of what a mail contains.
    package func analyse(_ inputs: [TriageInput]) async throws -> [TriageResult] {
        let embeddings = try await self.encoder.encode(inputs.map(\.text))
        return try await self.analyse(inputs, embeddings: embeddings)
    }

    /// Analyses mails whose vectors are known already.
    ///
    /// - Parameter embeddings: of `input.text`, one for each input.
    /// - Throws: `EncoderError`; `CancellationError`.
    package func analyse(_ inputs: [TriageInput], embeddings: [[Float]]) async throws -> [TriageResult] {
        guard inputs.count > Self.slice else { return try self.analyseSlice(inputs, embeddings) }
        return try await withThrowingTaskGroup(of: (Int, [TriageResult]).self) { group in
            for start in stride(from: 0, to: inputs.count, by: Self.slice) {
                let range = start..<min(start + Self.slice, inputs.count)
                group.addTask {
                    try Task.checkCancellation()
                    return (start, try self.analyseSlice(Array(inputs[range]), Array(embeddings[range])))
                }
            }
            var slices: [Int: [TriageResult]] = [:]
            for try await (start, results) in group { slices[start] = results }
            return slices.keys.sorted().flatMap { slices[$0]! }
        }
    }

    private func analyseSlice(_ inputs: [TriageInput], _ embeddings: [[Float]]) throws(EncoderError) -> [TriageResult] {
        guard !inputs.isEmpty else { return [] }
        let texts = inputs.map(\.text)
        let words = texts.map { WordList($0) }
        let matrix = DenseMatrix(embeddings)
        let features = texts.map { self.categories.lexical.row($0) }
        let tops = try self.categories.top.logProbabilities(embeddings: matrix, features: features)
        let leaves = try self.categories.leaf?.logProbabilities(embeddings: matrix, features: features)
        let known = try self.categories.familiarity.judge(
            embeddings: matrix, logProbabilities: tops.map { $0.max() ?? -10 }, shown: 2)
        let sentiments = try self.sentiment?.judge(embeddings: embeddings, texts: texts, words: words)
        return inputs.indices.map { index in
            // A text without a word is like nothing, whatever its vector says.
            let isEmpty = words[index].all.isEmpty
            let familiarity = isEmpty ? 0 : known[index].familiarity
            let isUnknown = self.isOwnTaxonomy && familiarity < self.taxonomy.floor
            let choice = self.choose(tops[index], leaves?[index], isUnknown: isUnknown)
            let sentiment = sentiments?[index] ?? SentimentHead.byLexicon(texts[index], words[index])
            let priority = self.taxonomy.priority.judge(
                PriorityRules.Evidence(
                    text: texts[index], words: words[index], category: isUnknown ? "" : choice.category.name,
                    sentiment: sentiment, context: inputs[index].context))
            let analysis = Analysis(
                category: choice.category, alternatives: choice.alternatives,
                tags: self.tags(
                    text: texts[index], words: words[index], embedding: embeddings[index], leaves: choice.leaves),
                familiarity: familiarity, priority: priority, sentiment: sentiment,
                language: isEmpty ? "und" : self.language.guess(texts[index])?.language ?? "und",
                explanation: self.explain(
                    text: texts[index], features: features[index], best: choice.best,
                    neighbours: known[index].neighbours,
                    isUnknown: isUnknown))
            return TriageResult(analysis: analysis, embedding: embeddings[index])
        }
    }

    // MARK: Category

    private struct Choice {
        var category: Analysis.Category
        var alternatives: [Analysis.Label]
        /// Index of the upper level that won.
        var best: Int
        /// Probability by full name of the lower level.
        var leaves: [(name: String, probability: Double)]
    }

    private func choose(_ top: [Float], _ leaf: [Float]?, isUnknown: Bool) -> Choice {
        let names = self.categories.top.labels
        let probabilities = top.map { Double(Probability.exp($0)) }
        let order = probabilities.indices.sorted { (probabilities[$1], $0) < (probabilities[$0], $1) }
        let best = order[0]
        let leaves = leaf.map { self.leaves($0, tops: probabilities) } ?? []
        var category = Analysis.Category(name: names[best], confidence: probabilities[best], parent: nil)
        let prefix = names[best] + Taxonomy.separator
        let child = leaves.filter { $0.name.hasPrefix(prefix) }.max { $0.probability < $1.probability }
        if let child, child.probability >= Self.childFloor {
            category = Analysis.Category(name: child.name, confidence: child.probability, parent: names[best])
        }
        var alternatives = order.dropFirst().prefix(Self.alternativesShown).map {
            Analysis.Label(name: names[$0], confidence: probabilities[$0])
        }
        if isUnknown {
            // Nobody taught us this: people see it as the fallback, with our best guess first among the others.
            if names[best] != self.taxonomy.fallback {
                alternatives.removeAll { $0.name == self.taxonomy.fallback }
                alternatives.insert(Analysis.Label(name: names[best], confidence: probabilities[best]), at: 0)
            }
            category = Analysis.Category(name: self.taxonomy.fallback, confidence: 0.5, parent: nil)
        }
        return Choice(category: category, alternatives: alternatives, best: best, leaves: leaves)
    }

    /// The lower level's probabilities, made to add up to their upper level's.
    private func leaves(_ leaf: [Float], tops: [Double]) -> [(name: String, probability: Double)] {
        guard let labels = self.categories.leaf?.labels else { return [] }
        var sums: [Substring: Double] = [:]
        let parts = labels.map { $0.split(separator: Taxonomy.separator, maxSplits: 1)[0] }
        let raw = leaf.map { Double(Probability.exp($0)) }
        for (part, value) in zip(parts, raw) { sums[part, default: 0] += value }
        let upper = Dictionary(uniqueKeysWithValues: zip(self.categories.top.labels, tops))
        return labels.indices.map { index in
            let share = raw[index] / max(1e-12, sums[parts[index]] ?? 0)
            return (labels[index], share * (upper[String(parts[index])] ?? 0))
        }
    }

    // MARK: Tags and explanation

    private func tags(
        text: String, words: WordList, embedding: [Float], leaves: [(name: String, probability: Double)]
    ) -> [Analysis.Label] {
        var found: [String: Double] = [:]
        var decided: Set<String> = []
        if let tags = self.tags {
            let row = FeatureRow(dense: embedding, sparse: tags.lexical.row(text))
            for (tag, probability, threshold) in tags.head.probabilities(row) {
                decided.insert(tag)
                let own = self.taxonomy.tags.first { $0.name == tag }?.threshold
                if probability >= own ?? threshold { found[tag] = probability }
            }
        }
        if self.isOwnTaxonomy {
            var sums: [String: Double] = [:]
            for (name, probability) in leaves {
                for tag in self.taxonomy.tags(of: name) { sums[tag, default: 0] += probability }
            }
            for (tag, sum) in sums where !decided.contains(tag) && sum >= 0.5 { found[tag] = min(1, sum) }
            for tag in self.taxonomy.tags {
                let isHit = tag.patterns.contains {
                    $0.canStart(with: words.vocabulary) && $0.firstMatch(in: words) != nil
                }
                if isHit { found[tag.name] = max(found[tag.name] ?? 0, 0.9) }
            }
        }
        return found.map { Analysis.Label(name: $0.key, confidence: $0.value) }
            .sorted { ($1.confidence, $0.name) < ($0.confidence, $1.name) }
    }

    private func explain(
        text: String, features: [FeatureRow.Entry], best: Int, neighbours: [Familiarity.Neighbour], isUnknown: Bool
    ) -> [String] {
        var lines: [String] = []
        if isUnknown { lines.append("unlike the known mails") }
        let names = self.categories.lexical.names(in: text)
        let words = self.categories.top.contributions(features, to: best, limit: 12).compactMap { names[$0.index] }
        if !words.isEmpty { lines.append("words: " + words.prefix(4).map { "“\($0)”" }.joined(separator: ", ")) }
        for neighbour in neighbours {
            lines.append("like “\(neighbour.text)” (\(Int((neighbour.similarity * 100).rounded())) %)")
        }
        return lines
    }
}
