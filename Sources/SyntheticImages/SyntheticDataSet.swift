import Foundation
import ImageData
import Interchange
import Randomness

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Generates the quickstart's image folder.
///
/// Each image shows a sign. In one half of the images, the class is visible at a low resolution. One quarter needs a medium resolution. In
/// the last quarter, only a small detail shows the class. The seed determines all images.
public struct SyntheticDataSet: Sendable {
    /// What determines the images.
    public struct Options: Codable, Equatable, Sendable {
        /// The seed of all random numbers.
        public var seed: UInt64 = 1
        /// The number of training images.
        public var trainingImages = 3000
        /// The number of validation images.
        public var validationImages = 600
        /// The version of the generator. It changes whenever the generated images change.
        public private(set) var version = 1

        /// Creates the default options.
        public init() {}
    }

    /// The result of `write`.
    public enum Outcome: CustomStringConvertible, Sendable {
        /// The folder was generated.
        case made(images: Int)
        /// The folder was complete, and nothing was done.
        case alreadyComplete(images: Int)

        public var description: String {
            switch self {
            case .made(let images): return "made \(images) images"
            case .alreadyComplete(let images): return "complete already (\(images) images)"
            }
        }
    }

    /// One image of the data set.
    struct Item: Equatable {
        /// The index over the whole data set. It is the key of the image's random numbers.
        var index: Int
        /// The path relative to the folder.
        var path: String
        var pattern: SignPattern
        var difficulty: Difficulty
    }

    static let truthFile = "difficulty.csv"
    static let markerFile = "synthesis.json"
    private let options: Options

    /// Creates a generator. Writes nothing.
    public init(_ options: Options = Options()) {
        self.options = options
    }

    /// All images, training images first. Consecutive images cycle through the classes, and the images of each class cycle through the
    /// difficulties.
    var items: [Item] {
        let classes = SignPattern.allCases
        return [("train", 0..<options.trainingImages), ("val", 0..<options.validationImages)].flatMap { split, range in
            range.map { number in
                let index = split == "train" ? number : options.trainingImages + number
                let pattern = classes[number % classes.count]
                // Most images are JPEG. Every fifth cycle through the classes is PNG, so that both decoders are used.
                let suffix = number / classes.count % 5 == 4 ? "png" : "jpg"
                let digits = String(String(100_000 + number).dropFirst())
                return Item(
                    index: index, path: "\(split)/\(pattern.rawValue)/\(digits).\(suffix)", pattern: pattern,
                    difficulty: Difficulty(index: number / classes.count))
            }
        }
    }

    /// Writes the data set to a folder. The folder is either complete or absent.
    ///
    /// Does nothing if the folder already has this data set. Any other content is rejected before any work; an empty folder is accepted.
    /// Unfinished images are in a folder next to it, with the suffix `.partial`.
    ///
    /// - Parameter progress: receives the number of finished images and the number of all images. Any thread can call it, one at a time.
    public func write(
        to folder: String, threads: Int, progress: @escaping (Int, Int) -> Void = { _, _ in }
    ) throws -> Outcome {
        let items = self.items
        var folder = folder
        while folder.count > 1 && folder.hasSuffix("/") { folder.removeLast() }
        if try isComplete(folder) { return .alreadyComplete(images: items.count) }
        // A symbolic link to an empty folder stays a link.
        let target = URL(fileURLWithPath: folder).resolvingSymlinksInPath().path
        let partial = target + ".partial"
        try begin(partial)
        for split in ["train", "val"] {
            for pattern in SignPattern.allCases { try makeFolder("\(partial)/\(split)/\(pattern.rawValue)") }
        }
        try SynthesisWorkers(items: items, threads: threads, progress: progress).run { item in
            try write(item, to: "\(partial)/\(item.path)")
        }
        let truth = [["path", "class", "difficulty"]] + items.map { [$0.path, $0.pattern.rawValue, $0.difficulty.rawValue] }
        try DurableFile.write(Data(CSV.text(truth).utf8), to: "\(partial)/\(Self.truthFile)")
        // `rename` replaces an empty folder. It fails if anything else is there.
        guard rename(partial, target) == 0 else {
            throw SynthesisError.unwritable(path: folder, reason: String(cString: strerror(errno)))
        }
        return .made(images: items.count)
    }

    /// Creates the folder for unfinished images, and first removes the remains of a killed process. The folder has the marker from the
    /// beginning, so that such remains can be distinguished from any other folder of that name.
    private func begin(_ partial: String) throws {
        if let names = try Self.contents(partial), !names.isEmpty {
            guard names.contains(Self.markerFile) else { throw SynthesisError.foreign(path: partial) }
            try Self.removeFolder(partial)
        }
        try makeFolder(partial)
        try JSON.write(options, to: "\(partial)/\(Self.markerFile)")
    }

    /// Returns the names in a folder; nil if the path does not exist.
    ///
    /// - Throws: `SynthesisError.foreign` if the path is not a folder.
    private static func contents(_ path: String) throws -> [String]? {
        var status = stat()
        guard stat(path, &status) == 0 else {
            if errno == ENOENT { return nil }
            throw SynthesisError.unwritable(path: path, reason: String(cString: strerror(errno)))
        }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw SynthesisError.foreign(path: path) }
        return try DurableFile.names(in: path)
    }

    /// Removes a folder and everything in it. Symbolic links are removed, not followed.
    private static func removeFolder(_ path: String) throws {
        func failure() -> SynthesisError { .unwritable(path: path, reason: String(cString: strerror(errno))) }
        for name in try DurableFile.names(in: path) where unlink("\(path)/\(name)") != 0 {
            // Linux reports EISDIR for a folder, Darwin EPERM.
            guard errno == EISDIR || errno == EPERM else { throw failure() }
            try removeFolder("\(path)/\(name)")
        }
        guard rmdir(path) == 0 else { throw failure() }
    }

    private func write(_ item: Item, to path: String) throws {
        var random = CounterRandom(seed: options.seed, purpose: .synthesis, sample: item.index)
        let image = SyntheticSign(pattern: item.pattern, difficulty: item.difficulty).draw(&random)
        if path.hasSuffix("png") {
            try ImageEncoder.writePNG(image, to: path)
        } else {
            try ImageEncoder.writeJPEG(image, to: path, quality: 94)
        }
    }

    /// Returns whether the folder has this data set; false if it is empty or does not exist.
    ///
    /// - Throws: `SynthesisError` if the folder has any other content.
    private func isComplete(_ folder: String) throws -> Bool {
        guard let names = try Self.contents(folder), !names.isEmpty else { return false }
        guard let found = try? JSON.read(Options.self, from: "\(folder)/\(Self.markerFile)") else {
            throw SynthesisError.foreign(path: folder)
        }
        guard found == options else { throw SynthesisError.different(path: folder) }
        return true
    }

    private func makeFolder(_ path: String) throws {
        do {
            try DurableFile.createFolder(path)
        } catch InterchangeError.system(_, _, let code) {
            throw SynthesisError.unwritable(path: path, reason: String(cString: strerror(code)))
        }
    }
}

/// A reason why a data set was not generated.
public enum SynthesisError: Error, Equatable, CustomStringConvertible {
    /// The folder has other content.
    case foreign(path: String)
    /// The folder has a data set that was generated with other options.
    case different(path: String)
    /// The folder or a file cannot be written.
    case unwritable(path: String, reason: String)

    public var description: String {
        switch self {
        case .foreign(let path):
            return "\(path): holds something else; choose a folder that is empty or does not exist"
        case .different(let path):
            return "\(path): holds a data set that was generated with other options; remove it or choose another folder"
        case .unwritable(let path, let reason):
            return "\(path): cannot be written (\(reason))"
        }
    }
}
