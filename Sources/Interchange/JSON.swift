import Foundation

/// Reads and writes JSON. The whole project uses these functions.
///
/// Keys are sorted, so equal values give equal bytes. A finite `Float` or `Double` is written with the fewest digits that identify it, so
/// reading restores the same bits. JSON has no infinities and no NaN: they are written as the strings "inf", "-inf" and "nan". A NaN loses
/// its payload.
public enum JSON {
    /// Whether the text has line breaks.
    public enum Layout: Sendable {
        /// Indented, for files that people read.
        case indented
        /// One line, for records of a .jsonl file and for messages between ranks.
        case compact
    }

    private static let (infinity, minusInfinity, notANumber) = ("inf", "-inf", "nan")

    /// Returns the JSON text of a value.
    public static func encode(_ value: some Encodable, _ layout: Layout) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if layout == .indented { encoder.outputFormatting.insert(.prettyPrinted) }
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: infinity, negativeInfinity: minusInfinity, nan: notANumber)
        return try encoder.encode(value)
    }

    /// Decodes a value from JSON text.
    ///
    /// - Parameter source: the file that the text comes from, or a description of it, for messages.
    /// - Throws: `InterchangeError.malformed`, which names the source and the key.
    public static func decode<Value: Decodable>(_ type: Value.Type, from data: Data, source: String) throws -> Value {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: infinity, negativeInfinity: minusInfinity, nan: notANumber)
        do {
            return try decoder.decode(type, from: data)
        } catch let error as DecodingError {
            throw InterchangeError.malformed(path: source, reason: reason(error))
        }
    }

    /// Writes a value to a file, indented. The file is either complete or absent.
    public static func write(_ value: some Encodable, to path: String) throws {
        try DurableFile.write(try encode(value, .indented), to: path)
    }

    /// Reads a value from a file.
    ///
    /// - Throws: `InterchangeError`, which names the file.
    public static func read<Value: Decodable>(_ type: Value.Type, from path: String) throws -> Value {
        try decode(type, from: try DurableFile.read(path), source: path)
    }

    /// Describes an error in a sentence. `DecodingError`'s own description is a dump of its fields.
    private static func reason(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, let context):
            return "the key '\(path(context.codingPath + [key]))' is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            return context.codingPath.isEmpty
                ? "the value is of another kind" : "the value of '\(path(context.codingPath))' is missing or of another kind"
        case .dataCorrupted(let context):
            return context.codingPath.isEmpty ? "it is not JSON" : "the value of '\(path(context.codingPath))' is not valid"
        @unknown default:
            return "it cannot be decoded"
        }
    }

    private static func path(_ keys: [CodingKey]) -> String {
        keys.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
    }
}
