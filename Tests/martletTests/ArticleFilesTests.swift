import DeskModel
import Foundation
import Testing

@testable import martlet

@Suite("ArticleFiles") struct ArticleFilesTests {
    private func reading(_ files: [String: Data]) throws -> ArticleFiles.Reading {
        let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, data) in files { try data.write(to: folder.appending(path: name)) }
        return try ArticleFiles.read([folder.path])
    }

    @Test func `every file that cannot be read is named, not only the first`() throws {
        let reading = try self.reading([
            "good.md": Data("# Returns\n\nWithin 30 days.".utf8), "lines.jsonl": Data("{\"id\"".utf8),
            "table.csv": Data("name,text\na,b\n".utf8), "latin.txt": Data([0x52, 0xFC, 0x63, 0x6B]),
            "nul.md": Data("a\u{0}b".utf8),
        ])
        #expect(reading.articles.map(\.key) == ["good.md"])
        #expect(reading.problems.count == 4)
        for name in ["lines.jsonl", "table.csv", "latin.txt", "nul.md"] {
            #expect(reading.problems.contains { $0.hasPrefix(name) }, "\(name)")
        }
        let error = #expect(throws: CommandError.self) { try ArticleFiles.articles(of: reading) }
        #expect(error?.context.contains("latin.txt is not text in UTF-8") == true)
    }

    @Test func `an article without a text answers nothing and is left out`() throws {
        let reading = try self.reading(["empty.txt": Data(), "blank.md": Data(" \n\n".utf8), "a.md": Data("Text".utf8)])
        #expect(reading.articles.map(\.key) == ["a.md"])
        #expect(reading.withoutText.sorted() == ["blank.md", "empty.txt"])
        #expect(reading.problems.isEmpty)
    }
}
