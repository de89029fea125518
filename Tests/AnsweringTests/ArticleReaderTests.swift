import Answering
import DeskModel
import Testing

@Suite("Article reader") struct ArticleReaderTests {
    @Test func `a Markdown file is one article with front matter and title`() throws {
        let text = """
            ---
            category: Shipping
            tags: [tracking, "late"]
            ---
            # Where is my parcel

            Look at the link.
            """
        let article = try #require(try ArticleReader.articles(path: "shipping/parcel.md", text: text).first)
        #expect(article.key == "shipping/parcel.md")
        #expect(article.title == "Where is my parcel")
        #expect(article.category == "Shipping")
        #expect(article.tags == ["tracking", "late"])
        #expect(Chunker.chunks(of: article).map(\.content) == ["Look at the link."])
    }

    @Test func `a file without a heading is named after its file`() throws {
        let article = try ArticleReader.articles(path: "a/gift-wrapping.txt", text: "We wrap.").first
        #expect(article?.title == "Gift wrapping")
    }

    @Test func `a web page gives headings, items and absolute links, and no script`() throws {
        let html = """
            <html><head><title>Help</title><script>alert('x')</script></head><body><nav>Menu</nav>
            <h1>Returns</h1><p>Within 30&nbsp;days &amp; free.</p><h2>How</h2><ul><li>Pack it<li>Go to
            <a href="https://shop.example/r">the page</a></ul><!-- secret --></body></html>
            """
        let article = try #require(try ArticleReader.articles(path: "r.html", text: html).first)
        #expect(article.title == "Returns")
        let chunks = Chunker.chunks(of: article)
        #expect(chunks.map(\.heading) == ["", "How"])
        #expect(chunks[0].content == "Within 30 days & free.")
        #expect(chunks[1].content == "- Pack it\n- Go to the page (https://shop.example/r)")
    }

    @Test func `rows of CSV keep quoted commas, quotes and line breaks`() throws {
        let text = "id,title,body,tags\r\n7,\"Size, and fit\",\"Say \"\"hi\"\".\nTwice.\",\"a;b\"\r\n"
        let articles = try ArticleReader.articles(path: "faq.csv", text: text)
        #expect(
            articles == [Article(key: "7", title: "Size, and fit", content: "Say \"hi\".\nTwice.", tags: ["a", "b"])])
    }

    @Test func `JSON lines take text and number ids`() throws {
        let text =
            "{\"id\": 3, \"title\": \"T\", \"body\": \"B\"}\n\n{\"id\":\"x\",\"title\":\"U\",\"body\":\"C\",\"url\":\"u\"}"
        #expect(try ArticleReader.articles(path: "k.jsonl", text: text).map(\.key) == ["3", "x"])
    }

    @Test func `a broken row names its line`() {
        let error = #expect(throws: AnsweringError.self) {
            try ArticleReader.articles(path: "k.jsonl", text: "{\"id\":1,\"title\":\"T\",\"body\":\"B\"}\n{\"id\":2}")
        }
        #expect(error?.code == .malformedArticle)
        #expect(error?.context.contains("line 2") == true)
    }

    @Test func `another kind of file is refused`() {
        let error = #expect(throws: AnsweringError.self) { try ArticleReader.articles(path: "a.pdf", text: "") }
        #expect(error?.code == .unknownFormat)
    }
}

@Suite("Chunker") struct ChunkerTests {
    private func chunks(_ content: String) -> [KnowledgeChunk] {
        Chunker.chunks(of: Article(key: "k", title: "Title", content: content))
    }

    @Test func `a passage never spans two headings and knows the headings above it`() {
        let chunks = self.chunks("Intro.\n\n## One\nText one.\n\n### Deep\nText two.\n\n## Two\nText three.")
        #expect(chunks.map(\.heading) == ["", "One", "One › Deep", "Two"])
        #expect(chunks.map(\.ordinal) == [0, 1, 2, 3])
    }

    @Test func `a long section is cut between sentences and loses nothing`() {
        let sentences = (1...60).map { "Sentence number \($0) says something about parcels and cups." }
        let chunks = self.chunks(sentences.joined(separator: " "))
        #expect(chunks.count > 1)
        #expect(chunks.flatMap { SentenceSplitter.sentences($0.content) } == sentences)
    }

    @Test func `a sentence longer than a passage is cut between words`() {
        let words = (1...400).map { "word\($0)" }
        let chunks = self.chunks(words.joined(separator: " "))
        #expect(chunks.count > 2)
        #expect(chunks.flatMap { $0.content.split(separator: " ").map(String.init) } == words)
    }

    @Test(arguments: ["", "\n\n", "## Only a heading"])
    func `an empty article still has a passage`(content: String) {
        #expect(self.chunks(content).map(\.content) == ["Title"])
    }

    @Test func `marks of Markdown are not in a passage`() {
        let chunk = self.chunks(
            "Use **bold**, `code`, [a page](https://shop.example/x) and [this](../y.md). ![i](i.png)"
        ).first
        #expect(chunk?.content == "Use bold, code, a page (https://shop.example/x) and this.")
    }
}

@Suite("Sentence splitter") struct SentenceSplitterTests {
    @Test(arguments: [
        ("It costs 4.90 euros. Pay by card.", ["It costs 4.90 euros.", "Pay by card."]),
        ("Ask Dr. Miller e.g. by mail. Thanks!", ["Ask Dr. Miller e.g. by mail.", "Thanks!"]),
        ("Am 3. Mai kommt es an. Gut.", ["Am 3. Mai kommt es an.", "Gut."]),
        ("Hi there,\n\nwhere is it? I wait", ["Hi there,", "where is it?", "I wait"]),
        ("Two lines of one\nsentence.", ["Two lines of one sentence."]),
        ("We need:\n- a photo\n- the number", ["We need:", "- a photo", "- the number"]),
        ("See www.shop.example for more. Bye.", ["See www.shop.example for more.", "Bye."]),
        ("", []),
    ])
    func `cuts where a reader would`(text: String, expected: [String]) {
        #expect(SentenceSplitter.sentences(text) == expected)
    }

    @Test func `a megabyte of marks ends`() {
        #expect(!SentenceSplitter.sentences(String(repeating: ". ! ? a", count: 30_000)).isEmpty)
    }
}

@Suite("Words") struct WordsTests {
    @Test(arguments: [
        ("returning", "returned"), ("parcels", "parcel"), ("shipping", "shipped"), ("deliveries", "delivery"),
        ("Größe", "grosse"), ("l’été", "lete"),
    ])
    func `forms of one word meet in one term`(one: String, other: String) {
        #expect(Words.terms(in: one) == Words.terms(in: other))
    }

    @Test func `common words of the text's own language carry no meaning`() {
        #expect(Words.terms(in: "Wo ist mein Paket") == ["paket"])
        #expect(Words.terms(in: "where is my tag") == ["tag"])
    }

    @Test(arguments: [
        ("I would like to have my money back", "en"), ("Ich möchte mein Geld zurück haben", "de"),
        ("Je voudrais que vous me rendiez mon argent", "fr"), ("Quiero que me devuelvan el dinero de mi pedido", "es"),
        ("Ik wil graag mijn geld terug van u", "nl"),
    ])
    func `common words tell the language`(text: String, language: String) {
        #expect(StopWords.language(of: text) == language)
    }
}
