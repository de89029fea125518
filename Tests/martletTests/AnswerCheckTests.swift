import Desk
import DeskModel
import Foundation
import Testing

@testable import martlet

@Suite("Doctor of answers") struct AnswerCheckTests {
    @Test func `a category that no ticket can have is called out with what was meant`() throws {
        var settings = DeskSettings()
        settings.draft.automaticCategories = ["all", "Shipping", "Paymnet & billing"]
        settings.draft.observedCategories = ["Gardening"]
        settings.escalation.onCall = [try #require(OnCallRule("Shiping = ship@shop.example"))]
        let known = ["Shipping", "Shipping / Not arrived", "Payment & billing"]
        let findings = AnswerCheck.categories(settings, known: known)
        #expect(findings.map(\.outcome) == [.warn, .warn, .warn])
        #expect(
            findings.map(\.remedy) == [
                "did you mean Payment & billing?", "it has Shipping, Payment & billing", "did you mean Shipping?",
            ])
    }

    @Test func `an empty knowledge base is a warning with what fills it`() {
        let finding = AnswerCheck.knowledge([], folder: "")
        #expect(finding.map(\.outcome) == [.warn])
        #expect(finding[0].remedy?.contains("martlet kb import") == true)
        #expect(AnswerCheck.knowledge(nil, folder: "").map(\.outcome) == [.skip])
    }

    @Test func `a folder of articles that is not there fails`() {
        let findings = AnswerCheck.knowledge([], folder: "/nonexistent/articles")
        #expect(findings.last?.outcome == .fail)
        #expect(findings.last?.detail.contains("/nonexistent/articles") == true)
    }

    @Test func `notices name whom they reach`() throws {
        var escalation = EscalationSettings()
        #expect(AnswerCheck.notices(escalation).outcome == .warn)
        escalation.onCall = [try #require(OnCallRule("Shipping = ship@shop.example"))]
        #expect(AnswerCheck.notices(escalation).outcome == .warn)
        escalation.team = [try #require(MailAddress("team@shop.example"))]
        #expect(AnswerCheck.notices(escalation).detail.contains("team@shop.example"))
    }
}

@Suite("Doctor of the chat model") struct ChatCheckTests {
    private func check(_ change: (inout ChatSettings) -> Void = { _ in }) -> ChatCheck {
        var settings = ChatSettings()
        settings.url = "https://user:hidden@models.example:8443/v1"
        settings.model = "small"
        change(&settings)
        return ChatCheck(settings: settings)
    }

    private func body(_ names: [String]) -> [UInt8] {
        Array("{\"data\":[\(names.map { "{\"id\":\"\($0)\"}" }.joined(separator: ","))]}".utf8)
    }

    @Test func `nothing is asked where no model is configured`() async {
        #expect(await self.check { $0.url = "" }.findings().isEmpty)
    }

    @Test(arguments: [(401, Finding.Outcome.fail), (403, .fail), (404, .warn), (500, .fail)])
    func `a status tells a wrong key from a wrong path`(status: Int, outcome: Finding.Outcome) {
        let finding = self.check().judged(status: status, body: [])
        #expect(finding.outcome == outcome)
        #expect(finding.remedy != nil)
        #expect(!finding.text.contains("hidden"))
        #expect(finding.detail.contains("models.example:8443"))
    }

    @Test func `a model that the server does not list is named with those that it does`() {
        #expect(self.check().judged(status: 200, body: self.body(["small:latest"])).outcome == .ok)
        let finding = self.check().judged(status: 200, body: self.body(["large", "larger"]))
        #expect(finding.outcome == .warn)
        #expect(finding.remedy == "name one under draft.chat.model, unless the server takes any name: large, larger")
        #expect(self.check().judged(status: 200, body: Array("<html>".utf8)).outcome == .warn)
    }

    @Test func `an address without a scheme is no URL`() async {
        let findings = await self.check { $0.url = "127.0.0.1:8081" }.findings()
        #expect(findings.map(\.detail) == ["draft.chat.url is not the URL of an endpoint"])
    }

    @Test func `a server that is not there fails`() async {
        let findings = await self.check { $0.url = "http://127.0.0.1:1/v1" }.findings()
        #expect(findings.map(\.outcome) == [.fail])
        #expect(findings.first?.detail.contains("127.0.0.1:1 does not answer") == true)
    }
}
