/// A path as the bytes that the file system uses. Names on Linux are bytes; they need not be UTF-8.
public struct FileSystemPath: Hashable, Sendable, CustomStringConvertible {
    /// The bytes, without a terminating zero.
    public let bytes: [UInt8]

    /// Creates a path from text.
    public init(_ text: String) {
        bytes = Array(text.utf8)
    }

    /// Creates a path from the bytes of the file system.
    public init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The text of the path. Bytes that are not UTF-8 appear as \xf6.
    public var description: String { Self.text(bytes) }

    /// Returns the text of a name or path. If all bytes are UTF-8, it is unchanged. Otherwise, each invalid byte appears as \xf6, and each
    /// backslash is doubled.
    public static func text(_ bytes: some Collection<UInt8>) -> String {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        let bytes = Array(bytes)
        var result = ""
        var index = 0
        while index < bytes.count {
            if let length = (1...4).first(where: { length in
                index + length <= bytes.count && String(validating: bytes[index..<index + length], as: UTF8.self) != nil
            }) {
                let character = String(decoding: bytes[index..<index + length], as: UTF8.self)
                result += character == "\\" ? "\\\\" : character
                index += length
            } else {
                result += "\\x" + String(bytes[index], radix: 16)
                index += 1
            }
        }
        return result
    }

    /// Returns the path of an entry of this folder.
    func appending(_ name: some Collection<UInt8>) -> FileSystemPath {
        FileSystemPath(bytes: bytes + [UInt8(ascii: "/")] + name)
    }

    func withCString<Result>(_ body: (UnsafePointer<CChar>) throws -> Result) rethrows -> Result {
        try (bytes + [0]).withUnsafeBytes { try body($0.bindMemory(to: CChar.self).baseAddress!) }
    }
}
