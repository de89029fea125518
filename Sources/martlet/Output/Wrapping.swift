/// Long lines broken between words, so that a terminal breaks none within one.
///
/// What follows the first line of a broken line stands under its text: under the value of `label   value`, else under
/// its own beginning. In a pipe nothing is broken, so that `grep` finds whole lines.
enum Wrapping {
    /// Columns from the left within which the gap after a label is looked for.
    private static let labelLimit = 24

    /// - Parameter width: columns to fit in; nil breaks nothing.
    static func text(_ text: String, to width: Int?) -> String {
        guard let width else { return text }
        return text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { Self.line(String($0), to: width) }.joined(separator: "\n")
    }

    private static func line(_ line: String, to width: Int) -> String {
        guard DisplayWidth.of(line) > width else { return line }
        let indent = Self.indent(line)
        guard indent + 20 < width else { return line }
        var lines: [String] = []
        var current = String(line.prefix(indent))
        var isFresh = true
        for word in Self.words(line.dropFirst(indent)) {
            if !isFresh, DisplayWidth.of(current) + 1 + DisplayWidth.of(word) > width {
                lines.append(current)
                current = String(repeating: " ", count: indent)
                isFresh = true
            }
            current += isFresh ? word : " \(word)"
            isFresh = false
        }
        return (lines + [current]).joined(separator: "\n")
    }

    /// A figure keeps its per cent sign.
    private static func words(_ text: Substring) -> [String] {
        text.split(separator: " ", omittingEmptySubsequences: false).reduce(into: []) { words, word in
            if word.hasPrefix("%"), let last = words.popLast() {
                words.append("\(last) \(word)")
            } else {
                words.append(String(word))
            }
        }
    }

    /// Columns before the text of a line.
    private static func indent(_ line: String) -> Int {
        let characters = Array(line.prefix(Self.labelLimit + 1))
        let start = characters.firstIndex { $0 != " " } ?? 0
        // A label and its value are parted by at least two spaces; what stands in columns before the text has one each.
        var index = start
        var found = start
        while index + 2 < characters.count {
            if characters[index] == " ", characters[index + 1] == " ", characters[index + 2] != " " {
                found = index + 2
            }
            index += 1
        }
        return found
    }
}
