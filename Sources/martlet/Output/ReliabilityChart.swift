import Desk

/// How often triage is right where it says so: accuracy over confidence, with the rows behind each bin.
enum ReliabilityChart {
    private static let side = 300.0
    private static let margin = 50.0

    /// A picture that needs nothing beside itself.
    static func svg(_ figures: LearningFigures) -> String {
        let most = Double(max(1, figures.bins.map(\.rows).max() ?? 1))
        let width = Self.side / Double(max(1, figures.bins.count))
        var shapes: [String] = []
        for (index, bin) in figures.bins.enumerated() where bin.rows > 0 {
            let left = Self.margin + Double(index) * width
            let height = bin.accuracy * Self.side
            // Paler where few rows speak.
            let weight = 0.25 + 0.65 * (Double(bin.rows) / most).squareRoot()
            shapes.append(
                """
                <rect x="\(Self.number(left + 1))" y="\(Self.number(Self.margin + Self.side - height))" \
                width="\(Self.number(width - 2))" height="\(Self.number(height))" fill="#2b6cb0" \
                fill-opacity="\(Self.number(weight))"><title>\(bin.rows) rows: said \
                \(Self.number(bin.confidence * 100)) %, right \(Self.number(bin.accuracy * 100)) %</title></rect>
                """)
            let x = Self.margin + bin.confidence * Self.side
            shapes.append(
                """
                <circle cx="\(Self.number(x))" cy="\(Self.number(Self.margin + Self.side - height))" r="3" \
                fill="#1a365d"/>
                """)
        }
        let low = Self.number(Self.margin)
        let high = Self.number(Self.margin + Self.side)
        let size = Self.number(Self.side + 2 * Self.margin)
        let middle = Self.number(Self.margin + Self.side / 2)
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(size) \(size)" font-family="sans-serif" \
            font-size="12">
            <rect width="\(size)" height="\(size)" fill="white"/>
            <line x1="\(low)" y1="\(high)" x2="\(high)" y2="\(low)" stroke="#999" stroke-dasharray="4 4"/>
            \(shapes.joined(separator: "\n"))
            <rect x="\(low)" y="\(low)" width="\(Self.number(Self.side))" height="\(Self.number(Self.side))" \
            fill="none" stroke="#333"/>
            <text x="\(middle)" y="30" text-anchor="middle">accuracy \(Self.number(figures.accuracy * 100)) %, \
            calibration error \((figures.calibrationError * 10_000).rounded() / 10_000)</text>
            <text x="\(middle)" y="\(Self.number(Self.margin + Self.side + 35))" text-anchor="middle">confidence</text>
            <text x="20" y="\(middle)" text-anchor="middle" transform="rotate(-90 20 \(middle))">right</text>
            <text x="\(low)" y="\(Self.number(Self.margin + Self.side + 16))">0</text>
            <text x="\(high)" y="\(Self.number(Self.margin + Self.side + 16))" text-anchor="end">1</text>
            </svg>

            """
    }

    private static func number(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
}
