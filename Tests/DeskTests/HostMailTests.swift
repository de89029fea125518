import Answering
import Desk
import DeskModel
import Foundation
import Testing

/// A web host's knowledge base, terse and overlapping, with 52 questions and mails that it answers and 25 that it does
/// not: its field is none of the taxonomy's, and customers use other words than its articles.
@Suite("Answers from a knowledge base of another field") struct HostMailTests {
    private static let rows = Task {
        let file = DemoShop.tests.appendingPathComponent("Fixtures/host-knowledge.csv")
        let articles = try ArticleReader.articles(
            path: "host-knowledge.csv", text: String(contentsOf: file, encoding: .utf8))
        let mails = try ShopMail.all("host-mails.jsonl")
        let results = try await DemoShop.preview(articles: articles).answers(mails.map(\.mail))
        return Array(zip(mails, results))
    }

    private static func isRight(_ mail: ShopMail, _ draft: Draft) -> Bool {
        draft.citations.first.map { mail.articles.contains($0.article) } == true
    }

    @Test func `more than a quarter are drafted from the right article, and few from a wrong one`() async throws {
        let rows = try await Self.rows.value.filter { $0.0.kind == .answerable }
        #expect(rows.count == 52)
        let drafts = rows.compactMap { mail, result in result.draft.map { (mail, $0) } }
        let wrong = drafts.filter { !Self.isRight($0.0, $0.1) }.map(\.0.id)
        #expect(drafts.count - wrong.count >= 15, "\(drafts.count - wrong.count)")
        #expect(wrong.count <= 9, "wrong: \(wrong)")
    }

    @Test func `what no article answers is left to a person`() async throws {
        let rows = try await Self.rows.value.filter { $0.0.kind == .unanswerable }
        #expect(rows.count == 25)
        let drafted = rows.filter { $0.1.draft != nil }.map(\.0.id)
        #expect(drafted.count <= 2, "drafted: \(drafted)")
    }

    @Test func `nothing wrong goes out alone`() async throws {
        for (mail, result) in try await Self.rows.value where result.decision.action == .auto {
            #expect(try Self.isRight(mail, #require(result.draft)), "\(mail.id)")
        }
    }
}
