internal import DeskModel
internal import Yams

/// How urgent a mail is: signals with weights, and the sums that make a level.
package struct PriorityRules: Sendable, Hashable {
    package struct Signal: Sendable, Hashable {
        /// What finds a signal beside phrases.
        package enum Detector: String, Sendable, Hashable, CaseIterable {
            /// Words in capitals, several exclamation marks.
            case emphasis
            /// A sum of money of at least `threshold`.
            case amount
            /// Clearly negative wording together with strong words.
            case anger
            /// The customer's messages in this ticket, `threshold` or more.
            case contacts
            /// An address on the list of important customers.
            case vip
            /// A picture is attached and the mail tells of damage.
            case damagePhoto = "damage-photo"
            /// Hours since the customer first wrote, `threshold` or more.
            case waiting
        }

        package var name: String
        /// What a person reads.
        package var reason: String
        package var weight: Double
        /// True for what anyone can claim; such signals together move the level one step at most.
        package var isClaimed: Bool
        package var patterns: [PhrasePattern]
        /// Sentences that stand for it; a mail that reads like them has the signal, too.
        package var examples: [String]
        /// Least likeness to the examples, 0…1.
        package var likeness: Double
        /// Full names; the signal applies when one of them is the mail's category.
        package var categories: [String]
        package var detector: Detector?
        package var threshold: Double
    }

    /// Least sums for each level.
    package var high: Double
    package var urgent: Double
    /// Categories that are low when no signal applies.
    package var low: [String]
    package var signals: [Signal]

    init(_ node: Node?, _ reader: inout YAMLReader) {
        let keys = reader.mapping(node, allowed: ["levels", "low", "signals"], at: "priority")
        let levels = reader.mapping(keys["levels"], allowed: ["high", "urgent"], at: "priority.levels")
        self.high = reader.number(levels["high"], at: "priority.levels.high") ?? 2
        self.urgent = reader.number(levels["urgent"], at: "priority.levels.urgent") ?? 4
        if self.urgent <= self.high { reader.report(keys["levels"], "priority.levels: urgent must lie above high") }
        self.low = reader.texts(keys["low"], at: "priority.low")
        self.signals = reader.list(keys["signals"], at: "priority.signals").compactMap { Self.signal($0, &reader) }
    }

    private static func signal(_ node: Node, _ reader: inout YAMLReader) -> Signal? {
        let keys = reader.mapping(
            node,
            allowed: [
                "name", "reason", "weight", "claimed", "patterns", "examples", "likeness", "categories", "detector",
                "threshold",
            ],
            at: "each of priority.signals")
        guard let name = reader.text(keys["name"], at: "name") else {
            reader.report(node, "a signal has no name")
            return nil
        }
        var detector: Signal.Detector?
        if let text = reader.text(keys["detector"], at: "detector of \(name)") {
            detector = Signal.Detector(rawValue: text)
            if detector == nil {
                let known = Signal.Detector.allCases.map(\.rawValue).joined(separator: ", ")
                reader.report(keys["detector"], "unknown detector \(text) of \(name); known are \(known)")
            }
        }
        let weight = reader.number(keys["weight"], at: "weight of \(name)")
        if (weight ?? 0) <= 0 {
            // A signal that lowers urgency could be planted by anyone.
            reader.report(keys["weight"] ?? node, "weight of \(name) must be a number above 0")
        }
        let patterns = PhrasePattern.list(keys["patterns"], &reader, at: "patterns of \(name)")
        let categories = reader.texts(keys["categories"], at: "categories of \(name)")
        let examples = reader.texts(keys["examples"], at: "examples of \(name)")
        if patterns.isEmpty, examples.isEmpty, categories.isEmpty, keys["detector"] == nil {
            reader.report(node, "the signal \(name) has neither patterns nor examples nor categories nor a detector")
        }
        return Signal(
            name: name, reason: reader.text(keys["reason"], at: "reason of \(name)") ?? name, weight: weight ?? 0,
            isClaimed: reader.boolean(keys["claimed"], at: "claimed of \(name)") ?? false, patterns: patterns,
            examples: examples, likeness: reader.number(keys["likeness"], at: "likeness of \(name)") ?? 0.25,
            categories: categories, detector: detector,
            threshold: reader.number(keys["threshold"], at: "threshold of \(name)") ?? 0)
    }
}

/// What the desk knows of a mail beside its text.
package struct TriageContext: Sendable, Hashable {
    /// The customer's messages in this ticket, this one included.
    package var contacts: Int
    /// On the list of important customers.
    package var isVIP: Bool
    /// A picture is attached.
    package var hasPhoto: Bool
    /// Since the customer's first message that has no answer.
    package var waiting: Duration

    package init(contacts: Int = 1, isVIP: Bool = false, hasPhoto: Bool = false, waiting: Duration = .zero) {
        self.contacts = contacts
        self.isVIP = isVIP
        self.hasPhoto = hasPhoto
        self.waiting = waiting
    }
}

extension PriorityRules {
    /// What the rules read.
    struct Evidence {
        /// Whether the mail is in another language than the taxonomy, whose phrases then find nothing in it.
        var isForeign: Bool
        /// Without what was planted.
        var text: String
        var words: WordList
        /// Of the whole mail.
        var allWords: WordList
        /// Full name; empty when the mail is like nothing known.
        var category: String
        /// To the examples of each signal that has some.
        var likeness: [String: Double]
        var sentiment: Analysis.Sentiment
        var context: TriageContext
    }

    /// Adds up the signals that apply.
    ///
    /// A planted passage neither raises nor lowers anything, but a signal that alone makes a mail urgent counts wherever
    /// it stands: what looks planted may after all be a frightened customer.
    func judge(_ evidence: Evidence) -> Analysis.Priority {
        let found = self.signals.compactMap { signal -> (signal: Signal, quote: String?)? in
            let words = signal.weight >= self.urgent ? evidence.allWords : evidence.words
            if let quote = self.quote(for: signal, in: words) { return (signal, quote) }
            if signal.categories.contains(evidence.category) { return (signal, nil) }
            if let likeness = evidence.likeness[signal.name], likeness >= signal.likeness { return (signal, nil) }
            return signal.detector.map { self.detects($0, signal.threshold, evidence) } == true ? (signal, nil) : nil
        }
        let solid = found.filter { !$0.signal.isClaimed }.reduce(0) { $0 + $1.signal.weight }
        let claimed = found.filter(\.signal.isClaimed).reduce(0) { $0 + $1.signal.weight }
        let score = solid + claimed
        let base = self.level(of: solid, evidence)
        let raised = self.level(of: score, evidence)
        let level = raised.rank > base.rank + 1 ? Self.next(after: base) : raised
        let reasons = found.sorted { ($1.signal.weight, $0.signal.name) < ($0.signal.weight, $1.signal.name) }
            .map { item in item.quote.map { "\(item.signal.reason) (“\($0)”)" } ?? item.signal.reason }
        return Analysis.Priority(level: level, score: score, reasons: reasons)
    }

    private func level(of score: Double, _ evidence: Evidence) -> Analysis.Priority.Level {
        if score >= self.urgent { return .urgent }
        if score >= self.high { return .high }
        let category = evidence.category
        let top = category.split(separator: Taxonomy.separator).first.map(String.init) ?? category
        // Whoever is annoyed is waiting for something.
        guard score == 0, !evidence.isForeign, evidence.sentiment.score > -0.4 else { return .normal }
        if self.low.contains(category) || self.low.contains(top) { return .low }
        guard !SentimentLexicon.tellsTrouble(evidence.words) else { return .normal }
        // Praise under whatever category, and a question about something that nobody asked before.
        let isPraise = evidence.sentiment.score >= 0.8
        return isPraise || (category.isEmpty && evidence.text.contains("?")) ? .low : .normal
    }

    private static func next(after level: Analysis.Priority.Level) -> Analysis.Priority.Level {
        switch level {
        case .low: .normal
        case .normal: .high
        case .high, .urgent: .urgent
        }
    }

    private func quote(for signal: Signal, in words: WordList) -> String? {
        for pattern in signal.patterns where pattern.canStart(in: words) {
            if let range = pattern.firstMatch(in: words) { return words.all[range].joined(separator: " ") }
        }
        return nil
    }

    private func detects(_ detector: Signal.Detector, _ threshold: Double, _ evidence: Evidence) -> Bool {
        switch detector {
        case .emphasis: Emphasis.isStrong(evidence.text)
        case .amount: (Amounts.largest(in: evidence.text) ?? 0) >= threshold
        case .anger: evidence.sentiment.score <= -0.5 && SentimentLexicon.isAngry(evidence.words)
        case .contacts: Double(evidence.context.contacts) >= threshold
        case .vip: evidence.context.isVIP
        case .damagePhoto: evidence.context.hasPhoto && SentimentLexicon.tellsDamage(evidence.words)
        case .waiting: evidence.context.waiting >= .seconds(threshold * 3600)
        }
    }
}
