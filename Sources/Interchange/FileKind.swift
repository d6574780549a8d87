import Foundation

/// What a file contains that is not of the expected kind, found from its bytes.
enum FileKind {
    /// A sentence about the contents and what to do. Nil if the contents are not recognised.
    ///
    /// - Parameters:
    ///   - file: all bytes of the file.
    ///   - path: of the file, for commands that a person can copy.
    static func advice(_ file: Data, path: String) -> String? {
        let bytes = [UInt8](file.prefix(4096))
        if bytes.isEmpty { return "it is empty. \(again)" }
        if bytes.allSatisfy({ $0 == 0 }) {
            return "its first \(bytes.count) bytes are zeros: an incomplete download or copy. \(again)"
        }
        if bytes.starts(with: Array("version https://git-lfs.github.com/spec/".utf8)) {
            return "it is a Git LFS pointer, a short text in place of the file. Run 'git lfs pull' in the repository that it comes from"
        }
        return pickleAdvice(file, bytes, path: path) ?? signatureAdvice(file, bytes) ?? TextKind.advice(bytes, size: file.count)
    }

    static let again = "Download or copy it again"

    // MARK: - Python

    private static func pickleAdvice(_ file: Data, _ bytes: [UInt8], path: String) -> String? {
        if bytes.starts(with: [0x50, 0x4B, 3, 4]) {
            // PyTorch writes NAME/data.pkl first. Other writers can have it anywhere; the directory at the end lists all names.
            let isPyTorch = [bytes[...], [UInt8](file.suffix(1 << 16))[...]].contains { contains($0, "/data.pkl") }
            if isPyTorch { return "it is a PyTorch checkpoint (.pth). \(conversion(path))" }
            if contains(bytes[...], ".npy") { return "it is a NumPy archive (.npz). \(saving)" }
            return "it is a zip archive. Unpack it, and name the safetensors file inside"
        }
        // The magic number of torch.save before version 1.6, as a pickle of its own.
        if bytes.starts(with: [0x80, 2, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]) {
            return "it is a PyTorch checkpoint of the format before PyTorch 1.6. \(conversion(path))"
        }
        if bytes.count > 1, bytes[0] == 0x80, (2...5).contains(bytes[1]) {
            return "it is a Python pickle, probably a checkpoint. If PyTorch wrote it: \(conversion(path))"
        }
        return nil
    }

    /// How to make a safetensors file of a PyTorch checkpoint.
    private static func conversion(_ path: String) -> String {
        func quoted(_ text: String) -> String {
            "\"" + text.unicodeScalars.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" }.joined() + "\""
        }
        let dot = path.lastIndex(of: ".").flatMap { path[$0...].contains("/") ? nil : $0 } ?? path.endIndex
        let name = path[..<dot] + ".safetensors"
        return """
            Convert it in Python (pip install torch safetensors numpy):
                import torch, safetensors.torch; w = torch.load(\(quoted(path)), map_location="cpu", weights_only=True)
                w = w.get("state_dict", w.get("model", w)); \
            safetensors.torch.save_file({k: v.clone() for k, v in w.items() if torch.is_tensor(v)}, \(quoted(String(name))))
            """
    }

    /// How to make a safetensors file of weights that another framework holds.
    private static let saving =
        "Load the network with the framework that wrote the file, and save its state dict with safetensors.torch.save_file"

    // MARK: - Signatures

    private struct Signature {
        var offset = 0
        var bytes: [UInt8]
        var advice: String

        init(_ text: String, at offset: Int = 0, _ advice: String) {
            self.init(Array(text.utf8), at: offset, advice)
        }

        init(_ bytes: [UInt8], at offset: Int = 0, _ advice: String) {
            self.offset = offset
            self.bytes = bytes
            self.advice = advice
        }
    }

    private static let unpack = "Unpack it, and name the safetensors file inside"
    private static let signatures = [
        Signature([0x1F, 0x8B], "it is compressed with gzip. \(unpack)"),
        Signature("BZh", "it is compressed with bzip2. \(unpack)"),
        Signature([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], "it is compressed with xz. \(unpack)"),
        Signature([0x28, 0xB5, 0x2F, 0xFD], "it is compressed with zstd. \(unpack)"),
        Signature([0x04, 0x22, 0x4D, 0x18], "it is compressed with lz4. \(unpack)"),
        Signature([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], "it is a 7-Zip archive. \(unpack)"),
        Signature([0x50, 0x4B, 5, 6], "it is an empty zip archive"),
        Signature("Rar!", "it is a RAR archive. \(unpack)"),
        Signature("ustar", at: 257, "it is a tar archive. \(unpack)"),
        Signature([0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A], "it is an HDF5 file, such as Keras writes. \(saving)"),
        Signature("GGUF", "it is a GGUF file (llama.cpp), which has no weights of an image classifier"),
        Signature([0x93] + Array("NUMPY".utf8), "it is a NumPy array (.npy). \(saving)"),
        Signature("TFL3", at: 4, "it is a TensorFlow Lite model. \(saving)"),
        Signature("MATLAB", "it is a MATLAB file. \(saving)"),
        Signature("SQLite format 3", "it is an SQLite database"),
        Signature([0x7F] + Array("ELF".utf8), "it is a program"),
        Signature([0xFF, 0xD8, 0xFF], "it is a JPEG image"),
        Signature([0x89] + Array("PNG".utf8), "it is a PNG image"),
        Signature("RIFF", "it is a RIFF file, such as a WebP image"),
        Signature("GIF8", "it is a GIF image"),
        Signature("%PDF", "it is a PDF document"),
    ]

    private static func signatureAdvice(_ file: Data, _ bytes: [UInt8]) -> String? {
        if let found = signatures.first(where: { bytes.dropFirst($0.offset).starts(with: $0.bytes) }) { return found.advice }
        // The end of LevelDB's table format, which TensorFlow's .index files have.
        if file.suffix(8).elementsEqual([0x57, 0xFB, 0x80, 0x8B, 0x24, 0x75, 0x47, 0xDB]) {
            return "it is the index of a TensorFlow checkpoint. \(saving)"
        }
        // An ONNX file is a protobuf message: field 1, the version of the format, and then the name of the writer.
        if bytes.count > 3, bytes[0] == 0x08, bytes[1] < 32, [0x12, 0x3A, 0x42].contains(bytes[2]) {
            return "it looks like an ONNX model. \(saving)"
        }
        return nil
    }

    private static func contains(_ bytes: ArraySlice<UInt8>, _ text: String) -> Bool {
        Data(bytes).range(of: Data(text.utf8)) != nil
    }
}

/// Kinds of text files.
private enum TextKind {
    static func advice(_ bytes: [UInt8], size: Int) -> String? {
        let isUTF16 = bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF])
        if isUTF16 { return "it is a text file (UTF-16)" }
        let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        guard text.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || [9, 10, 12, 13].contains($0) }) else { return nil }
        let begin = String(decoding: text.drop { $0 <= 0x20 }.prefix(200), as: UTF8.self)
        let lowercase = begin.lowercased()
        if ["<!doctype", "<html", "<head", "<body", "<script"].contains(where: lowercase.hasPrefix) {
            return "it is a web page (HTML), such as a message of the server in place of the file. Open the address in a browser, and "
                + "download the file again"
        }
        if begin.hasPrefix("<") { return "it is an XML text, such as an error message of the server. \(FileKind.again)" }
        if begin.hasPrefix("{") || begin.hasPrefix("[") {
            if String(decoding: text, as: UTF8.self).contains("\"weight_map\"") {
                return "it is the index of a model in several safetensors files. Load them in Python, and save them as one file with "
                    + "safetensors.torch.save_file"
            }
            return "it is a JSON text"
        }
        let line = begin.split(whereSeparator: \.isNewline).first.map { String($0.prefix(60)) } ?? ""
        return "it is a text file of \(size) bytes that begins with '\(line)'"
    }
}

/// A file whose contents are of another kind than the expected one.
public struct ForeignFileError: Error, CustomStringConvertible {
    /// Of the file.
    public var path: String
    /// What the file should be, such as "a safetensors file".
    public var expected: String
    /// A sentence that begins with "it" or "its": what the file is, and what to do.
    public var contents: String

    public var description: String { "\(path): not \(expected): \(contents)" }
}
