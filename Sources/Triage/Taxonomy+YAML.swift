internal import Yams

extension Taxonomy {
    /// Reads a taxonomy file.
    ///
    /// - Parameter file: name for messages.
    /// - Throws: `TriageError.malformedTaxonomy` with all problems, each with its line.
    package init(yaml: String, file: String) throws(TriageError) {
        let root: Node?
        do {
            root = try Yams.compose(yaml: yaml)
        } catch let error as YamlError {
            throw TriageError(.malformedTaxonomy, "\(file): \(Self.place(of: error))")
        } catch {
            throw TriageError(.malformedTaxonomy, "\(file): not readable as YAML")
        }
        var reader = YAMLReader()
        let keys = reader.mapping(
            root, allowed: ["name", "floor", "fallback", "categories", "tags", "priority"], at: "the file")
        let categories = Self.categories(keys["categories"], &reader, at: "categories", isTop: true)
        if categories.isEmpty { reader.report(root, "categories must name at least one category") }
        let tags = Self.tags(keys["tags"], &reader)
        let priority = PriorityRules(keys["priority"], &reader)
        let fallback = reader.text(keys["fallback"], at: "fallback") ?? "Other"
        if keys["fallback"] != nil, !categories.contains(where: { $0.name == fallback }) {
            reader.report(keys["fallback"], "fallback names no upper category")
        }
        let floor = reader.number(keys["floor"], at: "floor") ?? 0.05
        if !(0...1).contains(floor) { reader.report(keys["floor"], "floor must lie between 0 and 1") }
        self.init(
            name: reader.text(keys["name"], at: "name") ?? "unnamed", floor: floor, fallback: fallback,
            categories: categories, tags: tags, priority: priority)
        for name in priority.low where !self.names.contains(name) {
            reader.report(keys["priority"], "priority.low names the unknown category \(name)")
        }
        for signal in priority.signals {
            for name in signal.categories where !self.names.contains(name) {
                reader.report(keys["priority"], "the signal \(signal.name) names the unknown category \(name)")
            }
        }
        guard reader.problems.isEmpty else {
            let lines = reader.problems.sorted { $0.line < $1.line }.map { "\(file):\($0.line): \($0.text)" }
            throw TriageError(.malformedTaxonomy, lines.joined(separator: "\n"))
        }
    }

    private static func categories(
        _ node: Node?, _ reader: inout YAMLReader, at place: String, isTop: Bool
    ) -> [Category] {
        var allowed = ["name", "description", "examples", "tags"]
        if isTop { allowed.append("children") }
        var seen: Set<String> = []
        return reader.list(node, at: place).compactMap { node in
            let keys = reader.mapping(node, allowed: allowed, at: "each of \(place)")
            guard let name = reader.text(keys["name"], at: "name") else {
                reader.report(node, "a category in \(place) has no name")
                return nil
            }
            if name.contains(Self.separator) {
                reader.report(node, "\(name): a name cannot contain “/” between spaces")
            }
            if !seen.insert(name).inserted { reader.report(node, "\(name) occurs twice in \(place)") }
            let children = Self.categories(keys["children"], &reader, at: "children of \(name)", isTop: false)
            return Category(
                name: name, description: reader.text(keys["description"], at: "description of \(name)") ?? "",
                examples: reader.texts(keys["examples"], at: "examples of \(name)"),
                tags: reader.texts(keys["tags"], at: "tags of \(name)"), children: children)
        }
    }

    private static func tags(_ node: Node?, _ reader: inout YAMLReader) -> [Tag] {
        var seen: Set<String> = []
        return reader.list(node, at: "tags").compactMap { node in
            let keys = reader.mapping(
                node, allowed: ["name", "description", "examples", "patterns", "threshold"], at: "each of tags")
            guard let name = reader.text(keys["name"], at: "name") else {
                reader.report(node, "a tag has no name")
                return nil
            }
            if !seen.insert(name).inserted { reader.report(node, "the tag \(name) occurs twice") }
            let threshold = reader.number(keys["threshold"], at: "threshold of \(name)")
            if let threshold, !(0...1).contains(threshold) {
                reader.report(keys["threshold"], "threshold of \(name) must lie between 0 and 1")
            }
            return Tag(
                name: name, description: reader.text(keys["description"], at: "description of \(name)") ?? "",
                examples: reader.texts(keys["examples"], at: "examples of \(name)"),
                patterns: PhrasePattern.list(keys["patterns"], &reader, at: "patterns of \(name)"), threshold: threshold
            )
        }
    }

    /// Line and problem of a syntax error; the error's own description would repeat the whole file.
    private static func place(of error: YamlError) -> String {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            "line \(mark.line): \(problem)"
        default: "not readable as YAML"
        }
    }
}
