import Foundation

/// JSON as scripts read it: keys in `snake_case` and stable order, dates in ISO 8601, slashes as they are.
enum JSONOutput {
    /// The value on one line, without a line end.
    static func line(_ value: some Encodable) throws -> Data { try Self.encoder([]).encode(value) }

    /// Prints the value, indented.
    static func print(_ value: some Encodable) throws {
        Terminal.write(try Self.encoder([.prettyPrinted]).encode(value) + Data("\n".utf8))
    }

    private static func encoder(_ formatting: JSONEncoder.OutputFormatting) -> JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = formatting.union([.sortedKeys, .withoutEscapingSlashes])
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.dateEncodingStrategy = .iso8601
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return encoder
    }
}
