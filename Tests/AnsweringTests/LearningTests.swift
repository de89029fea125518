import Answering
import DeskModel
import Testing

@Suite("Confidence fitted to outcomes") struct ConfidenceCalibrationTests {
    private func outcomes(_ count: Int, prior: Double, near: Int, category: String = "a") -> [ConfidenceCalibration
        .Outcome]
    {
        (0..<count).map { .init(prior: prior, category: category, isNear: $0 < near) }
    }

    @Test func `without outcomes the prior stands`() {
        #expect(ConfidenceCalibration.prior.probability(0.7, category: "a") == 0.7)
        let few = ConfidenceCalibration(fitting: self.outcomes(19, prior: 0.9, near: 0))
        #expect(few.probability(0.7, category: nil) == 0.7)
    }

    @Test func `a prior that promises too much is brought down to what was seen`() {
        let fitted = ConfidenceCalibration(
            fitting: self.outcomes(400, prior: 0.9, near: 200) + self.outcomes(400, prior: 0.3, near: 40))
        #expect(abs(fitted.probability(0.9, category: "a") - 0.5) < 0.05)
        #expect(abs(fitted.probability(0.3, category: "a") - 0.1) < 0.05)
    }

    @Test func `a category that fails is trusted less than the others`() {
        let fitted = ConfidenceCalibration(
            fitting: self.outcomes(100, prior: 0.8, near: 80, category: "good")
                + self.outcomes(100, prior: 0.8, near: 30, category: "bad"))
        #expect(fitted.probability(0.8, category: "good") > 0.7)
        #expect(fitted.probability(0.8, category: "bad") < 0.45)
        let unknown = fitted.probability(0.8, category: "new")
        #expect(unknown < fitted.probability(0.8, category: "good"))
        #expect(unknown > fitted.probability(0.8, category: "bad"))
    }

    @Test func `a dozen strange outcomes do not turn the order round`() {
        let strange = self.outcomes(15, prior: 0.9, near: 0) + self.outcomes(15, prior: 0.1, near: 15)
        let fitted = ConfidenceCalibration(fitting: strange)
        #expect(fitted.probability(0.9, category: "a") >= fitted.probability(0.1, category: "a"))
    }

    @Test func `reliability compares what was said with what came`() {
        let drafts =
            (0..<10).map { (confidence: 0.9, isNear: $0 < 9) } + (0..<10).map { (confidence: 0.3, isNear: $0 < 5) }
        let reliability = ConfidenceReliability(drafts)
        #expect(reliability.bands.map(\.drafts) == [10, 10])
        #expect(abs(reliability.error - 0.1) < 1e-9)
        #expect(ConfidenceReliability([]).bands.isEmpty)
    }
}

@Suite("Warnings about articles") struct KnowledgeWarningTests {
    private func warnings(_ articles: [Article]) async throws -> [KnowledgeWarning] {
        let encoder = WordEncoder()
        let answerer = Answerer(encoder: encoder, index: try await Shop.index(articles, encoder: encoder))
        return try await answerer.warnings(about: [articles[0].key])
    }

    private let returns = Article(
        key: "returns", title: "Returns", content: "You can return any unused product within 30 days of delivery.")

    @Test func `other numbers in the same sentence may contradict each other`() async throws {
        let other = Article(
            key: "old", title: "Returns", content: "You can return any unused product within 14 days of delivery.")
        let found = try await self.warnings([self.returns, other])
        #expect(found.map(\.kind) == [.contradiction])
        #expect(found.first?.otherText.contains("14 days") == true)
    }

    @Test(arguments: [
        (
            "Our customer service is open Monday to Friday from 9:00 to 17:00.",
            "Our customer service is open Monday to Friday from 10:00 to 18:00.", true
        ),
        (
            "Standard delivery costs 4.90 euros within Europe.", "Standard delivery costs 5.90 euros within Europe.",
            true
        ),
        (
            "Standard delivery costs 4.90 euros within Europe.",
            "Standard delivery costs 4.90 euros within Europe and takes 3 days.", false
        ),
    ])
    func `hours and amounts that differ are told, and what only says more is not`(
        text: String, other: String, isTold: Bool
    ) async throws {
        let articles = [("a", text), ("b", other)].map { Article(key: $0.0, title: "Service", content: $0.1) }
        #expect(try await self.warnings(articles).contains { $0.kind == .contradiction } == isTold)
    }

    @Test func `the same words twice are a duplicate`() async throws {
        var other = self.returns
        other.key = "copy"
        let found = try await self.warnings([self.returns, other])
        #expect(found.map(\.kind) == [.duplicate])
        #expect(found.first?.other == "copy")
    }

    @Test func `different matters are no matter for a warning`() async throws {
        #expect(try await self.warnings(Shop.articles) == [])
    }
}
