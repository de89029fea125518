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

    /// Every article in one file, or in the files below a folder in the order of their paths. Hidden files are left out.
    static func articles(at path: String) throws -> [Article] {
        let resolved = URL(filePath: path).resolvingSymlinksInPath().path
        guard let facts = try? FileManager.default.attributesOfItem(atPath: resolved) else {
            throw CommandError(.usage, "there is no file or folder \(path)")
        }
        guard facts[.type] as? FileAttributeType == .typeDirectory else {
            return try Self.read(path, key: path.split(separator: "/").last.map(String.init) ?? path)
        }
        let names = FileManager.default.enumerator(atPath: resolved)?.compactMap { $0 as? String } ?? []
        return try names.sorted().filter(Self.isArticle).flatMap { try Self.read("\(resolved)/\($0)", key: $0) }
    }

    private static func read(_ path: String, key: String) throws -> [Article] {
        let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
        guard size <= Self.maximumSize else { throw CommandError(.failed, "\(path) is larger than 64 MB") }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandError(.failed, "\(path) cannot be read")
        }
        do {
            return try ArticleReader.articles(path: key, text: String(decoding: data, as: UTF8.self))
        } catch {
            throw CommandError(.failed, "\(error.context)")
        }
    }
}
