import Desk
import DeskModel
import Foundation

/// A replay as one page without scripts and without anything from elsewhere: the sum first, then why, then every mail,
/// those first that a person has to judge.
enum ReplayPage {
    static func html(_ report: ReplayReport) -> String {
        """
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8"><title>Martlet replay</title>
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'nonce-replay'">
        <style nonce="replay">
        body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #222; }
        table { border-collapse: collapse; margin-bottom: 1rem; } td, th { text-align: left; vertical-align: top;
        padding: .3rem 1.2rem .3rem 0; border-bottom: 1px solid #ddd; } td.n, th.n { text-align: right; }
        .sum { display: flex; flex-wrap: wrap; gap: 1rem; padding: 0; list-style: none; }
        .sum li { background: #f6f6f4; padding: .6rem 1rem; } .sum b { display: block; font-size: 1.6rem; }
        pre { white-space: pre-wrap; background: #f6f6f4; padding: .6rem; margin: 0; font: inherit; }
        .side { display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: 1rem; margin: .6rem 0; }
        h4 { margin: 0 0 .2rem; } summary { cursor: pointer; padding: .3rem 0; border-bottom: 1px solid #ddd; }
        .facts { color: #666; }
        </style></head><body>
        <h1>What the desk would have done</h1>
        \(Self.sum(report))
        <p>Read were \(Count.of(report.mails, "mail")): \(report.rows.count) by customers, \(report.ownMails) by the desk and
        its agents, \(report.silent.values.reduce(0, +)) by machines, which are never answered. Nothing was stored or
        sent.</p>
        \(Self.counts("Why mails went to a person", report.reasons))
        \(Self.counts("Why drafts would have waited for a person", report.obstacles))
        \(Self.categories(report))
        \(Self.mails("To a person", report.rows.filter { $0.action == .escalate }))
        \(Self.mails("Answered alone", report.rows.filter { $0.action == .auto }))
        \(Self.mails("Drafted", report.rows.filter { $0.action == .draft }))
        \(Self.mails("Left alone", report.rows.filter { $0.action == .silent }))
        </body></html>
        """
    }

    private static func sum(_ report: ReplayReport) -> String {
        var items = [
            ("\(report.drafted) of \(report.rows.count)", "mails of customers with a draft"),
            ("\(report.count(.escalate))", "to a person, with or without a draft"),
            ("\(report.count(.auto))", "answered alone"),
        ]
        if !report.compared.isEmpty {
            items.append(("\(report.nearAnswers) of \(report.compared.count)", "drafts near what a person answered"))
        }
        if report.gaps > 0 { items.append(("\(report.gaps)", "answered by people, no article fits")) }
        return "<ul class=\"sum\">" + items.map { "<li><b>\($0.0)</b>\($0.1)</li>" }.joined() + "</ul>"
    }

    private static func counts(_ title: String, _ rows: [(reason: String, mails: Int)]) -> String {
        guard !rows.isEmpty else { return "" }
        let cells = rows.prefix(12).map {
            "<tr><td>\(Self.escaped($0.reason))</td><td class=\"n\">\($0.mails)</td></tr>"
        }
        return "<h2>\(title)</h2>\n<table><tr><th>why</th><th class=\"n\">mails</th></tr>\(cells.joined())</table>"
    }

    private static func categories(_ report: ReplayReport) -> String {
        let rows = report.categories.map { row in
            "<tr><td>\(Self.escaped(row.name))</td>"
                + [row.mails, row.drafted, row.automatic, row.escalated].map { "<td class=\"n\">\($0)</td>" }.joined()
                + "</tr>"
        }
        guard !rows.isEmpty else { return "" }
        let heads = ["mails", "drafted", "alone", "to people"].map { "<th class=\"n\">\($0)</th>" }.joined()
        return "<h2>Categories</h2>\n<table><tr><th>category</th>\(heads)</tr>\(rows.joined())</table>"
    }

    /// Urgent ones first, each with its words folded away.
    private static func mails(_ title: String, _ rows: [ReplayReport.Row]) -> String {
        guard !rows.isEmpty else { return "" }
        let levels = Analysis.Priority.Level.allCases.sorted(by: >)
        let sorted = levels.flatMap { level in rows.filter { $0.priority == level } }
        return "<h2>\(title): \(rows.count)</h2>\n" + sorted.map(Self.mail).joined()
    }

    private static func mail(_ row: ReplayReport.Row) -> String {
        let subject = row.subject.isEmpty ? "(no subject)" : row.subject
        let facts =
            [row.from, row.date.map(Moment.text), row.category, "\(row.priority.rawValue) priority"].compactMap(\.self)
            + [
                row.confidence.map { "\(Self.percent($0)) sure" },
                row.likeness.map { "\(Self.percent($0)) like the answer" },
            ]
            .compactMap(\.self)
        let source = row.articles.isEmpty ? "" : " from \(row.articles.joined(separator: ", "))"
        return """
            <details><summary><b>\(Self.escaped(subject))</b>
            <span class="facts">\(Self.escaped(facts.joined(separator: " · ")))</span><br>
            \(Self.escaped(row.reasons.joined(separator: "; ")))</summary>
            <div class="side">
            <div><h4>Mail</h4><pre>\(Self.escaped(row.text))</pre></div>
            <div><h4>Draft\(Self.escaped(source))</h4><pre>\(Self.escaped(row.draft ?? "none"))</pre></div>
            <div><h4>What a person answered</h4><pre>\(Self.escaped(row.answer ?? "nothing in the archive"))</pre></div>
            </div></details>

            """
    }

    private static func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }

    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\n", "\t": result.unicodeScalars.append(scalar)
            default: if scalar.properties.generalCategory != .control { result.unicodeScalars.append(scalar) }
            }
        }
        return result
    }
}
