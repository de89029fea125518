/// One article of the knowledge base, as its author wrote it.
package struct Article: Sendable, Codable, Hashable {
    /// Stable over re-imports: the file's path below the imported folder, or the id of its row.
    package var key: String
    package var title: String
    /// Markdown, LF line ends; HTML and plain text are brought into this form when they are read.
    package var content: String
    package var category: String?
    package var tags: [String]
    package var url: String?
    /// ISO 639-1; nil when nothing tells.
    package var language: String?
    /// What it is about alone; empty when it holds for everything.
    package var products: [String]

    package init(
        key: String, title: String, content: String, category: String? = nil, tags: [String] = [], url: String? = nil,
        language: String? = nil, products: [String] = []
    ) {
        self.key = key
        self.title = title
        self.content = content
        self.category = category
        self.tags = tags
        self.url = url
        self.language = language
        self.products = products
    }
}

/// Which articles a search may find. An article without a language or product of its own passes for every one.
package struct KnowledgeFilter: Sendable, Hashable {
    /// ISO 639-1.
    package var language: String?
    /// The article's whole category, in any case.
    package var category: String?
    /// Spelled as in the articles; empty means all.
    package var products: Set<String>

    package init(language: String? = nil, category: String? = nil, products: Set<String> = []) {
        self.language = language
        self.category = category
        self.products = products
    }

    package var isEmpty: Bool { self.language == nil && self.category == nil && self.products.isEmpty }

    package func admits(_ article: Article) -> Bool {
        if let language, let own = article.language, own != language { return false }
        if let category, article.category?.lowercased() != category.lowercased() { return false }
        return self.products.isEmpty || article.products.isEmpty || !self.products.isDisjoint(with: article.products)
    }
}

/// A passage of an article that is found and cited as one.
package struct KnowledgeChunk: Sendable, Codable, Hashable {
    /// Position in the article, from 0.
    package var ordinal: Int
    /// Headings above the passage from the outermost, joined by ` › `, without the article's title; often empty.
    package var heading: String
    /// Plain text, one paragraph or list item a line.
    package var content: String

    package init(ordinal: Int, heading: String, content: String) {
        self.ordinal = ordinal
        self.heading = heading
        self.content = content
    }
}

/// How near a stored vector is to a question.
package struct VectorMatch: Sendable, Hashable {
    package var article: ArticleID
    /// Position of the passage in its article; nil for the title.
    package var ordinal: Int?
    package var cosine: Float

    package init(article: ArticleID, ordinal: Int?, cosine: Float) {
        self.article = article
        self.ordinal = ordinal
        self.cosine = cosine
    }
}
