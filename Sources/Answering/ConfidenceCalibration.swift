/// Fits the shipped confidence to what a desk's people really send.
///
/// The prior's log-odds are stretched and shifted, and each category has a shift of its own. All are pulled towards the
/// prior, so that a dozen outcomes move little and a thousand decide.
package struct ConfidenceCalibration: Sendable, Codable, Equatable {
    /// One draft that a person has answered.
    package struct Outcome: Sendable {
        package var prior: Double
        package var category: String
        /// Sent as it was or nearly so.
        package var isNear: Bool

        package init(prior: Double, category: String, isNear: Bool) {
            self.prior = prior
            self.category = category
            self.isNear = isNear
        }
    }

    /// Changes nothing: what ships.
    package static let prior = ConfidenceCalibration()

    private(set) var scale = 1.0
    private(set) var offset = 0.0
    private(set) var shifts: [String: Double] = [:]
    /// How many outcomes it was fitted to.
    package private(set) var outcomes = 0

    /// Fewer outcomes say nothing yet.
    package static let minimum = 20
    private static let rounds = 200

    package init() {}

    package init(fitting outcomes: [Outcome]) {
        self.outcomes = outcomes.count
        guard outcomes.count >= Self.minimum else { return }
        let rows = outcomes.map { (odds: Self.odds($0.prior), category: $0.category, label: $0.isNear ? 1.0 : 0.0) }
        let pull = 10.0
        for category in Set(rows.map(\.category)) { self.shifts[category] = 0 }
        // Coordinate-wise Newton steps: the function is convex and a handful of unknowns need no more.
        for _ in 0..<Self.rounds {
            var moved = 0.0
            moved = max(moved, self.step(rows, .scale, towards: 1, pull: pull) { row in row.odds })
            moved = max(moved, self.step(rows, .offset, towards: 0, pull: pull / 4) { _ in 1 })
            for category in self.shifts.keys.sorted() {
                moved = max(
                    moved,
                    self.step(rows, .shift(category), towards: 0, pull: pull) { row in
                        row.category == category ? 1 : 0
                    })
            }
            if moved < 1e-6 { break }
        }
        // A negative scale would turn the order round on chance.
        self.scale = max(0, self.scale)
    }

    /// Probability that an agent would send the draft nearly unchanged, 0…1.
    package func probability(_ prior: Double, category: String?) -> Double {
        guard self.outcomes >= Self.minimum else { return prior }
        let shift = category.flatMap { self.shifts[$0] } ?? 0
        return Logistic.probability(self.scale * Self.odds(prior) + self.offset + shift)
    }

    private enum Unknown { case scale, offset, shift(String) }

    private subscript(unknown: Unknown) -> Double {
        get {
            switch unknown {
            case .scale: self.scale
            case .offset: self.offset
            case .shift(let category): self.shifts[category] ?? 0
            }
        }
        set {
            switch unknown {
            case .scale: self.scale = newValue
            case .offset: self.offset = newValue
            case .shift(let category): self.shifts[category] = newValue
            }
        }
    }

    private typealias Row = (odds: Double, category: String, label: Double)

    /// One Newton step along one unknown.
    /// - Returns: how far it moved.
    private mutating func step(
        _ rows: [Row], _ unknown: Unknown, towards rest: Double, pull: Double,
        input: (Row) -> Double
    ) -> Double {
        var slope = pull * (self[unknown] - rest)
        var bend = pull
        for row in rows {
            let x = input(row)
            guard x != 0 else { continue }
            let p = Logistic.probability(self.scale * row.odds + self.offset + (self.shifts[row.category] ?? 0))
            slope += (p - row.label) * x
            bend += max(p * (1 - p), 1e-4) * x * x
        }
        let move = min(max(slope / bend, -1), 1)
        self[unknown] -= move
        return abs(move)
    }

    /// Log-odds of a probability, within ±6.
    private static func odds(_ probability: Double) -> Double {
        let bounded = min(max(probability, 0.0025), 0.9975)
        return Logistic.logarithm(bounded / (1 - bounded))
    }
}

extension Logistic {
    /// Natural logarithm of a positive number, without a math library.
    static func logarithm(_ x: Double) -> Double {
        guard x > 0, x.isFinite else { return x > 0 ? x : -.infinity }
        // x = 2^e · m with m in 1..<2; ln m by the series of artanh.
        let z = (x.significand - 1) / (x.significand + 1)
        var sum = 0.0
        var power = z
        for k in stride(from: 1.0, through: 41, by: 2) {
            sum += power / k
            power *= z * z
        }
        return 2 * sum + Double(x.exponent) * 0.693_147_180_559_945_3
    }
}

/// How often drafts of a given confidence were sent nearly unchanged: whether 0.8 means 8 of 10.
package struct ConfidenceReliability: Sendable, Codable {
    package struct Band: Sendable, Codable {
        package let from: Double
        package let to: Double
        package let drafts: Int
        package let meanConfidence: Double
        /// Share that was sent nearly unchanged.
        package let nearShare: Double
    }

    package let bands: [Band]
    /// Mean gap between confidence and share, weighted by drafts; 0 is perfect.
    package let error: Double

    package init(_ drafts: [(confidence: Double, isNear: Bool)], bands count: Int = 5) {
        var bands: [Band] = []
        for band in 0..<count {
            let from = Double(band) / Double(count)
            let to = Double(band + 1) / Double(count)
            let own = drafts.filter { $0.confidence >= from && ($0.confidence < to || band + 1 == count) }
            guard !own.isEmpty else { continue }
            let share = Double(own.count(where: \.isNear)) / Double(own.count)
            let mean = own.reduce(0) { $0 + $1.confidence } / Double(own.count)
            bands.append(Band(from: from, to: to, drafts: own.count, meanConfidence: mean, nearShare: share))
        }
        self.bands = bands
        let total = Double(max(1, drafts.count))
        self.error = bands.reduce(0) { $0 + abs($1.meanConfidence - $1.nearShare) * Double($1.drafts) / total }
    }
}
