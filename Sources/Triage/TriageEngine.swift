package import DeskModel
package import Encoder
internal import LanguageGuess
internal import LinearModel

/// An analysis, and the vector it was made from.
package struct TriageResult: Sendable, Hashable {
    package var analysis: Analysis
    /// Of length 1, under the engine's encoder.
    package var embedding: [Float]
    /// Version of the models that made the analysis.
    package var version: String

    package init(analysis: Analysis, embedding: [Float], version: String) {
        self.analysis = analysis
        self.embedding = embedding
        self.version = version
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
    package let versions: [String]
    private let categories: TriageModel.Categories
    private let tags: TriageModel.Tags?
    private let sentiment: SentimentHead?
    private let signals: SignalHead?
    private let isOwnTaxonomy: Bool
    /// Tags of each lower category, in the order of the leaf head's labels.
    private let leafTags: [[String]]
    /// Index of each lower category's upper one, in the same order; nil when there is none of that name.
    private let leafParents: [Int?]
    private let language: LanguageGuess
    /// Of the taxonomy's examples; nil when they are too few to tell.
    private let taughtLanguage: String?

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
        self.signals = models.first { $0.signals != nil && $0.source == taxonomy.fingerprint }?.signals
        self.isOwnTaxonomy = first.source == taxonomy.fingerprint
        let leaves = categories.leaf?.labels ?? []
        self.leafTags = leaves.map { taxonomy.tags(of: $0) }
        self.leafParents = leaves.map { leaf in
            let name = leaf.split(separator: Taxonomy.separator, maxSplits: 1).first.map(String.init)
            return name.flatMap(categories.top.labels.firstIndex)
        }
        self.language = try LanguageGuess()
        self.taughtLanguage = self.language.guess(taxonomy.exampleTexts.prefix(60).joined(separator: "\n"))?.language
        self.versions = models.map(\.version)
        self.version = self.versions.joined(separator: "+")
    }

    /// Analyses mails; texts are encoded in batches over the cores.
    ///
    /// - Throws: `EncoderError`; `CancellationError`. Never because of what a mail contains.
    package func analyse(_ inputs: [TriageInput]) async throws -> [TriageResult] {
        var readings = try await Self.inSlices(inputs.count) { range in inputs[range].map { Reading($0) } }
        // Lines that may be planted are encoded with the mails; only mails that do hold one are encoded again.
        let suspects = readings.indices.filter { !readings[$0].passages.tasks.isEmpty }
        let lines = suspects.flatMap { readings[$0].passages.tasks }
        var embeddings = try await self.encoder.encode(readings.map(\.text) + lines)
        let lineEmbeddings = Array(embeddings[readings.count...])
        embeddings.removeLast(lines.count)
        try await self.dropForeign(suspects, lineEmbeddings, &readings, &embeddings)
        let (read, vectors) = (readings, embeddings)
        return try await Self.inSlices(read.count) { range in
            try self.analyseSlice(Array(read[range]), Array(vectors[range]))
        }
    }

    /// Runs `work` on slices of `0..<count`, one a core, and joins what they give in order.
    private static func inSlices<Result: Sendable>(
        _ count: Int, _ work: @escaping @Sendable (Range<Int>) throws -> [Result]
    ) async throws -> [Result] {
        guard count > Self.slice else { return try work(0..<count) }
        return try await withThrowingTaskGroup(of: (Int, [Result]).self) { group in
            for start in stride(from: 0, to: count, by: Self.slice) {
                group.addTask {
                    try Task.checkCancellation()
                    return (start, try work(start..<min(start + Self.slice, count)))
                }
            }
            var slices: [Int: [Result]] = [:]
            for try await (start, results) in group { slices[start] = results }
            return slices.keys.sorted().flatMap { slices[$0]! }
        }
    }

    // MARK: What is read

    /// A mail as it is judged: without what was planted in it.
    private struct Reading: Sendable {
        let input: TriageInput
        let passages: Passages
        /// What decides.
        var text: String
        var words: WordList
        /// Words of everything; grave matters count wherever they stand.
        let allWords: WordList
        var leftOut: [String]

        init(_ input: TriageInput) {
            self.input = input
            let whole = input.text
            self.allWords = WordList(whole)
            self.passages = Passages(whole, vocabulary: self.allWords.vocabulary)
            self.text = self.passages.own
            self.leftOut = self.passages.instructions
            self.words = self.leftOut.isEmpty ? self.allWords : WordList(self.text)
        }

        mutating func leaveOut(_ lines: [String], rest: String) {
            self.text = rest
            self.words = WordList(rest)
            self.leftOut += lines
        }
    }

    /// A line nearer than this to what the desk knows belongs to the mail.
    private static let nearness: Float = 0.3

    /// Takes lone tasks out of mails when they are far from everything known and the mail does better without them.
    private func dropForeign(
        _ suspects: [Int], _ lineEmbeddings: [[Float]], _ readings: inout [Reading], _ embeddings: inout [[Float]]
    ) async throws {
        guard !suspects.isEmpty else { return }
        let near = try self.categories.examples.nearness(of: lineEmbeddings)
        var cleaned: [(index: Int, lines: [String], rest: String, worst: Float)] = []
        var position = 0
        for index in suspects {
            let tasks = readings[index].passages.tasks
            defer { position += tasks.count }
            let scores = near[position..<position + tasks.count]
            let foreign = zip(tasks, scores).filter { $1 < Self.nearness }
            guard let worst = foreign.map(\.1).max() else { continue }
            let lines = foreign.map(\.0)
            guard let rest = readings[index].passages.own(without: lines) else { continue }
            cleaned.append((index, lines, rest, worst))
        }
        let vectors = try await self.encoder.encode(cleaned.map(\.rest))
        let rests = try self.categories.examples.nearness(of: vectors)
        for (number, item) in cleaned.enumerated() where rests[number] > item.worst {
            readings[item.index].leaveOut(item.lines, rest: item.rest)
            embeddings[item.index] = vectors[number]
        }
    }

    private func analyseSlice(_ mails: [Reading], _ embeddings: [[Float]]) throws(EncoderError) -> [TriageResult] {
        guard !mails.isEmpty else { return [] }
        let matrix = DenseMatrix(embeddings)
        let grams = mails.map { TextGrams($0.text) }
        let features = grams.map { self.categories.lexical.row($0) }
        let similarities = try self.categories.examples.similarities(of: matrix)
        let neighbours = Examples.nearest(similarities)
        let tops = try self.categories.top.logProbabilities(
            embeddings: matrix, features: features, similarities: similarities)
        let leaves = try self.categories.leaf?.logProbabilities(
            embeddings: matrix, features: features, similarities: similarities)
        let sentiments = try self.sentiment?.judge(
            embeddings: embeddings, texts: mails.map(\.text), words: mails.map(\.words), grams: grams)
        let likeness = try self.signals?.likeness(matrix)
        return mails.indices.map { index in
            let mail = mails[index]
            // A text without a word is like nothing, whatever its vector says.
            let isEmpty = mail.words.all.isEmpty
            let familiarity =
                isEmpty
                ? 0
                : self.categories.familiarity.judge(
                    neighbours[index], logProbability: tops[index].max() ?? -10)
            let isUnknown = self.isOwnTaxonomy && familiarity < self.taxonomy.floor
            let choice = self.choose(tops[index], leaves?[index], isUnknown: isUnknown)
            let sentiment = sentiments?[index] ?? SentimentHead.byLexicon(mail.text, mail.words)
            let language = isEmpty ? "und" : self.language.guess(mail.text)?.language ?? "und"
            let priority = self.taxonomy.priority.judge(
                PriorityRules.Evidence(
                    isForeign: language != "und" && language != self.taughtLanguage ?? language, text: mail.text,
                    words: mail.words, allWords: mail.allWords,
                    category: isUnknown ? "" : choice.category.name,
                    likeness: isEmpty ? [:] : likeness?[index] ?? [:], sentiment: sentiment,
                    context: mail.input.context))
            let analysis = Analysis(
                category: choice.category, alternatives: choice.alternatives,
                tags: self.tags(
                    grams: grams[index], words: mail.words, embedding: embeddings[index], leaves: choice.leaves),
                familiarity: familiarity, priority: priority, sentiment: sentiment,
                language: language,
                explanation: self.explain(
                    mail, features: features[index], best: choice.best, neighbours: neighbours[index].prefix(2),
                    isUnknown: isUnknown))
            return TriageResult(analysis: analysis, embedding: embeddings[index], version: self.version)
        }
    }

    // MARK: Category

    /// What texts are about, as probabilities of the lower categories (of the upper ones where there are no lower): one
    /// row a text, in the same order as long as the taxonomy stays the same. Costs little, as the vectors are known.
    ///
    /// - Parameter embeddings: of the texts, under the engine's encoder.
    /// - Throws: `EncoderError`, never because of what a text contains.
    package func matters(of texts: [String], embeddings: [[Float]]) throws(EncoderError) -> [[Float]] {
        guard !texts.isEmpty else { return [] }
        let matrix = DenseMatrix(embeddings)
        let features = texts.map { self.categories.lexical.row(TextGrams($0)) }
        let similarities = try self.categories.examples.similarities(of: matrix)
        let tops = try self.categories.top.logProbabilities(
            embeddings: matrix, features: features, similarities: similarities)
        guard let leaf = self.categories.leaf else { return tops.map { $0.map(Probability.exp) } }
        let leaves = try leaf.logProbabilities(embeddings: matrix, features: features, similarities: similarities)
        return zip(tops, leaves).map { top, leaf in
            self.leaves(leaf, tops: top.map { Double(Probability.exp($0)) }).map { Float($0.probability) }
        }
    }

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
        var sums = [Double](repeating: 0, count: tops.count)
        let raw = leaf.map { Double(Probability.exp($0)) }
        for (parent, value) in zip(self.leafParents, raw) {
            if let parent { sums[parent] += value }
        }
        return labels.indices.map { index in
            guard let parent = self.leafParents[index] else { return (labels[index], 0) }
            return (labels[index], raw[index] / max(1e-12, sums[parent]) * tops[parent])
        }
    }

    // MARK: Tags and explanation

    private func tags(
        grams: TextGrams, words: WordList, embedding: [Float], leaves: [(name: String, probability: Double)]
    ) -> [Analysis.Label] {
        var found: [String: Double] = [:]
        var decided: Set<String> = []
        if let tags = self.tags {
            let row = FeatureRow(dense: embedding, sparse: tags.lexical.row(grams))
            for (tag, probability, threshold) in tags.head.probabilities(row) {
                decided.insert(tag)
                let own = self.taxonomy.tags.first { $0.name == tag }?.threshold
                if probability >= own ?? threshold { found[tag] = probability }
            }
        }
        if self.isOwnTaxonomy {
            var sums: [String: Double] = [:]
            for (tags, leaf) in zip(self.leafTags, leaves) {
                for tag in tags { sums[tag, default: 0] += leaf.probability }
            }
            for (tag, sum) in sums where !decided.contains(tag) && sum >= 0.5 { found[tag] = min(1, sum) }
            for tag in self.taxonomy.tags {
                let isHit = tag.patterns.contains {
                    $0.canStart(in: words) && $0.firstMatch(in: words) != nil
                }
                if isHit { found[tag.name] = max(found[tag.name] ?? 0, 0.9) }
            }
        }
        return found.map { Analysis.Label(name: $0.key, confidence: $0.value) }
            .sorted { ($1.confidence, $0.name) < ($0.confidence, $1.name) }
    }

    private func explain(
        _ mail: Reading, features: [FeatureRow.Entry], best: Int, neighbours: ArraySlice<Examples.Neighbour>,
        isUnknown: Bool
    ) -> [String] {
        var lines: [String] = []
        if isUnknown { lines.append("unlike the known mails") }
        let decisive = self.categories.top.contributions(features, to: best, limit: 24).map(\.index)
        let names = self.categories.lexical.names(of: decisive, in: mail.text)
        let words = decisive.compactMap { names[$0] }
        if !words.isEmpty { lines.append("words: " + words.prefix(4).map { "“\($0)”" }.joined(separator: ", ")) }
        for neighbour in neighbours {
            let text = self.categories.examples.text(neighbour.index)
            lines.append("like “\(text)” (\(Int((neighbour.similarity * 100).rounded())) %)")
        }
        for passage in mail.leftOut.prefix(3) { lines.append("left out as planted: “\(passage.prefix(80))”") }
        return lines
    }
}
