import Foundation

/// Standard input and output as one JSON object a line.
struct JSONLines {
    /// Longer lines are cut here, so that no input can fill the memory.
    private static let longestLine = 16 << 20

    private var buffer = Data()
    private var isAtEnd = false
    private let input: FileHandle

    init(_ input: FileHandle = .standardInput) { self.input = input }

    /// At most `count` lines or `bytes` bytes of them; empty at the end of the input. Blank lines are left out.
    mutating func next(count: Int, bytes: Int) throws -> [Data] {
        var lines: [Data] = []
        var size = 0
        while lines.count < count, size < bytes, let line = try self.line() {
            if line.isEmpty { continue }
            lines.append(line)
            size += line.count
        }
        return lines
    }

    private mutating func line() throws -> Data? {
        var searched = self.buffer.startIndex
        while true {
            if let end = self.buffer[searched...].firstIndex(of: 0x0A) {
                let line = Data(self.buffer[self.buffer.startIndex..<end])
                self.buffer = self.buffer[(end + 1)...]
                return line
            }
            if self.isAtEnd {
                guard !self.buffer.isEmpty else { return nil }
                defer { self.buffer = Data() }
                return Data(self.buffer)
            }
            if self.buffer.count > Self.longestLine {
                defer { self.buffer = Data() }
                return Data(self.buffer)
            }
            let rest = Data(self.buffer)
            searched = rest.count
            self.buffer = rest
            if let chunk = try self.input.read(upToCount: 1 << 18), !chunk.isEmpty {
                self.buffer.append(chunk)
            } else {
                self.isAtEnd = true
            }
        }
    }

    /// Writes one line for each value and hands it on at once.
    static func write<Value: Encodable>(_ values: [Value]) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var out = Data()
        for value in values {
            out.append(try encoder.encode(value))
            out.append(0x0A)
        }
        try FileHandle.standardOutput.write(contentsOf: out)
    }

    /// To standard error, for people.
    static func complain(_ text: String) {
        FileHandle.standardError.write(Data("martlet: \(text)\n".utf8))
    }
}

/// An id as it came: text or number.
enum RowIdentifier: Codable, Sendable {
    case text(String)
    case number(Double)
    case none

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if let number = try? container.decode(Double.self) {
            self = .number(number)
        } else {
            self = .none
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let text): try container.encode(text)
        case .number(let number):
            if let whole = Int64(exactly: number) { try container.encode(whole) } else { try container.encode(number) }
        case .none: try container.encodeNil()
        }
    }
}
