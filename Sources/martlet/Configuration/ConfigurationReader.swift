import Configuration
import DeskModel
import Foundation

/// Reads fields from environment, credentials and file, the first of which wins, and gathers what is wrong.
struct ConfigurationReader {
    /// A value and where it stood.
    private struct Found {
        let texts: [String]
        let place: String
    }

    let file: DeskFile
    /// Paths of files in the configuration are meant relative to this folder.
    let folder: String
    private let layers: [(name: String, snapshot: any ConfigSnapshot)]
    private(set) var problems: [ConfigurationProblem] = []
    /// What stops nothing, and is perhaps not what somebody meant.
    private(set) var warnings: [ConfigurationProblem] = []
    /// Names in the environment and paths in the file that a field stands behind.
    private(set) var known: Set<[String]> = []

    init(
        file: DeskFile, folder: String, environment: any ConfigSnapshot, credentials: any ConfigSnapshot
    ) {
        self.file = file
        self.folder = folder
        self.layers = [("environment", environment), ("credential", credentials)]
    }

    /// Sets what the fields find below `prefix`.
    mutating func read<Root>(_ fields: [ConfigurationField<Root>], below prefix: [String] = [], into root: inout Root) {
        for field in fields {
            let path = prefix + field.path
            self.known.insert(path)
            switch field.content {
            case .text(let apply):
                guard let found = self.find(path, isList: false) else { continue }
                let isFile = field.kind == ConfigurationField<Root>.fileKind
                let text = isFile ? self.absolute(found.texts[0]) : found.texts[0]
                self.attempt(path, found) { () throws(ConfigurationComplaint) in try apply(text, &root) }
            case .list(let apply):
                guard let found = self.find(path, isList: true) else { continue }
                self.attempt(path, found) { () throws(ConfigurationComplaint) in try apply(found.texts, &root) }
            case .secret(let apply):
                if let secret = self.secret(path) { apply(secret, &root) }
            }
        }
    }

    /// Keys that are known although nobody needed to read them.
    mutating func expect(_ paths: [[String]]) { self.known.formUnion(paths) }

    /// Adds problems that were found elsewhere.
    mutating func report(_ problems: [ConfigurationProblem]) { self.problems += problems }

    /// The secret at `path`, or in the file that `path` with `_file` names.
    mutating func secret(_ path: [String]) -> Secret? {
        let filePath = Array(path.dropLast()) + ["\(path.last ?? "")_file"]
        self.known.insert(path)
        self.known.insert(filePath)
        let direct = self.find(path, isList: false)
        guard let named = self.find(filePath, isList: false) else { return direct.map { Secret($0.texts[0]) } }
        let key = path.joined(separator: ".")
        if let direct {
            // An environment or credential overrides a file's `_file` on purpose; two in one file are a mistake.
            if direct.place.contains(" line "), named.place.contains(" line ") {
                self.problems.append(
                    ConfigurationProblem(
                        key, at: direct.place, "both \(key) and \(key)_file are given", remedy: "remove one of them"))
            } else if direct.place.hasPrefix("credential "),
                let other = FileManager.default.contents(atPath: self.absolute(named.texts[0])),
                String(decoding: other, as: UTF8.self).trimmingWhitespace() != direct.texts[0]
            {
                self.warnings.append(
                    ConfigurationProblem(
                        "\(key)_file", at: named.place,
                        "the \(direct.place) wins over this file, and holds another secret",
                        remedy: "remove one of them"))
            }
            return Secret(direct.texts[0])
        }
        return self.secret(inFile: self.absolute(named.texts[0]), key: "\(key)_file", place: named.place)
    }

    /// A path relative to the configuration file, made absolute.
    func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : URL(filePath: self.folder).appending(path: path).standardizedFileURL.path
    }

    private mutating func secret(inFile file: String, key: String, place: String) -> Secret? {
        let needs: ConfigurationNeeds =
            key.hasPrefix("mailboxes.") ? .mailboxes : key.hasPrefix("token_key") ? .tokenKey : .database
        guard let data = FileManager.default.contents(atPath: file) else {
            let isThere = FileManager.default.fileExists(atPath: file)
            let complaint = isThere ? "the file may not be read" : "the file does not exist"
            let remedy =
                isThere
                ? "let the user that runs martlet read it, and nobody else"
                : "create it with the secret as its only line"
            self.problems.append(ConfigurationProblem(key, at: place, complaint, remedy: remedy, needs: needs))
            return nil
        }
        let text = String(decoding: data.prefix(65_536), as: UTF8.self).trimmingWhitespace()
        guard text.isEmpty else { return Secret(text) }
        self.problems.append(
            ConfigurationProblem(
                key, at: place, "the file is empty", remedy: "write the secret as its only line", needs: needs))
        return nil
    }

    private mutating func attempt(_ path: [String], _ found: Found, _ apply: () throws(ConfigurationComplaint) -> Void)
    {
        do {
            try apply()
        } catch {
            self.problems.append(
                ConfigurationProblem(
                    path.joined(separator: "."), at: found.place, error.text, remedy: error.remedy))
        }
    }

    private mutating func find(_ path: [String], isList: Bool) -> Found? {
        let key = AbsoluteConfigKey(path)
        for layer in self.layers {
            guard let result = try? layer.snapshot.value(forKey: key, type: .string),
                case .string(let text)? = result.value?.content, !text.isEmpty
            else { continue }
            return Found(texts: isList ? DeskFile.split(text) : [text], place: "\(layer.name) \(result.encodedKey)")
        }
        guard let entry = self.file.entry(path) else { return nil }
        let place = self.file.place(entry)
        switch entry.value {
        case .text(let text): return Found(texts: isList ? DeskFile.split(text) : [text], place: place)
        case .list(let texts) where isList: return Found(texts: texts, place: place)
        case .list, .section:
            let complaint = isList ? "is not a list" : "holds more than one value"
            let remedy = isList ? "write [a, b], or one line with a dash for each" : "write one value after the colon"
            self.problems.append(
                ConfigurationProblem(path.joined(separator: "."), at: place, complaint, remedy: remedy))
            return nil
        }
    }
}
