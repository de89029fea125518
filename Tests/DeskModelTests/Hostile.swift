import Testing

/// A text that repeats a piece; shown by the piece alone.
struct Hostile: CustomTestStringConvertible, Sendable {
    let piece: String
    let count: Int

    init(_ piece: String, _ count: Int) {
        self.piece = piece
        self.count = count
    }

    var text: String { String(repeating: self.piece, count: self.count) }
    var testDescription: String { "\(self.count) × \(self.piece)" }
}
