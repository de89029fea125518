import Answering
import ArgumentParser
import Desk
import DeskModel
import DeskStore
import Encoder
import Foundation
import Postgres
import Triage

/// `martlet kb`: what answers are made from.
struct KnowledgeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kb", abstract: "Import, list and search the knowledge base.",
        discussion: """
            Articles come from folders of .md, .html and .txt files, from .csv with the columns title and body, or from \
            .jsonl with {"id", "title", "body", "category", "tags", "url", "language", "products"}. A .md file may begin \
            with the same names between two lines of ---. Files are UTF-8. Importing again only renews what changed; \
            when a file cannot be read, nothing is imported.

            Examples:
              martlet kb import articles/            add or renew
              martlet kb import articles/ --replace  and remove what is no longer there
              martlet kb search "how long do refunds take"
              martlet kb search --language de --product Milo "Birne wechseln"
            """,
        subcommands: [
            Import.self, List.self, Show.self, Remove.self, Activate.self, Deactivate.self, Search.self,
        ])

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Bring articles in; only what changed is renewed.")

        @OptionGroup var options: GlobalOptions
        @Argument(help: "Files or folders.", completion: .file()) var paths: [String]
        @Flag(help: "Remove every article that is not among these.") var replace = false
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            let reading = try ArticleFiles.read(self.paths)
            guard reading.problems.isEmpty else {
                let files = reading.problems.count == 1 ? "one file" : "\(reading.problems.count) files"
                throw CommandError(
                    .failed,
                    "\(files) cannot be read:\n  " + reading.problems.joined(separator: "\n  "),
                    remedy: "nothing was imported; mend them or take them out, then import again")
            }
            for key in reading.withoutText { Terminal.printError("left out: \(key) has no text") }
            let articles = reading.articles
            guard !articles.isEmpty else {
                throw CommandError(
                    .failed, "there is no article in \(self.paths.joined(separator: ", "))",
                    remedy: "files must end in \(ArticleReader.fileTypes.sorted().joined(separator: ", "))")
            }
            try await KnowledgeSession.run(self.options) { session in
                let report = try await session.base.importArticles(articles, replace: self.replace)
                if self.json {
                    try JSONOutput.print(report)
                } else {
                    Terminal.print(
                        "\(Count.of(report.articles, "article")) read, \(report.changed) new or changed "
                            + "(\(Count.of(report.chunks, "passage"))), \(report.removed) removed")
                    Self.print(report.warnings)
                }
                do {
                    try await session.base.indexVectorsWhenLarge()
                } catch let error as PostgresError {
                    let reason = DatabaseAccess.explain(error)
                    Terminal.printError("searches will be slow, as the vectors have no index: \(reason)")
                }
            }
        }

        private static func print(_ warnings: [KnowledgeWarning]) {
            for warning in warnings {
                let verb = warning.kind == .duplicate ? "say nearly the same" : "may contradict each other"
                Terminal.print("\(warning.article) and \(warning.other) \(verb):")
                Terminal.print("  \(DisplayWidth.printable(warning.text))")
                Terminal.print("  \(DisplayWidth.printable(warning.otherText))")
            }
        }
    }

    struct Activate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let an article take part in answers again.")

        @OptionGroup var options: GlobalOptions
        @Argument(help: "Key or id of the article.") var id: String

        func run() async throws { try await KnowledgeCommand.set(self.id, isActive: true, self.options) }
    }

    struct Deactivate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Keep an article out of answers, until it is activated; an import leaves it so.")

        @OptionGroup var options: GlobalOptions
        @Argument(help: "Key or id of the article.") var id: String

        func run() async throws { try await KnowledgeCommand.set(self.id, isActive: false, self.options) }
    }

    private static func set(_ id: String, isActive: Bool, _ options: GlobalOptions) async throws {
        try await KnowledgeSession.store(options) { store in
            guard try await store.setArticle(id, isActive: isActive) else {
                throw CommandError(.failed, "there is no article \(id)", remedy: "martlet kb list shows them")
            }
            Terminal.print("\(id) is \(isActive ? "active" : "not active")")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the articles.")

        @OptionGroup var options: GlobalOptions
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            try await KnowledgeSession.store(self.options) { store in
                let articles = try await store.articles()
                if self.json { return try JSONOutput.print(articles) }
                var table = TextTable([
                    .init("id", .right), .init("key", isElastic: true), .init("title", isElastic: true),
                    .init("category", isElastic: true), .init("active"), .init("language", isOptional: true),
                    .init("products", isElastic: true, isOptional: true), .init("passages", .right, isOptional: true),
                    .init("version", .right, isOptional: true),
                ])
                for article in articles {
                    table.add([
                        article.id.description, article.key, article.title, article.category ?? "",
                        article.isActive ? "yes" : "no", article.language ?? "",
                        article.products.joined(separator: ", "),
                        String(article.chunks), String(article.version),
                    ])
                }
                table.print(empty: "the knowledge base is empty; martlet kb import PATH fills it")
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one article.")

        @OptionGroup var options: GlobalOptions
        @Argument(help: "Key or id of the article.") var id: String
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            try await KnowledgeSession.store(self.options) { store in
                guard let article = try await store.article(self.id) else {
                    throw CommandError(.failed, "there is no article \(self.id)", remedy: "martlet kb list shows them")
                }
                if self.json { return try JSONOutput.print(article) }
                let facts = [
                    article.category ?? "", article.tags.joined(separator: ", "), article.language ?? "",
                    article.products.isEmpty ? "" : "only for \(article.products.joined(separator: ", "))",
                    article.url ?? "",
                ]
                Terminal.print("# \(article.title)\n")
                let line = facts.filter { !$0.isEmpty }.joined(separator: " · ")
                if !line.isEmpty { Terminal.print("\(line)\n") }
                Terminal.printWrapped(article.content.trimmingCharacters(in: .whitespacesAndNewlines))
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Remove one article.")

        @OptionGroup var options: GlobalOptions
        @Argument(help: "Key or id of the article.") var id: String

        func run() async throws {
            try await KnowledgeSession.store(self.options) { store in
                guard try await store.removeArticle(self.id) else {
                    throw CommandError(.failed, "there is no article \(self.id)", remedy: "martlet kb list shows them")
                }
                Terminal.print("removed \(self.id)")
            }
        }
    }

    struct Search: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Find articles for a question.",
            discussion: """
                With --jsonl it reads {"id", "query"} a line and answers {"id", "answerable", "hits"}. Articles without a \
                language or product of their own are found whatever --language and --product say.
                """)

        @OptionGroup var options: GlobalOptions
        @Argument(help: "The question.") var text: [String] = []
        @Flag(help: "Read questions as JSON lines from standard input.") var jsonl = false
        @Option(help: "Articles for each question.") var limit = 5
        @Option(help: "Only articles in this language, such as de.") var language: String?
        @Option(help: "Only articles of this category.") var category: String?
        @Option(help: "Leave out articles that are only for other products; may be repeated.") var product: [String] =
            []

        private struct Question: Decodable, Sendable {
            var id: LineID
            var query: String
        }

        private struct Hit: Encodable, Sendable {
            var article: String
            var title: String
            var span: String
            var score: Float
        }

        private struct Reply: Encodable, Sendable {
            var id: LineID
            var answerable: Double
            var hits: [Hit]
        }

        func validate() throws {
            guard self.jsonl != self.text.contains(where: { !$0.isEmpty }) else {
                throw ValidationError("give a question, or --jsonl")
            }
            guard (1...1000).contains(self.limit) else { throw ValidationError("--limit is 1 to 1000") }
        }

        func run() async throws {
            let limit = self.limit
            try await KnowledgeSession.run(self.options) { session in
                let answerer = session.base.answerer
                let filter = KnowledgeFilter(
                    language: self.language?.lowercased(), category: self.category,
                    products: try Self.products(self.product, known: await answerer.products))
                guard self.jsonl else {
                    let found = try await answerer.search(
                        [self.text.joined(separator: " ")], limit: limit, filter: filter, readingBest: true)
                    let isFiltered = !filter.isEmpty
                    let isEmpty = await answerer.isEmpty
                    return Self.show(found[0], isFiltered: isFiltered && !isEmpty)
                }
                var lines = JSONLines()
                lines.batch = 32
                try await lines.runBatches { (questions: [Question]) -> [Result<Reply, any Error>] in
                    do {
                        let found = try await answerer.search(
                            questions.map(\.query), limit: limit, filter: filter, readingBest: true)
                        return zip(questions, found).map { .success(Self.reply($0.id, $1)) }
                    } catch {
                        return questions.map { _ in .failure(error) }
                    }
                }
            }
        }

        /// Products as the articles spell them.
        private static func products(_ wanted: [String], known: [String]) throws -> Set<String> {
            Set(
                try wanted.map { name in
                    guard let product = known.first(where: { $0.lowercased() == name.lowercased() }) else {
                        throw CommandError(
                            .failed, "no article is only for \(name)",
                            remedy: known.isEmpty
                                ? "give articles products: [\"…\"]" : "known are \(known.joined(separator: ", "))")
                    }
                    return product
                })
        }

        private static func reply(_ id: LineID, _ found: SearchResult) -> Reply {
            let hits = found.hits.map { hit in
                Hit(article: hit.article.key, title: hit.article.title, span: hit.span, score: hit.score)
            }
            return Reply(id: id, answerable: found.answerable, hits: hits)
        }

        private static func show(_ found: SearchResult, isFiltered: Bool) {
            var table = TextTable([
                .init("score", .right), .init("article", isElastic: true), .init("passage", isElastic: true),
            ])
            for hit in found.hits {
                table.add([TicketView.fraction(Double(hit.score)), hit.article.title, hit.span])
            }
            table.print(
                empty: isFiltered
                    ? "no article passes these filters" : "the knowledge base is empty; martlet kb import PATH fills it"
            )
            if !found.hits.isEmpty {
                Terminal.print("answered by the knowledge base: \(Int((found.answerable * 100).rounded())) %")
            }
        }
    }
}

/// The knowledge base of the configured database, with the encoder, for the length of one command.
struct KnowledgeSession: Sendable {
    let base: KnowledgeBase
    let store: DeskStore
    let settings: DeskSettings

    /// With the encoder, and the index read.
    static func run<R>(_ options: GlobalOptions, _ body: (KnowledgeSession) async throws -> R) async throws -> R {
        let settings = try options.settings(needing: .database)
        let encoder = try ShippedData().encoder(configured: settings.modelDirectory)
        return try await Self.run(settings, encoder, matters: nil, body)
    }

    /// The same with triage, for those who answer.
    static func think<R>(
        _ options: GlobalOptions, _ body: (KnowledgeSession, TriageEngine) async throws -> R
    ) async throws -> R {
        let settings = try options.settings(needing: .database)
        let shipped = try ShippedData()
        let engine = try await shipped.engine(
            encoder: try shipped.encoder(configured: settings.modelDirectory), taxonomyFile: settings.taxonomyFile)
        return try await Self.run(settings, engine.encoder, matters: ServingEngine(engine)) { session in
            try await body(session, engine)
        }
    }

    private static func run<R>(
        _ settings: DeskSettings, _ encoder: any TextEncoder, matters: (any MatterReader)?,
        _ body: (KnowledgeSession) async throws -> R
    ) async throws -> R {
        try await Self.store(settings) { store in
            let base = try KnowledgeBase(
                store: store, encoder: encoder,
                owner: DatabaseAccess.directConfiguration(settings.database, application: "martlet index"),
                matters: matters)
            try await base.refresh()
            return try await body(KnowledgeSession(base: base, store: store, settings: settings))
        }
    }

    /// The store alone.
    static func store<R>(_ options: GlobalOptions, _ body: (DeskStore) async throws -> R) async throws -> R {
        try await Self.store(try options.settings(needing: .database), body)
    }

    private static func store<R>(_ settings: DeskSettings, _ body: (DeskStore) async throws -> R) async throws -> R {
        let pool = PostgresPool(
            PostgresConfiguration(
                conninfo: settings.database.url.reveal(), isPooled: settings.database.isPooled,
                applicationName: "martlet kb"), size: 2)
        do {
            let result = try await body(DeskStore(pool: pool))
            await pool.close()
            return result
        } catch let error as PostgresError {
            await pool.close()
            if error.sqlState == "42P01" {
                throw CommandError(.failed, "the database has no tables yet", remedy: "run martlet migrate")
            }
            throw DatabaseAccess.explain(error)
        } catch {
            await pool.close()
            throw DeskRuntime.explained(error)
        }
    }
}
