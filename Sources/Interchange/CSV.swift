/// Comma-separated values with RFC 4180's quoting. Lines end in a line feed, as other tools on Unix expect; the reader accepts CRLF too.
public enum CSV {
    /// One line a row, each with a line feed. Fields with commas, quotes or line breaks are quoted.
    public static func text(_ rows: [[String]]) -> String {
        rows.map { $0.map(quoted).joined(separator: ",") + "\n" }.joined()
    }

    private static func quoted(_ field: String) -> String {
        guard field.utf8.contains(where: { [comma, quote, lineFeed, carriageReturn].contains($0) }) else { return field }
        return "\"" + field.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    /// The fields of each line; empty lines are left out.
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
                // A quote right after a closing quote is a doubled one.
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
