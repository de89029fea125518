import DeskModel

/// What is wrong with one value, in words that follow the key's name, and what to write instead.
struct ConfigurationComplaint: Error {
    let text: String
    let remedy: String?

    init(_ text: String, remedy: String? = nil) {
        self.text = text
        self.remedy = remedy
    }
}

/// One key of the configuration: its name, what may stand there, and where it goes.
///
/// The tables of fields (`DeskFields`, `MailboxFields`) are the only list of keys: reading, the check for unknown keys,
/// the page Documentation/configuration.md and the test of the sample file all walk them.
struct ConfigurationField<Root>: Sendable {
    enum Content: Sendable {
        case text(@Sendable (String, inout Root) throws(ConfigurationComplaint) -> Void)
        case list(@Sendable ([String], inout Root) throws(ConfigurationComplaint) -> Void)
        /// May also be read from a file named by the same key with `_file`.
        case secret(@Sendable (Secret, inout Root) -> Void)
    }

    /// Dotted, below the root: `escalation.team`.
    let key: String
    /// What may stand there, for documentation: `duration`, `yes or no`.
    let kind: String
    /// As it would be written; nil when there is no default worth naming.
    let preset: String?
    let summary: String
    let content: Content

    var path: [String] { self.key.split(separator: ".").map(String.init) }

    init(_ key: String, kind: String, preset: String?, _ summary: String, _ content: Content) {
        self.key = key
        self.kind = kind
        self.preset = preset
        self.summary = summary
        self.content = content
    }
}

extension ConfigurationField {
    typealias Path<Value> = WritableKeyPath<Root, Value> & Sendable

    static func text(_ key: String, _ path: any Path<String>, preset: String? = nil, _ summary: String) -> Self {
        Self(key, kind: "text", preset: preset, summary, .text { text, root in root[keyPath: path] = text })
    }

    /// A file or folder; one without a leading slash is meant relative to the configuration file.
    static func file(_ key: String, _ path: any Path<String>, preset: String? = nil, _ summary: String) -> Self {
        Self(key, kind: Self.fileKind, preset: preset, summary, .text { text, root in root[keyPath: path] = text })
    }

    static var fileKind: String { "path" }

    static func secret(_ key: String, _ path: any Path<Secret>, _ summary: String) -> Self {
        Self(key, kind: "secret", preset: nil, summary, .secret { secret, root in root[keyPath: path] = secret })
    }

    static func flag(_ key: String, _ path: any Path<Bool>, preset: Bool, _ summary: String) -> Self {
        Self(
            key, kind: "yes or no", preset: preset ? "yes" : "no", summary,
            .text { text, root throws(ConfigurationComplaint) in
                switch text.lowercased() {
                case "yes", "true", "on", "1": root[keyPath: path] = true
                case "no", "false", "off", "0": root[keyPath: path] = false
                default: throw ConfigurationComplaint("is neither yes nor no")
                }
            })
    }

    static func integer(
        _ key: String, _ path: any Path<Int>, in range: ClosedRange<Int>, preset: Int, _ summary: String
    ) -> Self {
        let kind = "whole number, \(range.lowerBound) to \(range.upperBound)"
        return Self(
            key, kind: kind, preset: String(preset), summary,
            .text { text, root throws(ConfigurationComplaint) in
                guard let value = Int(text), range.contains(value) else {
                    throw ConfigurationComplaint("is not a \(kind)")
                }
                root[keyPath: path] = value
            })
    }

    /// A probability, 0 to 1.
    static func fraction(_ key: String, _ path: any Path<Double>, preset: Double, _ summary: String) -> Self {
        Self(
            key, kind: "number, 0 to 1", preset: String(preset), summary,
            .text { text, root throws(ConfigurationComplaint) in
                guard let value = Double(text), (0...1).contains(value) else {
                    throw ConfigurationComplaint("is not a number from 0 to 1")
                }
                root[keyPath: path] = value
            })
    }

    static func duration(
        _ key: String, _ path: any Path<Duration>, in range: ClosedRange<Duration>, preset: Duration, _ summary: String
    ) -> Self {
        let limits = "\(Quantity.text(range.lowerBound)) to \(Quantity.text(range.upperBound))"
        return Self(
            key, kind: "duration, \(limits)", preset: Quantity.text(preset), summary,
            .text { text, root throws(ConfigurationComplaint) in
                guard let value = Quantity.duration(text) else {
                    throw ConfigurationComplaint(
                        "is not a duration", remedy: "write a number with its unit: 30s, 15m, 24h or 30d")
                }
                guard range.contains(value) else { throw ConfigurationComplaint("is not within \(limits)") }
                root[keyPath: path] = value
            })
    }

    static func size(
        _ key: String, _ path: any Path<Int>, in range: ClosedRange<Int>, preset: Int, _ summary: String
    ) -> Self {
        let limits = "\(Quantity.text(bytes: range.lowerBound)) to \(Quantity.text(bytes: range.upperBound))"
        return Self(
            key, kind: "size, \(limits)", preset: Quantity.text(bytes: preset), summary,
            .text { text, root throws(ConfigurationComplaint) in
                guard let value = Quantity.size(text) else {
                    throw ConfigurationComplaint("is not a size", remedy: "write a number with its unit: 512KB or 25MB")
                }
                guard range.contains(value) else { throw ConfigurationComplaint("is not within \(limits)") }
                root[keyPath: path] = value
            })
    }

    static func choice<Value: RawRepresentable<String> & CaseIterable & Sendable>(
        _ key: String, _ path: any Path<Value>, preset: Value, _ summary: String
    ) -> Self {
        let names = Value.allCases.map(\.rawValue)
        return Self(
            key, kind: "one of \(names.joined(separator: ", "))", preset: preset.rawValue, summary,
            .text { text, root throws(ConfigurationComplaint) in root[keyPath: path] = try Self.chosen(text, Value.self)
            })
    }

    /// The case with this name.
    static func chosen<Value: RawRepresentable<String> & CaseIterable>(
        _ text: String, _ type: Value.Type
    ) throws(ConfigurationComplaint) -> Value {
        if let value = Value(rawValue: text.lowercased()) { return value }
        let names = Value.allCases.map(\.rawValue)
        throw ConfigurationComplaint(
            "is not one of \(names.joined(separator: ", "))",
            remedy: Suggestion.nearest(to: text, among: names).map { "did you mean \($0)?" })
    }

    static func texts(_ key: String, _ path: any Path<[String]>, _ summary: String) -> Self {
        Self(key, kind: "list of texts", preset: "[]", summary, .list { texts, root in root[keyPath: path] = texts })
    }

    static func addresses(_ key: String, _ path: any Path<[MailAddress]>, _ summary: String) -> Self {
        Self(
            key, kind: "list of addresses", preset: "[]", summary,
            .list { texts, root throws(ConfigurationComplaint) in
                var addresses: [MailAddress] = []
                for text in texts { addresses.append(try Self.address(text)) }
                root[keyPath: path] = addresses
            })
    }

    /// Reads `support@shop.example` or `Example Shop <support@shop.example>`.
    static func address(_ text: String) throws(ConfigurationComplaint) -> MailAddress {
        let text = text.trimmingWhitespace()
        let address: MailAddress?
        if text.hasSuffix(">"), let open = text.lastIndex(of: "<") {
            let name = text[..<open].trimmingWhitespace().trimmingQuotes()
            address = MailAddress(text[text.index(after: open)...].dropLast(), displayName: name)
        } else {
            address = MailAddress(text)
        }
        guard let address else {
            throw ConfigurationComplaint(
                "is not a mail address",
                remedy: "write support@shop.example, or \"Example Shop <support@shop.example>\"")
        }
        return address
    }
}

extension String {
    /// Without one pair of double quotes around it.
    fileprivate func trimmingQuotes() -> String {
        self.count >= 2 && self.hasPrefix("\"") && self.hasSuffix("\"") ? String(self.dropFirst().dropLast()) : self
    }
}
