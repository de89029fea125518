internal import Answering
package import DeskModel
package import Logging
internal import ServiceLifecycle

/// A folder of articles as the command reads it.
package struct ArticleFolder: Sendable {
    /// Name that its articles carry as their origin.
    package let name: String
    /// A text that differs whenever a file was added, changed or removed.
    package let signature: @Sendable () throws -> String
    package let articles: @Sendable () throws -> [Article]

    package init(
        name: String, signature: @escaping @Sendable () throws -> String,
        articles: @escaping @Sendable () throws -> [Article]
    ) {
        self.name = name
        self.signature = signature
        self.articles = articles
    }
}

/// Keeps a folder of articles imported: what is changed or removed there follows.
///
/// It looks every few seconds and imports once the folder has been quiet for one look, so that half of an upload is
/// not taken for all of it. An empty or missing folder removes nothing: that is a mount that failed, not an editor.
package struct KnowledgeFolder: Service {
    private static let interval: Duration = .seconds(5)

    private let folder: ArticleFolder
    private let knowledge: KnowledgeBase
    private let logger: Logger

    package init(folder: ArticleFolder, knowledge: KnowledgeBase, logger: Logger) {
        self.folder = folder
        self.knowledge = knowledge
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var look = FolderLook()
            while !Task.isCancelled {
                do {
                    if look.isDue(try self.folder.signature()) {
                        try await self.takeIn()
                        look.done()
                    }
                } catch is CancellationError {
                    return
                } catch {
                    look.failed()
                    self.logger.warning(
                        "the folder of articles is not imported",
                        metadata: .with([.path: self.folder.name, .error: "\(error)"]))
                }
                try? await Task.sleep(for: Self.interval)
            }
        }
    }

    /// Imports what the folder holds now.
    package func takeIn() async throws {
        let articles = try self.folder.articles()
        let report = try await self.knowledge.importArticles(
            articles, replace: !articles.isEmpty, origin: self.folder.name)
        guard report.changed > 0 || report.removed > 0 else { return }
        self.logger.notice(
            "the folder of articles is imported",
            metadata: .with([.path: self.folder.name, .count: report.changed]))
        for warning in report.warnings {
            self.logger.notice(
                "two articles should be looked at",
                metadata: .with([.kind: warning.kind.rawValue, .reason: "\(warning.article), \(warning.other)"]))
        }
    }
}

/// When a folder that is looked at again and again has to be imported. Pure.
struct FolderLook: Equatable {
    private var imported: String?
    private var seen: String?
    /// Looks that are let go by after a failure.
    private var pause = 0

    init() {}

    /// True when the folder differs from what was imported and has not changed since the last look.
    mutating func isDue(_ signature: String) -> Bool {
        defer { self.seen = signature }
        if self.pause > 0 {
            self.pause -= 1
            return false
        }
        return signature != self.imported && signature == self.seen
    }

    mutating func done() { self.imported = self.seen }
    mutating func failed() { self.pause = 11 }
}
