import Foundation

/// A parser of foreign bytes, as a function of any bytes. It must not trap, and its errors must be the project's own.
package struct FuzzTarget: Sendable {
    package var name: String
    /// Valid inputs, which a fuzzer mutates.
    package var seeds: @Sendable () throws -> [[UInt8]]
    /// Parses an input. A defect ends the process.
    package var run: @Sendable ([UInt8]) -> Void

    package static let all = [safetensors, checkpoint, names, manifest, deployment, yaml, image, exif, dataset, text, report]

    package static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }

    /// Runs a parser that can refuse its input. The error must be a sentence of the project, not Foundation's.
    static func attempt<Value>(_ body: () throws -> Value) -> Value? {
        do {
            return try body()
        } catch {
            let message = "\(error)"
            precondition(!message.isEmpty && !message.contains("NSCocoaErrorDomain") && !message.contains("Error Domain"), message)
            return nil
        }
    }

    /// Calls `body` with the path of a file with these bytes. The file is in memory and replaced by the next call.
    static func withFile(_ bytes: [UInt8], _ name: String, _ body: (String) -> Void) {
        let shared = "/dev/shm"
        let folder = (FileManager.default.fileExists(atPath: shared) ? shared : NSTemporaryDirectory()) + "/drnet-fuzz-\(getpid())"
        let path = "\(folder)/\(name)"
        do {
            try FileManager.default.createDirectory(
                atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }
            try Data(bytes).write(to: URL(fileURLWithPath: path))
            body(path)
        } catch {
            fatalError("\(path) cannot be written: \(error)")
        }
    }

    /// The root folder of the repository.
    static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path

    /// The bytes of the files in a folder of the repository, sorted by name.
    static func files(in folder: String, _ suffixes: [String]) throws -> [[UInt8]] {
        try FileManager.default.contentsOfDirectory(atPath: "\(repository)/\(folder)").sorted()
            .filter { name in suffixes.contains { name.hasSuffix($0) } }
            .map { [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(repository)/\(folder)/\($0)"))) }
    }
}
