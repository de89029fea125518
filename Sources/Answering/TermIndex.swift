/// Which passage holds which words how often, and how rare each word is.
struct TermIndex: Sendable {
    private struct Posting { var passage: Int32; var count: Float }

    /// How far repeated words and long passages count; the usual constants of BM25.
    private static let saturation: Float = 1.2
    private static let lengthShare: Float = 0.3

    private var postings: [String: [Posting]] = [:]
    private var lengths: [Float] = []
    private var totalLength: Float = 0

    /// Passages so far.
    var count: Int { self.lengths.count }

    mutating func append(terms: [String]) {
        var counts: [String: Float] = [:]
        for term in terms { counts[term, default: 0] += 1 }
        let passage = Int32(self.lengths.count)
        for (term, count) in counts { self.postings[term, default: []].append(Posting(passage: passage, count: count)) }
        self.lengths.append(Float(terms.count))
        self.totalLength += Float(terms.count)
    }

    /// 0 for a word in every passage … 1 for a word in one passage or none.
    func rarity(of term: String) -> Float {
        let passages = Float(max(self.count, 2))
        let holding = Float(max(self.postings[term]?.count ?? 1, 1))
        return max(0, Self.logarithm(passages / holding) / Self.logarithm(passages))
    }

    /// For each passage the share of the question's words that it holds, each word weighted by how rare it is: 0…1.
    ///
    /// A word that no passage holds counts as rare and unmatched, so a question about something else scores low
    /// everywhere.
    func coverage(of terms: [String]) -> [Float] {
        var result = [Float](repeating: 0, count: self.count)
        guard self.count > 0 else { return result }
        let mean = max(self.totalLength / Float(self.count), 1)
        var whole: Float = 0
        for term in Set(terms) {
            let rarity = self.rarity(of: term)
            let weight = rarity * rarity.squareRoot()
            whole += weight
            for posting in self.postings[term] ?? [] {
                let length = self.lengths[Int(posting.passage)] / mean
                let damping = Self.saturation * (1 - Self.lengthShare + Self.lengthShare * length)
                let share = posting.count / (posting.count + damping) * (1 + Self.saturation)
                result[Int(posting.passage)] += weight * min(share, 1.5)
            }
        }
        guard whole > 0 else { return result }
        for passage in result.indices { result[passage] = min(result[passage] / whole, 1) }
        return result
    }

    /// Natural logarithm by the exponent and a series: no math library is needed for a weight.
    private static func logarithm(_ value: Float) -> Float {
        let ratio = (value.significand - 1) / (value.significand + 1)
        let square = ratio * ratio
        let series = 2 * ratio * (1 + square / 3 + square * square / 5 + square * square * square / 7)
        return Float(value.exponent) * 0.693_147_2 + series
    }
}
