/// Members of a tar file in the format of POSIX.1-2001 (pax). Owners, times and rights are the same in all files, so that equal contents
/// make equal bytes.
enum TarWriter {
    static let block = 512
    /// Two blocks of zeros.
    static let end = [UInt8](repeating: 0, count: 2 * block)

    /// A regular file: its header, its contents, and zeros up to the next block.
    static func member(_ name: [UInt8], _ contents: [UInt8]) -> [UInt8] {
        (name.count > 100 ? pax(path: name) : []) + header(Array(name.prefix(100)), size: contents.count, type: "0") + padded(contents)
    }

    /// The bytes that `member` returns, without the contents.
    static func memberBytes(name: Int, contents: Int) -> Int {
        (name > 100 ? 2 * block + rounded(name + 16) : block) + rounded(contents)
    }

    private static func rounded(_ count: Int) -> Int { (count + block - 1) / block * block }

    private static func padded(_ bytes: [UInt8]) -> [UInt8] { bytes + [UInt8](repeating: 0, count: rounded(bytes.count) - bytes.count) }

    /// A header with a name that the usual one has no place for.
    private static func pax(path: [UInt8]) -> [UInt8] {
        // "LENGTH path=NAME\n", where the length counts its own digits.
        let rest = path.count + " path=\n".utf8.count
        var length = rest
        while length != rest + String(length).utf8.count { length = rest + String(length).utf8.count }
        let record = Array("\(length) path=".utf8) + path + [10]
        return header(Array("pax".utf8), size: record.count, type: "x") + padded(record)
    }

    private static func header(_ name: [UInt8], size: Int, type: String) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: block)
        func put(_ text: String, at position: Int) { bytes.replaceSubrange(position..<position + text.utf8.count, with: text.utf8) }
        func octal(_ number: Int, digits: Int) -> String {
            let text = String(number, radix: 8)
            return String(repeating: "0", count: digits - text.utf8.count) + text
        }
        bytes.replaceSubrange(0..<name.count, with: name)
        put("0000644", at: 100)
        put("0000000", at: 108)
        put("0000000", at: 116)
        put(octal(size, digits: 11), at: 124)
        put("00000000000", at: 136)
        put("        ", at: 148)
        put(type, at: 156)
        put("ustar\0" + "00", at: 257)
        put(octal(bytes.reduce(0) { $0 + Int($1) }, digits: 6) + "\0 ", at: 148)
        return bytes
    }
}
