import Desk
import Foundation
import Testing

@testable import martlet

@Suite("Reliability diagram") struct ReliabilityChartTests {
    private func figures(_ bins: [[String: Double]]) throws -> LearningFigures {
        let object: [String: Any] = [
            "accuracy": 0.9, "calibrationError": 0.0123, "heldOut": 0, "heldOutRight": 0, "trainingSeconds": 0,
            "encodingSeconds": 0, "recall": [String](), "bins": bins,
        ]
        return try JSONDecoder().decode(LearningFigures.self, from: JSONSerialization.data(withJSONObject: object))
    }

    @Test func `a bin with rows is a bar as high as it was right, an empty one is nothing`() throws {
        let svg = ReliabilityChart.svg(
            try self.figures([
                ["rows": 0, "confidence": 0, "accuracy": 0], ["rows": 8, "confidence": 0.5, "accuracy": 0.25],
            ]))
        #expect(svg.components(separatedBy: "<title>").count == 2)
        #expect(svg.contains(#"height="75.0""#))
        #expect(svg.contains("accuracy 90.0 %, calibration error 0.0123"))
        #expect(svg.hasPrefix("<svg ") && svg.hasSuffix("</svg>\n"))
    }

    @Test func `no bins make a diagram without bars`() throws {
        #expect(!ReliabilityChart.svg(try self.figures([])).contains("<title>"))
    }
}
