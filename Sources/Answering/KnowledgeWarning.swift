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
    /// Of each passage; in a base of articles that are all alike everything is near to everything.
    private static let neighbourLimit = 20

    /// Passages of the named articles that another article repeats or contradicts, strongest first; at most 50.
    /// - Throws: what the source of the vectors throws.
    func warnings(about keys: Set<String>) async throws -> [KnowledgeWarning] {
        var found: [(cosine: Float, warning: KnowledgeWarning)] = []
        var seen: Set<[String]> = []
        var room = Self.comparisons / max(1, self.count)
        var claims: [Int: [Claim]] = [:]
        func claimsOf(_ passage: Int) -> [Claim] {
            if let known = claims[passage] { return known }
            let found = Self.claims(in: self.chunk(at: passage).content)
            claims[passage] = found
            return found
        }
        for (passage, owner) in self.owners.enumerated() where keys.contains(self.articles[owner].key) {
            guard room > 0 else { break }
            room -= 1
            let neighbours = try await self.neighbours(of: passage, from: Self.relatedCosine)
                .filter { self.owners[$0.passage] != owner }
                .sorted { $0.cosine > $1.cosine }.prefix(Self.neighbourLimit)
            for near in neighbours {
                let other = self.owners[near.passage]
                let pair = [self.articles[owner].key, self.articles[other].key]
                if let (text, otherText) = Self.contradiction(claimsOf(passage), claimsOf(near.passage)) {
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
                                kind: .duplicate, article: pair[0], other: pair[1],
                                text: String(self.chunk(at: passage).content.prefix(120)),
                                otherText: String(self.chunk(at: near.passage).content.prefix(120)))
                        ))
                }
            }
        }
        return found.sorted { $0.cosine > $1.cosine }.prefix(Self.warningLimit).map(\.warning)
    }

    /// Two sentences with the same words and other numbers.
    private static func contradiction(_ claims: [Claim], _ others: [Claim]) -> (String, String)? {
        for claim in claims {
            for other in others {
                let common = Double(claim.terms.intersection(other.terms).count)
                let share = common / Double(max(1, max(claim.terms.count, other.terms.count)))
                // "9:00 to 17:00" and "10:00 to 18:00" share a number; one sentence that only says more than the other
                // has all of its numbers.
                let differs =
                    !claim.numbers.isSubset(of: other.numbers) && !other.numbers.isSubset(of: claim.numbers)
                guard common >= 3, share >= Self.relatedShare, differs else { continue }
                return (claim.text, other.text)
            }
        }
        return nil
    }

    /// The sentences of a text that name numbers.
    private static func claims(in text: String) -> [Claim] {
        SentenceSplitter.sentences(text).map(Claim.init).filter { !$0.numbers.isEmpty }
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
