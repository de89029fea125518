package import DeskModel
import FoundationEssentials

/// Turns the text of one file into articles. Reading the file is the caller's business.
package enum ArticleReader {
    /// File name endings that are understood, lower case, without the dot.
    package static let fileTypes: Set<String> = ["md", "markdown", "txt", "html", "htm", "csv", "jsonl"]

    /// The articles in `text`.
    /// - Parameter path: below the imported folder, with `/`; decides the format and is the key of a one-article file.
    /// - Throws: `.unknownFormat`, or `.malformedArticle` with the line.
    package static func articles(path: String, text: String) throws(AnsweringError) -> [Article] {
        let text = Self.unixLines(text)
        let fileType = path.split(separator: ".").last.map { $0.lowercased() } ?? ""
        switch fileType {
        case "md", "markdown", "txt": return [Self.markdown(path: path, text: text)]
        case "html", "htm": return [Self.html(path: path, text: text)]
        case "csv": return try Self.csv(path: path, text: text)
        case "jsonl": return try Self.jsonLines(path: path, text: text)
        default: throw AnsweringError(.unknownFormat, "\(path): expected .md, .txt, .html, .csv or .jsonl")
        }
    }

    // MARK: Markdown and HTML

    private static func markdown(path: String, text: String) -> Article {
        let (fields, body) = Self.frontMatter(text)
        var article = Article(
            key: path, title: fields["title"] ?? "", content: body, category: fields["category"],
            tags: Self.list(fields["tags"] ?? ""), url: fields["url"],
            language: Self.language(fields["language"] ?? fields["lang"]),
            products: Self.list(fields["products"] ?? fields["product"] ?? ""))
        var lines = body.split(separator: "\n", omittingEmptySubsequences: false)
        if let first = lines.firstIndex(where: { !$0.allSatisfy(\.isWhitespace) }), lines[first].hasPrefix("# ") {
            // The first heading is the title, and is not repeated as a heading of the first passage.
            if article.title.isEmpty { article.title = MarkdownText.inline(lines[first].dropFirst(2)) }
            lines.removeSubrange(...first)
            article.content = lines.joined(separator: "\n")
        }
        if article.title.isEmpty { article.title = Self.title(fromPath: path) }
        return article
    }

    private static func html(path: String, text: String) -> Article {
        let page = HTMLArticle(text)
        var article = Self.markdown(path: path, text: page.markdown)
        if let title = page.title, !page.markdown.hasPrefix("# ") { article.title = title }
        article.language = article.language ?? Self.language(page.language)
        return article
    }

    /// `key: value` lines between two `---` lines at the start; lists may be `[a, b]` or `a, b`.
    private static func frontMatter(_ text: String) -> (fields: [String: String], body: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.first == "---", let end = lines.dropFirst().firstIndex(of: "---") else { return ([:], text) }
        var fields: [String: String] = [:]
        for line in lines[1..<end] {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = Self.trimmed(line[line.index(after: colon)...], also: "\"'[]")
            if !value.isEmpty { fields[Self.trimmed(line[..<colon]).lowercased()] = value }
        }
        return (fields, lines[(end + 1)...].joined(separator: "\n"))
    }

    private static func title(fromPath path: String) -> String {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let stem = name.lastIndex(of: ".").map { name[..<$0] } ?? name[...]
        let words = stem.map { $0 == "-" || $0 == "_" ? " " : String($0) }.joined()
        return words.prefix(1).uppercased() + words.dropFirst()
    }

    // MARK: Rows

    private struct Row: Decodable {
        enum Identifier: Decodable {
            case text(String)
            case number(Int)

            init(from decoder: any Decoder) throws {
                let value = try decoder.singleValueContainer()
                if let number = try? value.decode(Int.self) {
                    self = .number(number)
                } else {
                    self = .text(try value.decode(String.self))
                }
            }
        }

        var id: Identifier
        var title: String
        var body: String
        var category: String?
        var tags: [String]?
        var url: String?
        var language: String?
        var products: [String]?
    }

    private static func jsonLines(path: String, text: String) throws(AnsweringError) -> [Article] {
        let decoder = JSONDecoder()
        var articles: [Article] = []
        for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            guard !line.allSatisfy(\.isWhitespace) else { continue }
            guard let row = try? decoder.decode(Row.self, from: Data(line.utf8)) else {
                throw AnsweringError(
                    .malformedArticle, "\(path), line \(number + 1): expected {\"id\", \"title\", \"body\"}")
            }
            let key =
                switch row.id {
                case .text(let text): text
                case .number(let number): String(number)
                }
            articles.append(
                Article(
                    key: key, title: row.title, content: Self.unixLines(row.body), category: row.category,
                    tags: row.tags ?? [], url: row.url, language: Self.language(row.language),
                    products: row.products ?? []))
        }
        return articles
    }

    /// RFC 4180 with a header line; the columns are found by name, in any order.
    private static func csv(path: String, text: String) throws(AnsweringError) -> [Article] {
        var rows = Self.csvRows(text)
        guard !rows.isEmpty else { return [] }
        let header = rows.removeFirst().cells.map { Self.trimmed($0[...]).lowercased() }
        func column(_ names: String...) -> Int? { header.firstIndex { names.contains($0) } }
        guard let title = column("title", "question"), let body = column("body", "content", "answer") else {
            throw AnsweringError(.malformedArticle, "\(path), line 1: needs the columns title and body")
        }
        let id = column("id", "key")
        let (category, tags, url) = (column("category"), column("tags"), column("url"))
        let (language, products) = (column("language", "lang"), column("products", "product"))
        var articles: [Article] = []
        for row in rows {
            guard row.cells.count == header.count else {
                throw AnsweringError(
                    .malformedArticle, "\(path), line \(row.line): \(row.cells.count) cells, not \(header.count)")
            }
            func cell(_ index: Int?) -> String? { index.map { row.cells[$0] }.flatMap { $0.isEmpty ? nil : $0 } }
            articles.append(
                Article(
                    key: cell(id) ?? "\(path)#\(row.line)", title: row.cells[title], content: row.cells[body],
                    category: cell(category), tags: Self.list(cell(tags) ?? ""), url: cell(url),
                    language: Self.language(cell(language)), products: Self.list(cell(products) ?? "")))
        }
        return articles
    }

    private static func csvRows(_ text: String) -> [(line: Int, cells: [String])] {
        var rows: [(line: Int, cells: [String])] = []
        var cells: [String] = []
        var cell = ""
        var isQuoted = false
        var wasQuote = false
        var line = 1
        var firstLine = 1
        func endRow() {
            cells.append(cell)
            if cells != [""] { rows.append((firstLine, cells)) }
            (cells, cell) = ([], "")
        }
        for character in text {
            if character == "\n" { line += 1 }
            if isQuoted, wasQuote, character != "\"" { isQuoted = false }
            switch character {
            case "\"" where isQuoted:
                if wasQuote { cell.append("\"") }
                wasQuote.toggle()
                continue
            case "\"" where cell.isEmpty: isQuoted = true
            case "," where !isQuoted:
                cells.append(cell)
                cell = ""
            case "\n" where !isQuoted:
                endRow()
                firstLine = line
            default: cell.append(character)
            }
            wasQuote = false
        }
        if !cell.isEmpty || !cells.isEmpty { endRow() }
        return rows
    }

    // MARK: Small text work

    /// The primary subtag of `de-AT` (BCP 47); nil for anything but two letters.
    private static func language(_ tag: String?) -> String? {
        let primary = tag?.prefix { $0 != "-" && $0 != "_" }.lowercased() ?? ""
        return primary.utf8.count == 2 && primary.allSatisfy { ("a"..."z").contains($0) } ? primary : nil
    }

    private static func unixLines(_ text: String) -> String {
        var result = text.hasPrefix("\u{FEFF}") ? text.dropFirst()[...] : text[...]
        if result.utf8.contains(0x0D) || result.utf8.contains(0) {
            var scalars = String.UnicodeScalarView()
            var previous: Unicode.Scalar = " "
            for scalar in result.unicodeScalars {
                if scalar == "\r" || (scalar == "\n" && previous != "\r") {
                    scalars.append("\n")
                } else if scalar != "\n", scalar != "\0" {
                    scalars.append(scalar)
                }
                previous = scalar
            }
            result = String(scalars)[...]
        }
        return String(result)
    }

    private static func list(_ text: String) -> [String] {
        text.split(whereSeparator: { $0 == "," || $0 == ";" }).map { Self.trimmed($0, also: "\"'[]") }
            .filter { !$0.isEmpty }
    }

    private static func trimmed(_ text: Substring, also characters: String = "") -> String {
        var text = text
        while let first = text.first, first.isWhitespace || characters.contains(first) { text.removeFirst() }
        while let last = text.last, last.isWhitespace || characters.contains(last) { text.removeLast() }
        return String(text)
    }
}
