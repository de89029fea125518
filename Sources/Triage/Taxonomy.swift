/// The categories and tags of one desk, with examples, and the rules of urgency: one YAML file that a team edits.
package struct Taxonomy: Sendable, Hashable {
    package struct Category: Sendable, Hashable {
        package var name: String
        package var description: String
        package var examples: [String]
        /// Tags that the examples of this category teach.
        package var tags: [String]
        /// The second level; empty in a flat taxonomy.
        package var children: [Category]
    }

    package struct Tag: Sendable, Hashable {
        package var name: String
        package var description: String
        package var examples: [String]
        /// Phrases that set the tag at once.
        package var patterns: [PhrasePattern]
        /// Least probability; nil means fitted in training.
        package var threshold: Double?
    }

    /// One text that teaches, with the labels it stands for.
    struct Example: Hashable {
        var text: String
        /// `Shipping / Not arrived`, or `Shipping`; nil for an example of tags only.
        var category: String?
        var tags: [String]
    }

    package var name: String
    /// Mails less familiar than this go to people as `fallback`, 0…1.
    package var floor: Double
    /// An upper category.
    package var fallback: String
    package var categories: [Category]
    package var tags: [Tag]
    package var priority: PriorityRules

    /// Between the names of the two levels.
    package static let separator = " / "

    package var topLevels: [String] { self.categories.map(\.name) }

    /// Every category's full name, upper levels first within each branch.
    package var names: [String] {
        self.categories.flatMap { top in [top.name] + top.children.map { "\(top.name)\(Self.separator)\($0.name)" } }
    }

    /// The tags of a category by full name, its parent's included.
    package func tags(of category: String) -> [String] {
        for top in self.categories {
            if top.name == category { return top.tags }
            for child in top.children where "\(top.name)\(Self.separator)\(child.name)" == category {
                return top.tags + child.tags
            }
        }
        return []
    }

    /// All examples; a category's description and name teach too, so that a new one works before it has examples.
    var examples: [Example] {
        var examples: [Example] = []
        func add(_ category: Category, as name: String, tags: [String]) {
            let all = tags + category.tags
            examples += category.examples.map { Example(text: $0, category: name, tags: all) }
            examples.append(Example(text: category.name, category: name, tags: all))
            if !category.description.isEmpty {
                examples.append(Example(text: category.description, category: name, tags: all))
            }
        }
        for top in self.categories {
            add(top, as: top.name, tags: [])
            for child in top.children { add(child, as: "\(top.name)\(Self.separator)\(child.name)", tags: top.tags) }
        }
        for tag in self.tags { examples += tag.examples.map { Example(text: $0, category: nil, tags: [tag.name]) } }
        return examples
    }

    /// Every tag that any category or the tag list names, in order of first mention.
    package var tagNames: [String] {
        var names: [String] = []
        for category in self.categories {
            names += category.tags + category.children.flatMap(\.tags)
        }
        names += self.tags.map(\.name)
        var seen: Set<String> = []
        return names.filter { seen.insert($0).inserted }
    }
}
