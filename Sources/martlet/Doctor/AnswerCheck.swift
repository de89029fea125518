import Answering
import Desk
import DeskModel
import DeskStore
import Foundation

/// Checks of what answers are made from: articles, names of categories, who hears of what needs a person.
enum AnswerCheck {
    // MARK: - Knowledge base

    /// - Parameter articles: nil when the database could not say.
    static func knowledge(_ articles: [ArticleSummary]?, folder: String) -> [Finding] {
        [Self.base(articles, folder: folder)] + (folder.isEmpty ? [] : [Self.folder(folder)])
    }

    private static func base(_ articles: [ArticleSummary]?, folder: String) -> Finding {
        guard let articles else { return .skip("knowledge base", "the tables were not reached") }
        let active = articles.count(where: \.isActive)
        guard active > 0 else {
            return .warn(
                "knowledge base", "no article can be answered from, so nothing will be drafted",
                folder.isEmpty
                    ? "martlet kb import FOLDER, or name the folder under knowledge.folder"
                    : "martlet serve imports knowledge.folder; see the next line")
        }
        let resting = articles.count - active
        return .ok(
            "knowledge base",
            Count.of(active, "article") + (resting == 0 ? "" : ", \(resting) more deactivated"))
    }

    private static func folder(_ path: String) -> Finding {
        let check = "knowledge folder"
        do {
            let reading = try ArticleFiles.read([path])
            guard reading.problems.isEmpty else {
                return .fail(
                    check, "\(path) is not imported: \(reading.problems.joined(separator: "; "))",
                    "mend what is named, or take it out of the folder; the articles imported before stay until then")
            }
            return .ok(check, "\(path) holds \(Count.of(reading.articles.count, "article"))")
        } catch {
            return .fail(
                check, (error as? CommandError)?.context ?? "\(path) cannot be read",
                "make the folder readable for the service, or correct knowledge.folder")
        }
    }

    // MARK: - Categories

    /// Names under `draft` and `escalation.on_call` that no ticket can have.
    static func categories(_ settings: DeskSettings, known: [String]) -> [Finding] {
        let wanted: [(key: String, names: [String])] = [
            ("draft.automatic_categories", settings.draft.automaticCategories),
            ("draft.observed_categories", settings.draft.observedCategories),
            ("escalation.on_call", settings.escalation.onCall.compactMap(\.category)),
        ]
        return wanted.flatMap { key, names in
            names.filter { $0 != "all" && !known.contains($0) }.map { name in
                let near = Suggestion.nearest(to: name, among: known)
                return Finding.warn(
                    "categories", "\(key) names \(name), which the taxonomy does not have: it fits no ticket",
                    near.map { "did you mean \($0)?" }
                        ?? "it has \(known.filter { !$0.contains(" / ") }.joined(separator: ", "))")
            }
        }
    }

    // MARK: - Notices

    /// Whom notices of tickets without a rule of their own reach at this hour.
    static func notices(_ escalation: EscalationSettings) -> Finding {
        let now = escalation.recipients(category: nil).map(\.address)
        let rules = Count.of(escalation.onCall.count, "rule")
        guard !now.isEmpty else {
            return .warn(
                "notices",
                escalation.onCall.isEmpty
                    ? "nobody is told what only a person can settle"
                    : "at this hour nobody is told what no rule of escalation.on_call (\(rules)) fits",
                "name who is, under escalation.team; martlet status and martlet tickets show it all the same")
        }
        let addresses = now.joined(separator: ", ")
        return .ok(
            "notices",
            escalation.onCall.isEmpty
                ? "go to \(addresses)" : "go to \(addresses) at this hour (\(rules) of escalation.on_call)")
    }
}
