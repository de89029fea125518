package import DeskModel

/// Cuts an article into passages that fit the encoder and are about one thing.
package enum Chunker {
    /// Estimated word pieces of the longest passage, its headings included.
    package static let maximumTokens = 180

    /// The passages of an article in order; at least one, even when the article has a title only.
    ///
    /// A passage never spans two headings. A sentence longer than a passage is cut between words.
    package static func chunks(of article: Article) -> [KnowledgeChunk] {
        var chunks: [KnowledgeChunk] = []
        var headings: [String] = []
        var lines: [String] = []
        var tokens = 0
        var room = Self.maximumTokens
        func flush() {
            guard !lines.isEmpty else { return }
            chunks.append(
                KnowledgeChunk(
                    ordinal: chunks.count, heading: headings.joined(separator: " › "),
                    content: lines.joined(separator: "\n")))
            (lines, tokens) = ([], 0)
        }
        for block in MarkdownText(article.content).blocks {
            if block.headings != headings {
                flush()
                headings = block.headings
                let path = ([article.title] + headings).joined(separator: " › ")
                room = max(Self.maximumTokens / 2, Self.maximumTokens - Self.tokens(in: path))
            }
            var isFirst = true
            for sentence in Self.pieces(of: block, room: room) {
                let size = Self.tokens(in: sentence)
                if tokens + size > room {
                    flush()
                    isFirst = true
                }
                if isFirst || lines.isEmpty {
                    lines.append(block.kind == .listItem && isFirst ? "- \(sentence)" : sentence)
                } else {
                    lines[lines.count - 1] += " \(sentence)"
                }
                isFirst = false
                tokens += size
            }
        }
        flush()
        if chunks.isEmpty { chunks = [KnowledgeChunk(ordinal: 0, heading: "", content: article.title)] }
        return chunks
    }

    /// What is embedded for a passage: the article's title and headings give it its subject.
    package static func embeddedText(title: String, chunk: KnowledgeChunk) -> String {
        chunk.heading.isEmpty ? "\(title)\n\(chunk.content)" : "\(title) › \(chunk.heading)\n\(chunk.content)"
    }

    /// Estimated word pieces: about one for each four to six letters, and one for each mark.
    static func tokens(in text: some StringProtocol) -> Int {
        var count = 0
        var letters = 0
        for scalar in text.unicodeScalars {
            if scalar.value >= 0x2E80 {
                count += 1  // one piece for each ideograph
            } else if scalar.properties.isAlphabetic || scalar.properties.numericType != nil {
                letters += 1
                continue
            } else if !scalar.properties.isWhitespace {
                count += 1
            }
            count += (letters + 5) / 6
            letters = 0
        }
        return count + (letters + 5) / 6
    }

    private static func pieces(of block: MarkdownText.Block, room: Int) -> [String] {
        let sentences = block.kind == .code ? [block.text] : SentenceSplitter.sentences(block.text)
        return sentences.flatMap { sentence in
            guard Self.tokens(in: sentence) > room else { return [sentence] }
            var pieces: [String] = []
            var words: [Substring] = []
            var size = 0
            for word in sentence.split(whereSeparator: \.isWhitespace) {
                let wordSize = Self.tokens(in: word)
                if size + wordSize > room, !words.isEmpty {
                    pieces.append(words.joined(separator: " "))
                    (words, size) = ([], 0)
                }
                words.append(word.prefix(600))
                size += wordSize
            }
            if !words.isEmpty { pieces.append(words.joined(separator: " ")) }
            return pieces
        }
    }
}
