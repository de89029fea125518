import Configuration
import Yams

/// A configuration file as keys and values.
///
/// A list of maps, such as `mailboxes`, becomes keys by each item's `name`: `mailboxes.support.imap`. The package's own
/// YAML reader refuses such lists altogether, so this one stands in its place.
struct DeskFile: ConfigSnapshot {
    enum Value: Sendable, Hashable {
        case text(String)
        case list([String])
        /// Further keys below.
        case section
    }

    struct Entry: Sendable, Hashable {
        let path: [String]
        let value: Value
        /// From 1.
        let line: Int
    }

    let providerName = "DeskFile"
    /// File name for messages.
    let name: String
    /// In the order of the file.
    private(set) var entries: [Entry] = []
    /// What could not be read as keys and values.
    private(set) var problems: [ConfigurationProblem] = []
    private var byPath: [[String]: Entry] = [:]

    /// - Parameters:
    ///   - text: YAML; empty for no file.
    ///   - name: file name for messages.
    init(_ text: String, name: String) {
        self.name = name
        do {
            guard let root = try Yams.Parser(yaml: text).singleRoot() else { return }
            if root.scalar?.string.isEmpty == true { return }
            guard let mapping = root.mapping else {
                self.problems.append(ConfigurationProblem("", at: name, "the file holds no keys"))
                return
            }
            self.add(mapping, below: [])
        } catch let error as YamlError {
            self.problems.append(self.problem(error))
        } catch {
            self.problems.append(ConfigurationProblem("", at: name, "the file is not readable as YAML"))
        }
    }

    /// The entry at a path; nil when it is missing or says nothing (`key:` alone).
    func entry(_ path: [String]) -> Entry? {
        guard let entry = self.byPath[path], entry.value != .text("") else { return nil }
        return entry
    }

    /// Names of the direct children, in the order of the file.
    func children(of path: [String]) -> [String] {
        self.entries.filter { $0.path.count == path.count + 1 && $0.path.starts(with: path) }
            .map { $0.path[path.count] }
    }

    /// File name and line, for messages.
    func place(_ entry: Entry) -> String { "\(self.name) line \(entry.line)" }

    func value(forKey key: AbsoluteConfigKey, type: ConfigType) throws -> LookupResult {
        let content: ConfigContent? =
            switch (self.entry(key.components)?.value, type) {
            case (.text(let text), .string): .string(text)
            case (.text(let text), .stringArray): .stringArray(Self.split(text))
            case (.list(let texts), .stringArray): .stringArray(texts)
            default: nil
            }
        return LookupResult(
            encodedKey: key.description, value: content.map { ConfigValue($0, isSecret: true) })
    }

    /// `a, b` as two texts.
    static func split(_ text: String) -> [String] {
        text.split(separator: ",").map { $0.trimmingWhitespace() }.filter { !$0.isEmpty }
    }

    private mutating func add(_ mapping: Node.Mapping, below path: [String]) {
        for (key, node) in mapping {
            let line = (key.mark ?? node.mark)?.line ?? 0
            guard let name = key.string, Self.isPresentable(name) else {
                self.problems.append(
                    ConfigurationProblem(
                        path.joined(separator: "."), at: "\(self.name) line \(line)", "a key is not a plain name"))
                continue
            }
            self.add(node, at: path + [name], line: line)
        }
    }

    private mutating func add(_ node: Node, at path: [String], line: Int) {
        switch node {
        case .scalar(let scalar):
            let isNull = scalar.style == .plain && ["~", "null"].contains(scalar.string)
            self.append(path, .text(isNull ? "" : scalar.string), line)
        case .mapping(let mapping):
            self.append(path, .section, line)
            self.add(mapping, below: path)
        case .sequence(let sequence) where sequence.contains { $0.mapping != nil }:
            self.append(path, .section, line)
            for (index, item) in sequence.enumerated() { self.addItem(item, of: path, index: index) }
        case .sequence(let sequence):
            self.append(path, .list(sequence.compactMap(\.scalar?.string).filter { !$0.isEmpty }), line)
        case .alias:
            self.problems.append(
                ConfigurationProblem(
                    path.joined(separator: "."), at: "\(self.name) line \(line)", "an alias refers to nothing"))
        }
    }

    private mutating func addItem(_ item: Node, of path: [String], index: Int) {
        let key = "\(path.joined(separator: "."))[\(index)]"
        let place = "\(self.name) line \(item.mark?.line ?? 0)"
        guard let mapping = item.mapping, let name = mapping["name"]?.scalar?.string, !name.isEmpty else {
            self.problems.append(
                ConfigurationProblem(key, at: place, "the item has no name", remedy: "add name: and a short word"))
            return
        }
        guard Self.isPresentable(name), !self.children(of: path).contains(name) else {
            self.problems.append(
                ConfigurationProblem(
                    key, at: place, "the name is used twice or is not a plain word", remedy: "choose another name"))
            return
        }
        self.append(path + [name], .section, item.mark?.line ?? 0)
        self.add(mapping, below: path + [name])
    }

    private mutating func append(_ path: [String], _ value: Value, _ line: Int) {
        let entry = Entry(path: path, value: value, line: line)
        self.entries.append(entry)
        self.byPath[path] = entry
    }

    /// The parser's own description of an error repeats the whole file, secrets included; this names the line only.
    private func problem(_ error: YamlError) -> ConfigurationProblem {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return ConfigurationProblem(
                "", at: "\(self.name) line \(mark.line)", "not valid YAML: \(problem)",
                remedy: "check indentation (spaces, not tabs), colons and quotes in this line and the one above")
        case .duplicatedKeysInMapping(let duplicates, let context):
            let names = duplicates.filter(Self.isPresentable).joined(separator: ", ")
            return ConfigurationProblem(
                names, at: "\(self.name) line \(context.mark.line)", "the key stands there twice",
                remedy: "keep one of them")
        default:
            return ConfigurationProblem("", at: self.name, "the file is not readable as YAML in UTF-8")
        }
    }

    /// Whether a name may be repeated in a message: what is no plain word may be a secret in the wrong place.
    private static func isPresentable(_ name: String) -> Bool {
        (1...40).contains(name.count)
            && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }
    }
}

extension StringProtocol {
    /// Without white space at both ends.
    func trimmingWhitespace() -> String {
        let start = self.drop { $0.isWhitespace }
        return String(start.reversed().drop { $0.isWhitespace }.reversed())
    }
}
