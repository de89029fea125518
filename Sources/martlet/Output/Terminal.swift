import CPosix
import Foundation
import Glibc

/// Standard output and error, as a person or a pipe sees them.
enum Terminal {
    /// True when a person reads standard output.
    static var isInteractive: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Columns of the terminal behind standard output; nil when it is a pipe or a file.
    static var columns: Int? {
        guard Self.isInteractive else { return nil }
        let columns = Int(shim_terminal_columns(STDOUT_FILENO))
        return columns > 0 ? columns : 80
    }

    /// Writes the text and a line end to standard output, at once.
    static func print(_ text: String) { Self.write(Data("\(text)\n".utf8), to: .standardOutput) }

    /// The same with lines that are too long for the terminal broken between words.
    static func printWrapped(_ text: String) { Self.print(Wrapping.text(text, to: Self.columns)) }

    /// Writes the bytes to standard output, at once.
    static func write(_ data: Data) { Self.write(data, to: .standardOutput) }

    /// Writes the text and a line end to standard error.
    /// A terminal gets long lines broken between words.
    static func printError(_ text: String) {
        let columns = isatty(STDERR_FILENO) == 1 ? Int(shim_terminal_columns(STDERR_FILENO)) : 0
        Self.write(Data("\(Wrapping.text(text, to: columns > 0 ? columns : nil))\n".utf8), to: .standardError)
    }

    private static func write(_ data: Data, to handle: FileHandle) {
        do {
            try handle.write(contentsOf: data)
        } catch {
            // The reader has gone (`| head`), or the disk is full: nobody is left to tell.
            Glibc.exit(CommandError.Code.failed.rawValue)
        }
    }
}

/// One line on standard error that is written over as work goes on; silent when nobody watches.
struct ProgressLine {
    private let isShown = isatty(STDERR_FILENO) == 1
    private var width = 0

    init() {}

    /// Replaces what the line said.
    mutating func show(_ text: String) {
        guard self.isShown else { return }
        let text = DisplayWidth.truncate(DisplayWidth.printable(text), to: 79)
        let padding = max(0, self.width - DisplayWidth.of(text))
        self.width = DisplayWidth.of(text)
        FileHandle.standardError.write(Data("\r\(text)\(String(repeating: " ", count: padding))".utf8))
    }

    /// Removes the line, so that what follows starts clean.
    mutating func clear() {
        guard self.isShown, self.width > 0 else { return }
        FileHandle.standardError.write(Data("\r\(String(repeating: " ", count: self.width))\r".utf8))
        self.width = 0
    }
}
