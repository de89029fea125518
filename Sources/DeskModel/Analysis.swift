/// What triage says of one text. Names in JSON are part of the command line contract.
package struct Analysis: Sendable, Codable, Hashable {
    package struct Label: Sendable, Codable, Hashable {
        package var name: String
        /// Calibrated probability, 0…1.
        package var confidence: Double

        package init(name: String, confidence: Double) {
            self.name = name
            self.confidence = confidence
        }
    }

    package struct Category: Sendable, Codable, Hashable {
        /// The most specific category that is sure enough: `Shipping / Not arrived`, or its parent `Shipping`.
        package var name: String
        /// Calibrated probability, 0…1.
        package var confidence: Double
        /// The upper level; nil when `name` is itself the upper level.
        package var parent: String?

        package init(name: String, confidence: Double, parent: String?) {
            self.name = name
            self.confidence = confidence
            self.parent = parent
        }

        /// The upper level, whichever level `name` is on.
        package var topLevel: String { self.parent ?? self.name }
    }

    package struct Priority: Sendable, Codable, Hashable {
        package enum Level: String, Sendable, Codable, CaseIterable, Comparable {
            case low, normal, high, urgent

            package static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

            /// 0 low … 3 urgent.
            package var rank: Int {
                switch self {
                case .low: 0
                case .normal: 1
                case .high: 2
                case .urgent: 3
                }
            }
        }

        package var level: Level
        /// Sum of the signals' weights; higher is more urgent.
        package var score: Double
        /// One phrase for each signal, heaviest first.
        package var reasons: [String]

        package init(level: Level, score: Double, reasons: [String]) {
            self.level = level
            self.score = score
            self.reasons = reasons
        }
    }

    package struct Sentiment: Sendable, Codable, Hashable {
        /// `negative`, `neutral` or `positive`.
        package var label: String
        /// −1 (negative) … 1 (positive).
        package var score: Double
        /// Probability of the label, 0…1.
        package var confidence: Double
        /// Against the customer's earlier mails in the thread; nil in the first one.
        package var trend: Trend?

        /// Where a customer's mood goes over a thread.
        package enum Trend: String, Sendable, Codable {
            case better, steady, worse

            /// Difference of scores that is more than chance wording.
            private static let step = 0.3

            /// The newest mail against the mean of those before it.
            /// - Parameter earlier: Their scores, −1…1.
            /// - Returns: nil when there are none.
            package init?(from earlier: [Double], to score: Double) {
                guard !earlier.isEmpty else { return nil }
                let change = score - earlier.reduce(0, +) / Double(earlier.count)
                self = change <= -Self.step ? .worse : change >= Self.step ? .better : .steady
            }
        }

        package init(label: String, score: Double, confidence: Double) {
            self.label = label
            self.score = score
            self.confidence = confidence
        }
    }

    package var category: Category
    /// Other categories, most probable first.
    package var alternatives: [Label]
    package var tags: [Label]
    /// How much this is like anything the model was taught, 0…1.
    package var familiarity: Double
    package var priority: Priority
    package var sentiment: Sentiment
    /// ISO 639-1, or `und` when unsure.
    package var language: String
    /// Words and neighbours that decided, one phrase each.
    package var explanation: [String]

    package init(
        category: Category, alternatives: [Label], tags: [Label], familiarity: Double, priority: Priority,
        sentiment: Sentiment, language: String, explanation: [String]
    ) {
        self.category = category
        self.alternatives = alternatives
        self.tags = tags
        self.familiarity = familiarity
        self.priority = priority
        self.sentiment = sentiment
        self.language = language
        self.explanation = explanation
    }
}
