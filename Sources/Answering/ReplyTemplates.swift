internal import Mustache

/// The form of a reply: what stands around the answer, by language, category and mood.
///
/// A template is a Mustache file. The first of these that exists is used, in the folder of the language and then in the
/// folder itself: `reply.CATEGORY.negative`, `reply.CATEGORY`, `reply.negative`, `reply`, each with `.mustache` at its
/// end. Without any, the parts follow each other as they do in the shipped `reply.mustache`.
package struct ReplyTemplates: Sendable {
    /// What a template may name. All but `answer`, `greeting` and `closing` may be absent, which makes a section of them
    /// empty.
    package static let variables: Set<String> = [
        "name", "greeting", "thanks", "apology", "answer", "request", "noted", "closing", "signature", "category",
    ]

    /// No files.
    package static let standard = ReplyTemplates(templates: [:])

    private let templates: [String: MustacheTemplate]

    private init(templates: [String: MustacheTemplate]) { self.templates = templates }

    /// - Parameter files: texts by path below the folder: `reply.mustache`, `de/reply.shipping.mustache`.
    /// - Throws: `.malformedTemplate` with file and line.
    package init(files: [String: String]) throws(AnsweringError) {
        var templates: [String: MustacheTemplate] = [:]
        for (path, text) in files.sorted(by: { $0.key < $1.key }) {
            try Self.check(text, path)
            do {
                // Mail is plain text; nothing is escaped.
                templates[path] = try MustacheTemplate(string: "{{% CONTENT_TYPE:TEXT}}" + text)
            } catch {
                throw AnsweringError(.malformedTemplate, "\(path): \(error)")
            }
            guard text.contains("{{answer}}") || text.contains("{{ answer }}") else {
                throw AnsweringError(.malformedTemplate, "\(path): {{answer}} is missing")
            }
        }
        self.init(templates: templates)
    }

    /// - Parameters:
    ///   - values: by name; those that are empty count as absent.
    ///   - category: upper level, or nil.
    /// - Returns: the reply without empty paragraphs.
    func render(_ values: [String: String], language: String, category: String?, isNegative: Bool) -> String {
        let present = values.filter { !$0.value.isEmpty }
        guard let template = self.template(language: language, category: category, isNegative: isNegative) else {
            let parts = ["greeting", isNegative ? "apology" : "thanks", "answer", "request", "noted"]
            let closing = [present["closing"], present["signature"]].compactMap(\.self).joined(separator: "\n")
            return (parts.compactMap { present[$0] } + [closing]).joined(separator: "\n\n")
        }
        return Self.tidied(template.render(present))
    }

    private func template(language: String, category: String?, isNegative: Bool) -> MustacheTemplate? {
        let matter = category.map { "reply." + Words.all(in: $0).joined(separator: "-") }
        let names = [
            isNegative ? matter.map { "\($0).negative" } : nil, matter, isNegative ? "reply.negative" : nil, "reply",
        ]
        for folder in ["\(language)/", ""] {
            for name in names.compactMap(\.self) {
                if let template = self.templates["\(folder)\(name).mustache"] { return template }
            }
        }
        return nil
    }

    /// One empty line between paragraphs, none at the ends.
    private static func tidied(_ text: String) -> String {
        var lines: [Substring] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let isBlank = line.allSatisfy(\.isWhitespace)
            if isBlank, lines.last?.isEmpty ?? true { continue }
            lines.append(isBlank ? "" : line)
        }
        while lines.last?.isEmpty == true { lines.removeLast() }
        return lines.joined(separator: "\n")
    }

    /// Every tag must be a variable, a section of one or a comment: an unknown name would leave a hole in a mail.
    private static func check(_ text: String, _ path: String) throws(AnsweringError) {
        var rest = text[...]
        var line = 1
        while let (before, after) = Self.cut(rest, at: "{{") {
            line += before.count { $0.isNewline }
            guard let (tag, following) = Self.cut(after, at: "}}") else {
                throw AnsweringError(.malformedTemplate, "\(path), line \(line): a tag has no end")
            }
            let isComment = tag.first == "!"
            let name = tag.drop { "#^/{& ".contains($0) }.prefix { $0 != " " && $0 != "}" }
            guard isComment || Self.variables.contains(String(name)) else {
                throw AnsweringError(.malformedTemplate, "\(path), line \(line): there is no {{\(name)}}")
            }
            line += tag.count { $0.isNewline }
            rest = following
        }
    }

    private static func cut(_ text: Substring, at mark: String) -> (before: Substring, after: Substring)? {
        guard let range = text.firstRange(of: mark) else { return nil }
        return (text[..<range.lowerBound], text[range.upperBound...])
    }
}
