internal import Yams

/// Walks a YAML document and gathers every problem with its line, so that an author sees all of them at once.
struct YAMLReader {
    private(set) var problems: [(line: Int, text: String)] = []

    mutating func report(_ node: Node?, _ text: String) { self.problems.append((node?.mark?.line ?? 1, text)) }

    /// The pairs of a mapping by key; reports keys that are not among `allowed`.
    mutating func mapping(_ node: Node?, allowed: [String], at place: String) -> [String: Node] {
        guard let node else { return [:] }
        guard case .mapping(let mapping) = node else {
            self.report(node, "\(place) must be a mapping of \(allowed.joined(separator: ", "))")
            return [:]
        }
        var pairs: [String: Node] = [:]
        for (key, value) in mapping {
            let name = key.string ?? "?"
            if !allowed.contains(name) {
                self.report(key, "unknown key \(name) in \(place); known are \(allowed.joined(separator: ", "))")
            } else if pairs.updateValue(value, forKey: name) != nil {
                self.report(key, "\(name) is given twice in \(place)")
            }
        }
        return pairs
    }

    mutating func list(_ node: Node?, at place: String) -> [Node] {
        guard let node else { return [] }
        guard case .sequence(let sequence) = node else {
            self.report(node, "\(place) must be a list")
            return []
        }
        return Array(sequence)
    }

    mutating func text(_ node: Node?, at place: String) -> String? {
        guard let node else { return nil }
        guard case .scalar(let scalar) = node, !scalar.string.isEmpty else {
            self.report(node, "\(place) must be text")
            return nil
        }
        return scalar.string
    }

    mutating func texts(_ node: Node?, at place: String) -> [String] {
        self.list(node, at: place).compactMap { self.text($0, at: "each item of \(place)") }
    }

    mutating func number(_ node: Node?, at place: String) -> Double? {
        guard let node else { return nil }
        guard case .scalar(let scalar) = node, let number = Double(scalar.string), number.isFinite else {
            self.report(node, "\(place) must be a number")
            return nil
        }
        return number
    }

    mutating func boolean(_ node: Node?, at place: String) -> Bool? {
        guard let node else { return nil }
        guard let value = node.bool else {
            self.report(node, "\(place) must be true or false")
            return nil
        }
        return value
    }
}
