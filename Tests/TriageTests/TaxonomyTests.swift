import Testing
import Triage

@Suite("Taxonomy") struct TaxonomyTests {
    @Test func `the shipped one has its twelve upper levels and thirty examples for each`() throws {
        let taxonomy = try TestTriage.taxonomy()
        #expect(
            taxonomy.topLevels == [
                "Shipping", "Returns & refunds", "Payment & billing", "Damaged or wrong product", "Account & access",
                "Product question", "Stock & availability", "Promotions & vouchers", "Subscription",
                "Privacy & security", "Technical problem", "Other",
            ])
        for category in taxonomy.categories {
            let count = category.examples.count + category.children.reduce(0) { $0 + $1.examples.count }
            #expect(count >= 30, "\(category.name)")
        }
        let examples = taxonomy.categories.flatMap { $0.examples + $0.children.flatMap(\.examples) }
        #expect(Set(examples).count == examples.count)
    }

    @Test func `tags of a child include its parent's`() throws {
        let taxonomy = try Taxonomy(
            yaml: """
                categories:
                  - name: A
                    tags: [one]
                    children:
                      - {name: B, tags: [two]}
                fallback: A
                """, file: "t.yaml")
        #expect(taxonomy.tags(of: "A / B") == ["one", "two"])
        #expect(taxonomy.names == ["A", "A / B"])
    }

    @Test func `every problem is reported with its line`() throws {
        let yaml = """
            name: broken
            floor: 7
            colour: red
            categories:
              - name: A
                example: [x]
              - description: nameless
              - name: A
            tags:
              - name: t
                patterns: [".."]
            priority:
              levels: {high: 3, urgent: 2}
              low: [Nowhere]
              signals:
                - {name: s, weight: -1, patterns: [x]}
                - {name: u, weight: 1, detector: magic}
                - {name: v, weight: 1}
            """
        let error = try #require(throws: TriageError.self) { try Taxonomy(yaml: yaml, file: "t.yaml") }
        #expect(error.code == .malformedTaxonomy)
        let lines = error.context.split(separator: "\n").map(String.init)
        for expected in [
            "t.yaml:2: floor must lie", "t.yaml:3: unknown key colour", "t.yaml:6: unknown key example",
            "t.yaml:7: a category in categories has no name", "t.yaml:8: A occurs twice", "t.yaml:11: patterns of t",
            "t.yaml:13: priority.levels", "t.yaml:16: weight of s", "t.yaml:17: unknown detector magic",
            "t.yaml:18: the signal v",
        ] {
            #expect(lines.contains { $0.hasPrefix(expected) }, "\(expected) in \(lines)")
        }
    }

    @Test(arguments: ["", "- just\n- a list", "categories: [", "categories: {a: b}", "name: x"])
    func `a file that is no taxonomy is refused`(yaml: String) {
        #expect(throws: TriageError.self) { try Taxonomy(yaml: yaml, file: "t.yaml") }
    }

    @Test func `an error never repeats the file`() throws {
        let yaml = "secret: hush\ncategories: [\n  oops: {"
        let error = try #require(throws: TriageError.self) { try Taxonomy(yaml: yaml, file: "t.yaml") }
        #expect(!error.context.contains("hush"))
    }
}
