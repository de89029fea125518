/// Rows under headings, aligned.
///
/// On a terminal the table fits its width: columns that may be missing go, the last one first, until the others have
/// room to be read; then the columns that may shrink lose their ends to `…`, the widest first. In a pipe nothing is
/// cut, so that `grep` and `awk` find what is there.
struct TextTable {
    struct Column {
        enum Alignment { case left, right }

        var title: String
        var alignment: Alignment
        /// Whether the column may be cut to fit.
        var isElastic: Bool
        /// Whether a narrow terminal does without the column.
        var isOptional: Bool

        init(
            _ title: String, _ alignment: Alignment = .left, isElastic: Bool = false, isOptional: Bool = false
        ) {
            self.title = title
            self.alignment = alignment
            self.isElastic = isElastic
            self.isOptional = isOptional
        }
    }

    private static let gap = "  "
    private static let narrowest = 8
    /// Width of a column that may shrink, below which columns that may be missing go.
    private static let readable = 12

    private(set) var columns: [Column]
    private(set) var rows: [[String]] = []

    init(_ columns: [Column]) { self.columns = columns }

    /// Adds one row; missing cells are empty, cells beyond the last column are dropped.
    mutating func add(_ cells: [String]) {
        self.rows.append(
            self.columns.indices.map { $0 < cells.count ? DisplayWidth.printable(cells[$0]) : "" })
    }

    /// The table as lines without a trailing line end.
    /// - Parameter width: columns to fit in; nil cuts nothing.
    func rendered(width: Int?) -> String {
        let table = width.map(self.narrowed) ?? self
        let widths = table.widths(fitting: width)
        return ([table.columns.map { $0.title.uppercased() }] + table.rows)
            .map { Self.line($0, columns: table.columns, widths: widths) }
            .joined(separator: "\n")
    }

    /// The table without columns that may be missing and leave the others too little room.
    private func narrowed(to width: Int) -> TextTable {
        var table = self
        while let last = table.columns.lastIndex(where: \.isOptional) {
            let widths = zip(table.columns, table.widths(fitting: nil))
                .map { $0.isElastic ? min($1, Self.readable) : $1 }
            if widths.reduce(0, +) + Self.gap.count * (widths.count - 1) <= width { break }
            table.columns.remove(at: last)
            for row in table.rows.indices { table.rows[row].remove(at: last) }
        }
        return table
    }

    /// Prints the table, or `empty` when there is no row.
    func print(empty: String) {
        Terminal.print(self.rows.isEmpty ? empty : self.rendered(width: Terminal.columns))
    }

    private func widths(fitting width: Int?) -> [Int] {
        var widths = self.columns.indices.map { column in
            self.rows.reduce(DisplayWidth.of(self.columns[column].title)) { max($0, DisplayWidth.of($1[column])) }
        }
        guard let width else { return widths }
        let available = width - Self.gap.count * (self.columns.count - 1)
        var excess = widths.reduce(0, +) - available
        while excess > 0 {
            let elastic = widths.indices.filter { self.columns[$0].isElastic && widths[$0] > Self.narrowest }
            guard let widest = elastic.max(by: { widths[$0] < widths[$1] }) else { break }
            widths[widest] -= 1
            excess -= 1
        }
        return widths
    }

    private static func line(_ cells: [String], columns: [Column], widths: [Int]) -> String {
        var line = ""
        for index in columns.indices {
            let cell = DisplayWidth.truncate(cells[index], to: widths[index])
            let padding = String(repeating: " ", count: widths[index] - DisplayWidth.of(cell))
            let isLast = index == columns.count - 1
            switch columns[index].alignment {
            case .left: line += isLast ? cell : cell + padding
            case .right: line += padding + cell
            }
            if !isLast { line += Self.gap }
        }
        while line.last == " " { line.removeLast() }
        return line
    }
}
