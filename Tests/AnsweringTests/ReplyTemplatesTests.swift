import Foundation
import Testing

@testable import Answering

@Suite("Reply templates") struct ReplyTemplatesTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Config/templates")

    private static func shipped() throws -> ReplyTemplates {
        let names = try FileManager.default.subpathsOfDirectory(atPath: Self.folder.path)
        let files = try names.filter { $0.hasSuffix(".mustache") }.map { name in
            (name, try String(contentsOf: Self.folder.appendingPathComponent(name), encoding: .utf8))
        }
        return try ReplyTemplates(files: Dictionary(uniqueKeysWithValues: files))
    }

    private let values = [
        "greeting": "Hello Ann,", "thanks": "Thank you.", "apology": "We are sorry.", "answer": "Take <b> & \"c\".",
        "request": "", "noted": "", "closing": "Kind regards", "signature": "The shop", "name": "Ann",
    ]

    private func first(_ files: [String], language: String, category: String?, isNegative: Bool) throws -> String {
        let texts = files.map { ($0, "\($0) {{answer}}") }
        let templates = try ReplyTemplates(files: Dictionary(uniqueKeysWithValues: texts))
        let text = templates.render(
            ["answer": "x"], language: language, category: category, isNegative: isNegative)
        return String(text.prefix { $0 != " " })
    }

    @Test func `the shipped templates say the same as none where nobody is upset`() throws {
        let plain = ReplyTemplates.standard.render(values, language: "de", category: "Shipping", isNegative: false)
        #expect(plain == "Hello Ann,\n\nThank you.\n\nTake <b> & \"c\".\n\nKind regards\nThe shop")
        let shipped = try Self.shipped()
        #expect(shipped.render(values, language: "de", category: "Shipping", isNegative: false) == plain)
        for language in ReplyPhrases.languages {
            let upset = ReplyTemplates.standard.render(values, language: language, category: nil, isNegative: true)
            #expect(shipped.render(values, language: language, category: nil, isNegative: true) == upset)
        }
    }

    @Test func `whoever got something broken hears an apology in any mood`() throws {
        let category = "Damaged or wrong product"
        let text = try Self.shipped().render(values, language: "fr", category: category, isNegative: false)
        #expect(text.contains("We are sorry.") && !text.contains("Thank you."))
    }

    @Test func `language comes before category, and category before mood`() throws {
        var files = [
            "en/reply.shipping.negative.mustache", "en/reply.shipping.mustache", "en/reply.negative.mustache",
            "en/reply.mustache", "reply.shipping.negative.mustache", "reply.shipping.mustache",
            "reply.negative.mustache", "reply.mustache",
        ]
        while let best = files.first {
            #expect(try self.first(files, language: "en", category: "Shipping", isNegative: true) == best)
            files.removeFirst()
        }
        let others = ["en/reply.mustache", "reply.negative.mustache", "reply.mustache"]
        #expect(
            try self.first(others, language: "de", category: "Shipping", isNegative: false) == "reply.mustache")
    }

    @Test func `an absent part leaves no hole`() throws {
        let templates = try ReplyTemplates(files: [
            "reply.mustache":
                "{{greeting}}\n\n\n{{#noted}}Noted: {{noted}}{{/noted}}\n\n{{answer}}\n{{^request}}That is all.{{/request}}\n"
        ])
        let text = templates.render(values, language: "en", category: nil, isNegative: false)
        #expect(text == "Hello Ann,\n\nTake <b> & \"c\".\nThat is all.")
    }

    @Test(arguments: [
        ("{{greeting}}\n\n{{anwser}}\n{{answer}}", "line 3: there is no {{anwser}}"),
        ("{{greeting}}\n{{> other}}{{answer}}", "line 2: there is no"),
        ("{{greeting}}\n{{answer", "line 2: a tag has no end"),
        ("{{#name}}{{answer}}", "reply.mustache: "),
        ("{{greeting}}", "{{answer}} is missing"),
    ])
    func `a broken template is named with its line`(text: String, complaint: String) {
        do {
            _ = try ReplyTemplates(files: ["reply.mustache": text])
            Issue.record("no error")
        } catch {
            #expect(error.code == .malformedTemplate)
            #expect(error.context.contains(complaint), "\(error.context)")
        }
    }

    @Test func `a name under the mail is believed when the address holds it`() {
        func name(_ body: String, _ address: String) -> String? {
            var mail = MailQuestion(subject: "", body: body)
            mail.customerAddress = address
            return mail.greetingName(in: "en")
        }
        #expect(name("Is it too late?\n\nMartin Oakes", "martin.oakes@example.com") == "Martin")
        #expect(name("Many thanks,\nNeil Gunn\nFacilities", "neil.gunn@example.com") == "Neil")
        #expect(name("Please help\n\nOak Table", "anna@example.com") == nil)
        #expect(name("I am Anna and my lamp is broken", "anna@example.com") == nil)
    }
}
