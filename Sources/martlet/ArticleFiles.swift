import Answering
import Desk
import DeskModel
import Foundation

/// Articles in files and folders.
enum ArticleFiles {
    /// Larger files are no articles.
    private static let maximumSize = 64 << 20

    /// The folder that the service keeps imported; nil when none is configured.
    static func folder(_ path: String) -> ArticleFolder? {
        guard !path.isEmpty else { return nil }
        return ArticleFolder(
            name: path, signature: { try Self.signature(of: path) }, articles: { try Self.articles(at: path) })
    }

    /// Names, sizes and times of the files that hold articles.
    private static func signature(of path: String) throws -> String {
        let resolved = URL(filePath: path).resolvingSymlinksInPath().path
        let names = FileManager.default.enumerator(atPath: resolved)?.compactMap { $0 as? String } ?? []
        return try names.sorted().filter(Self.isArticle).map { name in
            let facts = try FileManager.default.attributesOfItem(atPath: "\(resolved)/\(name)")
            let changed = (facts[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
            return "\(name) \(facts[.size] as? Int ?? 0) \(changed)"
        }.joined(separator: "\n")
    }

    private static func isArticle(_ name: String) -> Bool {
        let isHidden = name.split(separator: "/").contains { $0.hasPrefix(".") }
        let fileType = name.split(separator: ".").last?.lowercased() ?? ""
        return !isHidden && ArticleReader.fileTypes.contains(fileType)
    }

    /// What files hold: articles, and what is in the way of an import.
    struct Reading {
        var articles: [Article] = []
        /// Keys of articles without a text, which would be quoted as an answer by their bare title.
        var withoutText: [String] = []
        /// One line for each file that cannot be read.
        var problems: [String] = []
    }

    /// Every article in one file, or in the files below a folder. Hidden files and articles without a text are left out.
    /// - Throws: `CommandError` that names every file that cannot be read: half a folder would pass for the whole one.
    static func articles(at path: String) throws -> [Article] { try Self.articles(of: Self.read([path])) }

    static func articles(of reading: Reading) throws(CommandError) -> [Article] {
        guard !reading.problems.isEmpty else { return reading.articles }
        throw CommandError(.failed, reading.problems.joined(separator: "; "))
    }

    /// What all the files and folders hold, in the order of their paths.
    static func read(_ paths: [String]) throws -> Reading {
        var reading = Reading()
        for path in paths {
            for (file, key) in try Self.files(at: path) {
                do {
                    let articles = try Self.read(file, key: key)
                    let isEmpty = { (article: Article) in article.content.allSatisfy(\.isWhitespace) }
                    reading.articles += articles.filter { !isEmpty($0) }
                    reading.withoutText += articles.filter(isEmpty).map(\.key)
                } catch {
                    reading.problems.append(error.context)
                }
            }
        }
        return reading
    }

    /// Path and key of each file.
    private static func files(at path: String) throws(CommandError) -> [(path: String, key: String)] {
        let resolved = URL(filePath: path).resolvingSymlinksInPath().path
        guard let facts = try? FileManager.default.attributesOfItem(atPath: resolved) else {
            throw CommandError(.usage, "there is no file or folder \(path)")
        }
        guard facts[.type] as? FileAttributeType == .typeDirectory else {
            return [(path, path.split(separator: "/").last.map(String.init) ?? path)]
        }
        let names = FileManager.default.enumerator(atPath: resolved)?.compactMap { $0 as? String } ?? []
        return names.sorted().filter(Self.isArticle).map { ("\(resolved)/\($0)", $0) }
    }

    private static func read(_ path: String, key: String) throws(CommandError) -> [Article] {
        let size = (try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? Int ?? 0
        guard size <= Self.maximumSize else { throw CommandError(.failed, "\(key) is larger than 64 MB") }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandError(.failed, "\(key) cannot be read")
        }
        // Guessed letters would go to customers.
        guard let text = String(data: data, encoding: .utf8), !text.contains("\0") else {
            throw CommandError(.failed, "\(key) is not text in UTF-8")
        }
        do {
            return try ArticleReader.articles(path: key, text: text)
        } catch {
            throw CommandError(.failed, "\(error.context)")
        }
    }
}
