internal import DeskModel

/// Two articles that an author should look at side by side.
package struct KnowledgeWarning: Sendable, Codable, Equatable {
    package enum Kind: String, Sendable, Codable {
        /// They say nearly the same.
        case duplicate
        /// They speak of the same thing with other numbers.
        case contradiction
    }

    package let kind: Kind
    /// Keys of the articles.
    package let article: String
    package let other: String
    /// What each says.
    package let text: String
    package let otherText: String
}

extension KnowledgeIndex {
    /// Cosine from which two passages say nearly the same, and from which they speak of the same thing.
    private static let duplicateCosine: Float = 0.93
    private static let relatedCosine: Float = 0.7
    /// Share of common meaning words from which two sentences speak of the same thing.
    private static let relatedShare = 0.6
    private static let warningLimit = 50
    /// Pairs of passages that are looked at: a first import of a large base is not held up by it.
    private static let comparisons = 20_000_000

    /// Passages of the named articles that another article repeats or contradicts, strongest first; at most 50.
    /// - Throws: what the source of the vectors throws.
    func warnings(about keys: Set<String>) async throws -> [KnowledgeWarning] {
        var found: [(cosine: Float, warning: KnowledgeWarning)] = []
        var seen: Set<[String]> = []
        var room = Self.comparisons / max(1, self.count)
        for (passage, owner) in self.owners.enumerated() where keys.contains(self.articles[owner].key) {
            guard room > 0 else { break }
            room -= 1
            for near in try await self.neighbours(of: passage, from: Self.relatedCosine) {
                let other = self.owners[near.passage]
                guard other != owner else { continue }
                let pair = [self.articles[owner].key, self.articles[other].key]
                let texts = (self.chunk(at: passage).content, self.chunk(at: near.passage).content)
                if let (text, otherText) = Self.contradiction(texts.0, texts.1) {
                    guard seen.insert((pair + [text, otherText]).sorted()).inserted else { continue }
                    found.append(
                        (
                            1 + near.cosine,
                            KnowledgeWarning(
                                kind: .contradiction, article: pair[0], other: pair[1], text: text, otherText: otherText
                            )
                        ))
                } else if near.cosine >= Self.duplicateCosine, seen.insert(pair.sorted()).inserted {
                    found.append(
                        (
                            near.cosine,
                            KnowledgeWarning(
                                kind: .duplicate, article: pair[0], other: pair[1], text: String(texts.0.prefix(120)),
                                otherText: String(texts.1.prefix(120)))
                        ))
                }
            }
        }
        return found.sorted { $0.cosine > $1.cosine }.prefix(Self.warningLimit).map(\.warning)
    }

    /// Two sentences with the same words and other numbers.
    static func contradiction(_ left: String, _ right: String) -> (String, String)? {
        let others = SentenceSplitter.sentences(right).map(Claim.init)
        for claim in SentenceSplitter.sentences(left).map(Claim.init) where !claim.numbers.isEmpty {
            for other in others where !other.numbers.isEmpty {
                let common = Double(claim.terms.intersection(other.terms).count)
                let share = common / Double(max(1, max(claim.terms.count, other.terms.count)))
                guard common >= 3, share >= Self.relatedShare, claim.numbers.isDisjoint(with: other.numbers) else {
                    continue
                }
                return (claim.text, other.text)
            }
        }
        return nil
    }

    private struct Claim {
        let text: String
        let terms: Set<String>
        let numbers: Set<String>

        init(_ text: String) {
            self.text = text
            self.terms = Set(Words.terms(in: text).filter { !$0.contains(where: \.isNumber) })
            self.numbers = Facts(in: text).numbers
        }
    }
}
