import ImageData
import Foundation
import Interchange
import Randomness
#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The quickstart's image folder: signs whose class shows in something large in half of the images, in something that needs a middle
/// resolution in a quarter, and in a small detail only in the last quarter. Everything follows from the seed.
public struct SyntheticDataSet {
    public struct Options: Codable, Equatable, Sendable {
        public var seed: UInt64 = 1
        public var trainingImages = 3000
        public var validationImages = 600
        /// Changes whenever the pictures do.
        public private(set) var version = 1

        public init() {}
    }

    public enum Outcome: CustomStringConvertible, Sendable {
        case made(images: Int)
        case alreadyComplete(images: Int)

        public var description: String {
            switch self {
            case .made(let images): return "made \(images) images"
            case .alreadyComplete(let images): return "complete already (\(images) images)"
            }
        }
    }

    /// One image of the set.
    struct Item: Equatable {
        /// Index over the whole set; keys the randomness.
        var index: Int
        /// Relative to the folder.
        var path: String
        var pattern: SignPattern
        var difficulty: Difficulty
    }

    static let truthFile = "difficulty.csv"
    static let markerFile = "synthesis.json"
    private let options: Options

    public init(_ options: Options = Options()) {
        self.options = options
    }

    /// All images, training first. Classes take turns, and so do difficulties within each class.
    var items: [Item] {
        let classes = SignPattern.allCases
        return [("train", 0..<options.trainingImages), ("val", 0..<options.validationImages)].flatMap { split, range in
            range.map { number in
                let index = split == "train" ? number : options.trainingImages + number
                let pattern = classes[number % classes.count]
                // JPEG as a rule; every fifth round of the classes is PNG, so that both decoders are used.
                let suffix = number / classes.count % 5 == 4 ? "png" : "jpg"
                let digits = String(String(100_000 + number).dropFirst())
                return Item(
                    index: index, path: "\(split)/\(pattern.rawValue)/\(digits).\(suffix)", pattern: pattern,
                    difficulty: Difficulty(index: number / classes.count))
            }
        }
    }

    /// Writes the folder, whole or not at all. Where it is there already, nothing is done; anything else but an empty folder is refused
    /// before any work. What is under way lies beside it, in a folder of the same name and `.partial`.
    ///
    /// - Parameter progress: is told how many of how many images are done, from any thread, one call at a time.
    public func write(
        to folder: String, threads: Int, progress: @escaping (Int, Int) -> Void = { _, _ in }
    ) throws -> Outcome {
        let items = self.items
        var folder = folder
        while folder.count > 1 && folder.hasSuffix("/") { folder.removeLast() }
        if try isComplete(folder) { return .alreadyComplete(images: items.count) }
        // A link to an empty folder stays one.
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
        // Replaces an empty folder, and nothing else.
        guard rename(partial, target) == 0 else {
            throw SynthesisError.unwritable(path: folder, reason: String(cString: strerror(errno)))
        }
        return .made(images: items.count)
    }

    /// Makes the folder of what is under way anew. It holds the marker from the beginning, so that the remains of a run that was killed can
    /// be told from anything else of that name.
    private func begin(_ partial: String) throws {
        if let names = try Self.contents(partial), !names.isEmpty {
            guard names.contains(Self.markerFile) else { throw SynthesisError.foreign(path: partial) }
            do {
                try FileManager.default.removeItem(atPath: partial)
            } catch {
                throw SynthesisError.unwritable(path: partial, reason: error.localizedDescription)
            }
        }
        try makeFolder(partial)
        try JSON.write(options, to: "\(partial)/\(Self.markerFile)")
    }

    /// The names in a folder; nil where there is nothing.
    ///
    /// - Throws: where there is something that is no folder.
    private static func contents(_ path: String) throws -> [String]? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else { throw SynthesisError.foreign(path: path) }
        return names
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

    /// - Throws: where something else is in the folder.
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
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw SynthesisError.unwritable(path: path, reason: error.localizedDescription)
        }
    }
}

/// Why a data set was not made.
public enum SynthesisError: Error, Equatable, CustomStringConvertible {
    case foreign(path: String)
    case different(path: String)
    case unwritable(path: String, reason: String)

    public var description: String {
        switch self {
        case .foreign(let path):
            return "\(path): holds something else already; name a folder that is empty or not there yet"
        case .different(let path):
            return "\(path): holds a data set made with other options; remove it or name another folder"
        case .unwritable(let path, let reason):
            return "\(path): cannot be written (\(reason))"
        }
    }
}
