/// Reads and writes comma-separated values with the quoting of RFC 4180. The writer ends lines with a line feed, as Unix tools expect. The
/// reader also accepts CRLF.
public enum CSV {
    /// Returns one line for each row. Quotes fields that contain commas, quotes or line breaks.
    public static func text(_ rows: [[String]]) -> String {
        rows.map { $0.map(quoted).joined(separator: ",") + "\n" }.joined()
    }

    private static func quoted(_ field: String) -> String {
        guard field.utf8.contains(where: { [comma, quote, lineFeed, carriageReturn].contains($0) }) else { return field }
        // A quote with a combining mark behind it is one character, so the scalars are compared.
        return "\"" + field.unicodeScalars.map { $0 == "\"" ? "\"\"" : String($0) }.joined() + "\""
    }

    /// Returns the fields of each line. Skips empty lines.
    public static func rows(_ text: String) -> [[String]] {
        var rows: [[String]] = []
        var row: [String] = []
        var field: [UInt8] = []
        var isQuoted = false
        var previous: UInt8 = 0
        func endField() {
            row.append(String(decoding: field, as: UTF8.self))
            field = []
        }
        func endRow() {
            endField()
            if row != [""] { rows.append(row) }
            row = []
        }
        for byte in text.utf8 {
            switch byte {
            case quote:
                // A quote directly after a closing quote is an escaped quote.
                if !isQuoted && previous == quote { field.append(quote) }
                isQuoted.toggle()
            case comma where !isQuoted: endField()
            case lineFeed where !isQuoted: endRow()
            case carriageReturn where !isQuoted: break
            default: field.append(byte)
            }
            previous = byte
        }
        endRow()
        return rows
    }

    private static let (comma, quote) = (UInt8(ascii: ","), UInt8(ascii: "\""))
    private static let (lineFeed, carriageReturn) = (UInt8(ascii: "\n"), UInt8(ascii: "\r"))
}
