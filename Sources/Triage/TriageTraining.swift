package import Encoder
internal import LinearModel

/// One labelled text. A label that is nil says nothing about that kind.
package struct TrainingRow: Sendable, Hashable {
    package var text: String
    package var category: String?
    /// nil: not labelled for tags; empty: none applies.
    package var tags: [String]?
    /// `negative`, `neutral` or `positive`.
    package var sentiment: String?
    /// What an explanation says of the row instead of its words, which may be a customer's.
    package var shown: String?

    package init(
        subject: String, body: String, category: String? = nil, tags: [String]? = nil, sentiment: String? = nil
    ) {
        self.text = TriageInput(subject: subject, body: body).text
        self.category = category
        self.tags = tags
        self.sentiment = sentiment
    }
}

/// How well a head did on rows that were kept from it.
package struct TrainingReport: Sendable, Hashable {
    package struct Score: Sendable, Hashable {
        /// `category`, `category (2nd level)`, `sentiment`, or `tag NAME`.
        package var head: String
        package var rows: Int
        package var classes: Int
        /// `accuracy`, `calibration error`, `F1`.
        package var figures: [String: Double]
        /// Recall by class.
        package var recall: [String: Double]
        /// Rows by class.
        package var support: [String: Int] = [:]
        /// nil for tags.
        package var calibration: Calibration?
    }

    package var scores: [Score] = []
    /// Rows that were left out, and why.
    package var remarks: [String] = []
}

extension TriageModel {
    /// Trains a head for each kind of label that the rows have.
    ///
    /// - Parameters:
    ///   - embeddings: of the rows' texts, when they are known already.
    ///   - source: see `TriageModel.source`.
    /// - Throws: `TriageError.badTrainingData` when no kind of label has two classes; errors of the encoder.
    package static func train(
        rows: [TrainingRow], encoder: any TextEncoder, embeddings: [[Float]]? = nil, source: String = "rows"
    ) async throws -> (model: TriageModel, report: TrainingReport) {
        let vectors: [[Float]]
        if let embeddings { vectors = embeddings } else { vectors = try await encoder.encode(rows.map(\.text)) }
        var model = TriageModel(encoder: encoder.model, source: source)
        var report = TrainingReport()
        let trainer = LinearTrainer()
        try await model.trainCategories(rows, vectors, trainer, &report)
        try await model.trainTags(rows, vectors, trainer, &report)
        try await model.trainSentiment(rows, vectors, trainer, &report)
        guard model.categories != nil || model.tags != nil || model.sentiment != nil else {
            throw TriageError(
                .badTrainingData, "\(rows.count) rows; no kind of label has two classes with two rows each")
        }
        return (model, report)
    }

    // MARK: Categories

    private mutating func trainCategories(
        _ rows: [TrainingRow], _ vectors: [[Float]], _ trainer: LinearTrainer, _ report: inout TrainingReport
    ) async throws {
        let selected = rows.indices.filter { rows[$0].category?.isEmpty == false }
        let names = selected.map { rows[$0].category! }
        let isDeep = Self.hasTwoLevels(names)
        let tops = names.map { isDeep ? Self.top(of: $0) : $0 }
        guard Set(tops).count >= 2 else { return }
        let texts = selected.map { rows[$0].text }
        let embeddings = selected.map { vectors[$0] }
        let grams = texts.map { TextGrams($0) }
        let lexical = LexicalFeatures(grams)
        let features = grams.map { lexical.row($0) }
        let examples = Examples(embeddings: embeddings, texts: selected.map { rows[$0].shown ?? rows[$0].text })
        let neighbours = try await examples.neighboursOfEachOther()

        /// Trains on the rows that have a label.
        func head(_ labels: [String?], _ title: String) async throws -> (CategoryHead, CategoryHead.HeldOut) {
            let classes = Set(labels.compactMap { $0 }).sorted()
            let number = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($1, $0) })
            var trained: [CategoryHead.Row] = []
            for (index, label) in labels.enumerated() {
                guard let label else { continue }
                trained.append(
                    CategoryHead.Row(
                        embedding: embeddings[index], features: features[index], label: number[label]!,
                        example: index))
            }
            let (head, heldOut) = try await CategoryHead.train(
                rows: trained, labels: classes, examples: examples, trainer: trainer)
            report.scores.append(Self.score(title, classes, heldOut))
            return (head, heldOut)
        }
        let (top, heldOut) = try await head(tops, "category")
        var leaf: CategoryHead?
        if isDeep {
            // Rows of an upper level alone do not say which lower one.
            leaf = try await head(names.map { $0.contains(Taxonomy.separator) ? $0 : nil }, "category (2nd level)").0
        }
        let familiarity = Familiarity(
            neighbours: neighbours,
            logProbabilities: heldOut.probabilities.map { Float(Probability.log(Double(max(1e-9, $0.max() ?? 0)))) })
        self.categories = Categories(
            lexical: lexical, top: top, leaf: leaf, examples: examples, familiarity: familiarity)
    }

    private static func top(of name: String) -> String {
        name.split(separator: Taxonomy.separator, maxSplits: 1).first.map(String.init) ?? name
    }

    /// True when at least two names share what stands before the separator.
    private static func hasTwoLevels(_ names: [String]) -> Bool {
        var tops: Set<String> = []
        for name in Set(names) where name.contains(Taxonomy.separator) {
            if !tops.insert(Self.top(of: name)).inserted { return true }
        }
        return false
    }

    // MARK: Tags and sentiment

    private mutating func trainTags(
        _ rows: [TrainingRow], _ vectors: [[Float]], _ trainer: LinearTrainer, _ report: inout TrainingReport
    ) async throws {
        let selected = rows.indices.filter { rows[$0].tags != nil }
        let tags = selected.map { Set(rows[$0].tags ?? []) }
        let names = Set(tags.flatMap { $0 }).sorted()
        guard !names.isEmpty else { return }
        let grams = selected.map { TextGrams(rows[$0].text) }
        let lexical = LexicalFeatures(grams)
        let features = zip(selected, grams).map { FeatureRow(dense: vectors[$0], sparse: lexical.row($1)) }
        let head = try await TagHead.train(rows: features, tags: tags, names: names, trainer: trainer)
        guard !head.scorers.isEmpty else { return }
        for scorer in head.scorers {
            report.scores.append(
                TrainingReport.Score(
                    head: "tag \(scorer.tag)", rows: selected.count, classes: 2,
                    figures: ["F1": scorer.score, "threshold": scorer.threshold], recall: [:]))
        }
        self.tags = Tags(lexical: lexical, head: head)
    }

    /// Mood is carried from other people's texts to mails: what does not hold everywhere must not weigh much.
    private static let sentimentDecay: Float = 3e-4

    private mutating func trainSentiment(
        _ rows: [TrainingRow], _ vectors: [[Float]], _ trainer: LinearTrainer, _ report: inout TrainingReport
    ) async throws {
        let selected = rows.indices.filter { rows[$0].sentiment.map(SentimentHead.labels.contains) == true }
        let unknown = rows.count { $0.sentiment.map { !SentimentHead.labels.contains($0) } == true }
        if unknown > 0 {
            report.remarks.append("\(unknown) rows with another sentiment than negative, neutral, positive")
        }
        let classes = Set(selected.map { rows[$0].sentiment! }).sorted()
        guard classes.count >= 2 else { return }
        let grams = selected.map { TextGrams(rows[$0].text) }
        let lexical = LexicalFeatures(grams)
        let trained = zip(selected, grams).map { index, grams in
            CategoryHead.Row(
                embedding: SentimentHead.dense(vectors[index], rows[index].text, WordList(rows[index].text)),
                features: lexical.row(grams), label: classes.firstIndex(of: rows[index].sentiment!)!)
        }
        let (head, heldOut) = try await CategoryHead.train(
            rows: trained, labels: classes, decay: Self.sentimentDecay, trainer: trainer)
        report.scores.append(Self.score("sentiment", classes, heldOut))
        self.sentiment = SentimentHead(lexical: lexical, head: head)
    }

    private static func score(
        _ title: String, _ classes: [String], _ heldOut: CategoryHead.HeldOut
    ) -> TrainingReport.Score {
        var hits = Array(repeating: 0.0, count: classes.count)
        var counts = Array(repeating: 0.0, count: classes.count)
        for (row, label) in zip(heldOut.probabilities, heldOut.labels) {
            counts[label] += 1
            if row.indices.max(by: { row[$0] < row[$1] }) == label { hits[label] += 1 }
        }
        let recall = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($1, hits[$0] / max(1, counts[$0])) })
        return TrainingReport.Score(
            head: title, rows: heldOut.labels.count, classes: classes.count,
            figures: ["accuracy": heldOut.accuracy, "calibration error": heldOut.calibration.error], recall: recall,
            support: Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($1, Int(counts[$0])) }),
            calibration: heldOut.calibration)
    }
}

extension Taxonomy {
    /// Names everything that a model of this taxonomy depends on; goes into `TriageModel.source`.
    package var fingerprint: String {
        let parts = self.examples.map { "\($0.category ?? "")\u{1}\($0.tags.joined(separator: ","))\u{1}\($0.text)" }
        let signals = self.priority.signals.map { "\($0.name)\u{1}\($0.examples.joined(separator: "\u{1}"))" }
        let all = (parts + signals).joined(separator: "\u{2}")
        return "taxonomy \(self.name) \(TriageModel.fingerprint(Array(all.utf8)))"
    }

    /// The texts that the taxonomy itself teaches: those of categories and tags, then those of signals.
    package var exampleTexts: [String] {
        (self.examples.map(\.text) + self.priority.signals.flatMap(\.examples)).map {
            TriageInput(subject: "", body: $0).text
        }
    }

    /// Trains the taxonomy's own model from its examples.
    ///
    /// - Parameters:
    ///   - embeddings: of `exampleTexts` and behind them of the corrections, when they are known already.
    ///   - corrections: rows that the team added.
    /// - Throws: as `TriageModel.train`.
    package func train(
        encoder: any TextEncoder, embeddings: [[Float]]? = nil, corrections: [TrainingRow] = []
    ) async throws -> (model: TriageModel, report: TrainingReport) {
        // Tags of a category follow from its probability; only tags with examples of their own get a head.
        var taught = Set(self.tags.filter { !$0.examples.isEmpty }.map(\.name))
        for row in corrections { taught.formUnion((row.tags ?? []).filter(self.tagNames.contains)) }
        let rows = self.examples.map { example in
            TrainingRow(
                subject: "", body: example.text, category: example.category,
                tags: taught.isEmpty ? nil : example.tags.filter(taught.contains))
        }
        let vectors: [[Float]]
        if let embeddings {
            vectors = embeddings
        } else {
            vectors = try await encoder.encode(self.exampleTexts + corrections.map(\.text))
        }
        let own = Array(vectors.prefix(rows.count))
        var rest = vectors.dropFirst(rows.count)
        let signals = self.priority.signals.map { signal in
            defer { rest = rest.dropFirst(signal.examples.count) }
            return (name: signal.name, embeddings: Array(rest.prefix(signal.examples.count)))
        }
        var (model, report) = try await TriageModel.train(
            rows: rows + corrections, encoder: encoder, embeddings: own + rest, source: self.fingerprint)
        model.signals = try SignalHead.train(ordinary: own, examples: signals)
        return (model, report)
    }
}
