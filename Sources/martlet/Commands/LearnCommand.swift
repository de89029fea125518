import ArgumentParser
import Desk
import DeskStore
import Encoder
import Foundation
import Triage

/// `martlet learn`: what the desk made of its team's corrections.
struct LearnCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "learn", abstract: "Teach triage the team's corrections, and see how good it is.",
        discussion: """
              martlet tickets retag MT-1042 "Returns & refunds"   a correction
              martlet learn retrain       teach them all; serve may run meanwhile
              martlet learn status --chart reliability.svg

            The running service trains once a night when there is something new. A new model serves only if it names \
            the corrections that were kept from it at least as well as the one before.
            """,
        subcommands: [Status.self, Retrain.self], defaultSubcommand: Status.self)

    struct Retrain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Train now; a running service takes the new model over within seconds.")

        @OptionGroup var options: GlobalOptions
        @Flag(help: "Print JSON.") var json = false

        private struct Report: Encodable {
            let version: String
            let state: String
            let reason: String
            let taught: Int
            let figures: LearningFigures
        }

        func run() async throws {
            let outcome = try await DeskRuntime.with(self.options) { runtime in
                let shipped = try ShippedData(environment: self.options.source.environment)
                let encoder = RememberingEncoder(
                    try shipped.encoder(configured: runtime.settings.modelDirectory))
                let engines = ServingEngine(
                    try await shipped.engine(encoder: encoder, taxonomyFile: runtime.settings.taxonomyFile))
                let learning = try shipped.learning(store: runtime.store, engines: engines)
                // The comparison is with what serves, not with what was shipped.
                try await learning.adopt()
                return try await learning.retrain()
            }
            let (model, figures) = (outcome.model, outcome.figures)
            guard !self.json else {
                return try JSONOutput.print(
                    Report(
                        version: model.version, state: model.state.rawValue, reason: model.reason, taught: model.taught,
                        figures: figures))
            }
            func seconds(_ value: Double) -> String { "\((value * 100).rounded() / 100) s" }
            Terminal.print(
                """
                model \(model.version) \(model.state == .serving ? "serves" : "is refused"): \(model.reason)
                \(Count.of(model.taught, "correction")) taught, \(model.heldOut) kept apart; training \
                \(seconds(figures.trainingSeconds)), encoding \(seconds(figures.encodingSeconds))
                """)
        }
    }

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show how right and how sure triage is, and what it covers.")

        @OptionGroup var options: GlobalOptions
        @Option(help: "Write a reliability diagram to this SVG file.") var chart: String?
        @Flag(help: "Print JSON.") var json = false

        private struct Report: Encodable {
            struct Model: Encodable {
                let version: String
                let state: String
                let reason: String
                let taught: Int
                let heldOut: Int
                let created: Date
            }

            struct Row: Encodable {
                let category: String
                let tickets: Int
                let corrected: Int
                let takenOut: Int
            }

            let models: [Model]
            let figures: LearningFigures?
            let categories: [Row]
        }

        func run() async throws {
            let (models, coverage) = try await DeskRuntime.with(self.options) { runtime in
                (try await runtime.store.models(limit: 10), try await runtime.store.categoryCoverage())
            }
            let serving = models.first { $0.state == .serving }
            let figures = serving.flatMap {
                try? JSONDecoder().decode(LearningFigures.self, from: Data($0.figures.utf8))
            }
            if let chart = self.chart {
                guard let figures else {
                    throw CommandError(
                        .failed, "there is nothing to draw yet", remedy: "run martlet learn retrain first")
                }
                do {
                    try Data(ReliabilityChart.svg(figures).utf8).write(
                        to: URL(fileURLWithPath: chart), options: .atomic)
                } catch {
                    throw CommandError(.failed, "\(chart) cannot be written", remedy: "name a file you may write")
                }
            }
            guard !self.json else {
                return try JSONOutput.print(
                    Report(
                        models: models.map {
                            .init(
                                version: $0.version, state: $0.state.rawValue, reason: $0.reason, taught: $0.taught,
                                heldOut: $0.heldOut, created: $0.createdAt)
                        }, figures: figures,
                        categories: coverage.map {
                            .init(
                                category: $0.category, tickets: $0.tickets, corrected: $0.corrected,
                                takenOut: $0.takenOut)
                        }))
            }
            self.show(models, figures, coverage)
        }

        private func show(_ models: [StoredModel], _ figures: LearningFigures?, _ coverage: [CategoryCoverage]) {
            func percent(_ part: Int, of whole: Int) -> String {
                whole == 0 ? "" : "\((Double(part) / Double(whole) * 1000).rounded() / 10) %"
            }
            if let figures {
                let untaught =
                    figures.heldOut == 0
                    ? "" : "; \(figures.heldOutRight) of \(figures.heldOut) corrections right that were never taught"
                Terminal.printWrapped(
                    """
                    accuracy \((figures.accuracy * 1000).rounded() / 10) %, calibration error \
                    \((figures.calibrationError * 1000).rounded() / 10) points, on examples held out in turn\(untaught)
                    """)
            } else {
                Terminal.print("the taxonomy's own model serves; martlet learn retrain adds the corrections")
            }
            let recall = Dictionary(
                (figures?.recall ?? []).map { ($0.category, $0) }, uniquingKeysWith: { first, _ in first })
            var table = TextTable([
                .init("category", isElastic: true), .init("tickets", .right), .init("corrected to", .right),
                .init("taken out", .right), .init("examples", .right), .init("recall", .right),
            ])
            let known = Set(coverage.map(\.category))
            for row in coverage {
                let recall = recall[row.category]
                table.add([
                    row.category, "\(row.tickets)", "\(row.corrected)", "\(row.takenOut)",
                    recall.map { "\($0.rows)" } ?? "", recall.map { percent($0.right, of: $0.rows) } ?? "",
                ])
            }
            for row in recall.values.sorted(by: { $0.category < $1.category }) where !known.contains(row.category) {
                table.add([row.category, "0", "0", "0", "\(row.rows)", percent(row.right, of: row.rows)])
            }
            table.print(empty: "no ticket has been analysed yet")
            for model in models {
                Terminal.printWrapped(
                    "\(Moment.text(model.createdAt))  \(model.version) \(model.state.rawValue): \(model.reason)")
            }
        }
    }
}
