/// What a command needs of the configuration besides being well-formed.
struct ConfigurationNeeds: OptionSet, Sendable {
    let rawValue: Int

    /// A database to connect to.
    static let database = ConfigurationNeeds(rawValue: 1)
    /// At least one mailbox, with its secrets. A person who lists tickets may not be allowed to read those.
    static let mailboxes = ConfigurationNeeds(rawValue: 2)
    /// A key that signs tokens.
    static let tokenKey = ConfigurationNeeds(rawValue: 4)

    static let everything: ConfigurationNeeds = [.database, .mailboxes, .tokenKey]
}

/// One thing that is wrong with the configuration, and what to do about it. Never holds a value: it may be a secret
/// that stands in the wrong place.
struct ConfigurationProblem: Sendable, Hashable, CustomStringConvertible {
    /// Dotted path, for example `mailboxes.support.imap`; empty when the file as a whole is meant.
    let key: String
    /// Where the value came from; nil when it is missing.
    let place: String?
    let complaint: String
    let remedy: String?
    /// Set when the problem only matters to commands with these needs.
    var needs: ConfigurationNeeds?

    init(
        _ key: String, at place: String? = nil, _ complaint: String, remedy: String? = nil,
        needs: ConfigurationNeeds? = nil
    ) {
        self.key = key
        self.place = place
        self.complaint = complaint
        self.remedy = remedy
        self.needs = needs
    }

    /// The key, the place and the complaint on one line.
    var text: String {
        let place = self.place.map { "(\($0))" } ?? ""
        let subject = [self.key, place].filter { !$0.isEmpty }.joined(separator: " ")
        return subject.isEmpty ? self.complaint : "\(subject): \(self.complaint)"
    }

    /// `text`, and the remedy below.
    var description: String { self.remedy.map { "\(self.text)\n    → \($0)" } ?? self.text }

    static func == (left: Self, right: Self) -> Bool { left.description == right.description }
    func hash(into hasher: inout Hasher) { hasher.combine(self.description) }
}

extension ConfigurationNeeds: Hashable {}

/// All problems of a configuration at once.
struct ConfigurationError: Error, CustomStringConvertible {
    /// The file that was read; nil when there was none.
    let file: String?
    let problems: [ConfigurationProblem]

    var description: String {
        let count = self.problems.count == 1 ? "one problem" : "\(self.problems.count) problems"
        // Who forgot --config looks for a mistake in a file that was never read.
        let place =
            self.file.map { "in \($0)" }
            ?? "from the environment alone, for there is no \(ConfigurationSource.defaultFile),"
        let title = "the configuration \(place) has \(count):"
        return ([title] + self.problems.map { "  \($0)" }).joined(separator: "\n")
    }
}

/// Names that somebody may have meant.
enum Suggestion {
    /// The candidate that differs from `word` by the fewest edits; nil when none is near.
    static func nearest(to word: String, among candidates: some Sequence<String>) -> String? {
        let word = word.lowercased()
        let nearest = candidates.map { (name: $0, distance: Self.distance(word, $0.lowercased())) }
            .min { ($0.distance, $0.name) < ($1.distance, $1.name) }
        guard let nearest, nearest.distance <= max(1, min(word.count, nearest.name.count) / 3) else { return nil }
        return nearest.name
    }

    /// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.
    static func distance(_ left: String, _ right: String) -> Int {
        let left = Array(left)
        let right = Array(right)
        var rows = [Array(0...right.count)]
        for i in left.indices {
            var row = [i + 1]
            for j in right.indices {
                var cost = min(
                    rows[i][j] + (left[i] == right[j] ? 0 : 1), rows[i][j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
                    cost = min(cost, rows[i - 1][j - 1] + 1)
                }
                row.append(cost)
            }
            rows.append(row)
        }
        return rows[left.count][right.count]
    }
}
