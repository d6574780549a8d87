import Foundation
import Interchange

/// Reads the text of a configuration.
enum YAMLBytes {
    /// A configuration has a few kilobytes.
    static let maximumSize = 1 << 20

    /// Returns the text of a file.
    ///
    /// - Throws: `ConfigurationError` with the reason.
    static func text(ofFile path: String) throws -> String {
        func failure(_ text: String) -> ConfigurationError { ConfigurationError(problems: [text]) }
        if (try? DurableFile.kind(of: path)) == .folder {
            let inside = path + (path.hasSuffix("/") ? "" : "/") + "config.yaml"
            let isRun = (try? DurableFile.read(inside, limit: maximumSize)) != nil
            throw failure("\(path): this is a folder; a configuration is a YAML file\(isRun ? ", such as \(inside)" : "")")
        }
        let data: Data?
        do { data = try DurableFile.read(path, limit: maximumSize) } catch { throw failure("\(error)") }
        guard let data else { throw failure("\(path): the file is too large for a configuration (more than 1 MiB)") }
        return try text(data, path: path)
    }

    /// Decodes the bytes of a file.
    ///
    /// - Throws: `ConfigurationError` with the reason.
    static func text(_ data: Data, path: String) throws -> String {
        do {
            return try text(data)
        } catch let problem as YAMLProblem {
            throw ConfigurationError(problems: ["\(path)\(problem.line.map { ":\($0)" } ?? ""): \(problem.text)"])
        }
    }

    /// Decodes UTF-8, or UTF-16 with a byte order mark, and refuses what no YAML text can contain.
    ///
    /// - Throws: `YAMLProblem`.
    static func text(_ data: Data) throws -> String {
        let bytes = [UInt8](data)
        let text: String
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            text = try utf16(bytes.dropFirst(2), isLittleEndian: bytes[0] == 0xFF)
        } else {
            let content = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
            guard let decoded = String(validating: content, as: UTF8.self) else { throw invalidUTF8(content) }
            text = decoded
        }
        try check(text)
        return text
    }

    private static func utf16(_ bytes: ArraySlice<UInt8>, isLittleEndian: Bool) throws -> String {
        let units = stride(from: bytes.startIndex, to: bytes.endIndex - 1, by: 2).map { index in
            let (first, second) = (UInt16(bytes[index]), UInt16(bytes[index + 1]))
            return isLittleEndian ? second << 8 | first : first << 8 | second
        }
        guard bytes.count % 2 == 0, let text = String(validating: units, as: UTF16.self) else {
            throw YAMLProblem(line: nil, text: "the file is damaged or not UTF-16; save it as UTF-8")
        }
        return text
    }

    private static func invalidUTF8(_ bytes: ArraySlice<UInt8>) -> YAMLProblem {
        // The longest valid beginning ends in the line of the problem.
        var line = 1
        for part in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            if String(validating: part, as: UTF8.self) == nil { break }
            line += 1
        }
        return YAMLProblem(line: line, text: "this line is not UTF-8; save the file as UTF-8")
    }

    /// Refuses control characters. libYAML would refuse them without the line.
    private static func check(_ text: String) throws {
        var line = 1
        for scalar in text.unicodeScalars {
            if scalar == "\n" { line += 1 }
            let isControl = scalar.value < 0x20 && !["\t", "\n", "\r"].contains(scalar) || (0x7F...0x9F).contains(scalar.value)
            guard !isControl || scalar.value == 0x85 else {
                let code = String(scalar.value, radix: 16, uppercase: true)
                throw YAMLProblem(line: line, text: "YAML does not allow the control character U+\(code); is this a text file?")
            }
            guard ![0xFFFE, 0xFFFF, 0xFEFF].contains(scalar.value) else {
                throw YAMLProblem(
                    line: line, text: "YAML does not allow the character U+\(String(scalar.value, radix: 16, uppercase: true))")
            }
        }
    }
}
