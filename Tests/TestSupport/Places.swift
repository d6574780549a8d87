import Foundation

/// The root folder of the repository.
public let repositoryRoot = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

/// Returns the path of an executable of the package that was built together with the tests.
public func builtExecutable(named name: String) throws -> String {
    let bundle = CommandLine.arguments[0]
    let folders =
        [URL(fileURLWithPath: bundle), Bundle.main.bundleURL, Bundle.main.executableURL].compactMap { $0 }
        .flatMap { [$0.deletingLastPathComponent().path, $0.path] } + [repositoryRoot + "/.build/release"]
    for folder in folders where FileManager.default.isExecutableFile(atPath: "\(folder)/\(name)") {
        return "\(folder)/\(name)"
    }
    throw MissingExecutable(name: name, folders: folders)
}

struct MissingExecutable: Error, CustomStringConvertible {
    var name: String
    var folders: [String]

    var description: String { "no executable \(name) in \(folders.joined(separator: ", ")); run launch/test" }
}

/// Calls `body` with the path of a temporary folder and removes the folder afterwards.
public func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    let folder = NSTemporaryDirectory() + "/drnet-test-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try body(folder)
}
