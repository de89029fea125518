import LinearModel
import Testing

/// Rows in the plane around one centre for each class, laid out without chance.
private func plane(_ centres: [(Float, Float)], each: Int) -> (rows: [FeatureRow], labels: [Int]) {
    var rows: [FeatureRow] = []
    var labels: [Int] = []
    for index in 0..<each {
        for (label, centre) in centres.enumerated() {
            let x = Float(index % 5) * 0.1 - 0.2
            let y = Float(index / 5 % 5) * 0.1 - 0.2
            rows.append(
                FeatureRow(dense: [centre.0 + x, centre.1 + y], sparse: [.init(index: Int32(label), value: 0.5)]))
            labels.append(label)
        }
    }
    return (rows, labels)
}

private func best(_ scores: [Float]) -> Int? { scores.indices.max { scores[$0] < scores[$1] } }

@Suite("Linear heads") struct LinearModelTests {
    @Test(arguments: [TrainingOptions.Loss.logistic, .squaredHinge])
    func `separates what can be separated`(loss: TrainingOptions.Loss) async throws {
        let (rows, labels) = plane([(0, 1), (1, -1), (-1, -1)], each: 20)
        let model = try await LinearTrainer(lanes: 1).train(
            rows: rows, labels: labels, classCount: 3, options: TrainingOptions(loss: loss))
        for (row, label) in zip(rows, labels) { #expect(best(model.scores(row)) == label) }
    }

    @Test func `two classes get mirrored scores`() async throws {
        let (rows, labels) = plane([(1, 0), (-1, 0)], each: 10)
        let model = try await LinearTrainer(lanes: 1).train(
            rows: rows, labels: labels, classCount: 2, options: TrainingOptions())
        let scores = model.scores(rows[0])
        #expect(scores[0] > 0)
        #expect(abs(scores[0] + scores[1]) < 1e-5)
    }

    @Test func `training twice gives equal models`() async throws {
        let (rows, labels) = plane([(0, 1), (1, -1), (-1, -1), (3, 3)], each: 15)
        let first = try await LinearTrainer(lanes: 2).train(
            rows: rows, labels: labels, classCount: 4, options: TrainingOptions(loss: .squaredHinge))
        let second = try await LinearTrainer(lanes: 1).train(
            rows: rows, labels: labels, classCount: 4, options: TrainingOptions(loss: .squaredHinge))
        #expect(first == second)
    }

    @Test func `held out scores come from models that did not see the row`() async throws {
        // Every row has a feature of its own and a label without any pattern: nothing can be known of a row that is new.
        let rows = (0..<40).map { FeatureRow(dense: [], sparse: [.init(index: Int32($0), value: 1)]) }
        let labels = (0..<40).map { ($0 * 7 / 3) % 2 }
        let (model, heldOut) = try await LinearTrainer().trainWithHeldOutScores(
            rows: rows, labels: labels, classCount: 2,
            fold: LinearTrainer.folds(labels, groups: Array(0..<40), count: 4), options: TrainingOptions(cost: 100))
        #expect(zip(rows, labels).allSatisfy { best(model.scores($0)) == $1 })
        let constant = Set(heldOut.map { ($0[0] * 1000).rounded() })
        #expect(constant.count <= 4)
    }

    @Test func `each fold sees each class`() {
        let labels = Array(repeating: 0, count: 8) + Array(repeating: 1, count: 4)
        let folds = LinearTrainer.folds(labels, groups: Array(labels.indices), count: 4)
        for fold in 0..<4 {
            #expect(zip(folds, labels).contains { $0 == fold && $1 == 1 })
            #expect(zip(folds, labels).count { $0 == fold && $1 == 0 } == 2)
        }
    }

    @Test func `rows of one group share a fold`() {
        let folds = LinearTrainer.folds([0, 0, 0, 0, 1], groups: [7, 8, 7, 9, 7], count: 3)
        #expect(folds[0] == folds[2])
        #expect(folds[0] == folds[4])
        #expect(folds[1] != folds[0])
    }

    @Test func `a class without rows never wins`() async throws {
        let (rows, labels) = plane([(0, 1), (1, -1)], each: 10)
        let model = try await LinearTrainer(lanes: 1).train(
            rows: rows, labels: labels.map { $0 * 2 }, classCount: 3, options: TrainingOptions())
        for row in rows { #expect(best(model.scores(row)) != 1) }
    }

    @Test func `rows and labels that do not fit are refused`() async throws {
        let row = FeatureRow(dense: [1])
        await #expect(throws: LinearModelError.self) {
            try await LinearTrainer(lanes: 1).train(rows: [row], labels: [3], classCount: 2, options: TrainingOptions())
        }
        await #expect(throws: LinearModelError.self) {
            try await LinearTrainer(lanes: 1).train(rows: [], labels: [], classCount: 2, options: TrainingOptions())
        }
        await #expect(throws: LinearModelError.self) {
            try await LinearTrainer(lanes: 1).train(
                rows: [row, FeatureRow(dense: [1, 2])], labels: [0, 1], classCount: 2, options: TrainingOptions())
        }
    }

    @Test func `a written model reads back with the same answers`() async throws {
        let (rows, labels) = plane([(0, 1), (1, -1), (-1, -1)], each: 20)
        let model = try await LinearTrainer(lanes: 1).train(
            rows: rows, labels: labels, classCount: 3, options: TrainingOptions())
        var writer = ByteWriter()
        model.write(to: &writer)
        var reader = ByteReader(writer.bytes)
        let copy = try LinearClassifier(from: &reader)
        #expect(reader.isAtEnd)
        for row in rows {
            for (left, right) in zip(model.scores(row), copy.scores(row)) { #expect(abs(left - right) < 0.01) }
        }
    }

    @Test func `a cut file is refused at every length`() async throws {
        let (rows, labels) = plane([(0, 1), (1, -1)], each: 5)
        let model = try await LinearTrainer(lanes: 1).train(
            rows: rows, labels: labels, classCount: 2, options: TrainingOptions())
        var writer = ByteWriter()
        model.write(to: &writer)
        for length in 0..<writer.bytes.count {
            var reader = ByteReader(Array(writer.bytes.prefix(length)))
            #expect(throws: LinearModelError.self) { try LinearClassifier(from: &reader) }
        }
    }

    @Test func `the temperature mends overconfidence`() {
        // Scores that claim near certainty and are right three times of four.
        let scores = (0..<400).map { _ in [Float(6), 0] }
        let labels = (0..<400).map { $0 % 4 == 0 ? 1 : 0 }
        let temperature = Probability.fitTemperature(scores: scores, labels: labels)
        #expect(abs(Probability.softmax(scores[0], temperature: temperature)[0] - 0.75) < 0.01)
    }

    @Test func `contributions name the features that speak for a class`() async throws {
        let (rows, labels) = plane([(0, 0), (0, 0), (0, 0)], each: 20)
        let model = try await LinearTrainer(lanes: 1).train(
            rows: rows, labels: labels, classCount: 3, options: TrainingOptions())
        let row = FeatureRow(dense: [0, 0], sparse: [.init(index: 0, value: 0.5), .init(index: 2, value: 0.5)])
        #expect(model.contributions(row, to: 2, limit: 5).map(\.index) == [2])
    }
}
