import Foundation

/// A data set of image files in class folders: train/CLASS/ and val/CLASS/ (or validation/CLASS/).
public struct ImageFolder: Sendable {
    /// An image file and its class.
    public struct Sample: Equatable, Sendable {
        /// The path of the file.
        public var path: String
        /// Index into `classes`.
        public var label: Int32

        /// Creates a sample.
        public init(path: String, label: Int32) {
            self.path = path
            self.label = label
        }
    }

    /// One of the two parts of the data set.
    public enum Split: Sendable {
        /// `training` is train/; `validation` is val/ or validation/.
        case training, validation
    }

    /// The path of the folder.
    public let path: String
    /// The names of the class folders, sorted. A label is an index into this array.
    public let classes: [String]
    /// The training images, sorted by class and name.
    public internal(set) var training: [Sample]
    /// The validation images, sorted by class and name.
    public internal(set) var validation: [Sample]

    private static let extensions: Set<String> = ["jpg", "jpeg", "png"]

    /// Lists the images of a folder. Does not open them.
    ///
    /// - Throws: `ImageFolderError`, which names the folder.
    public init(path: String) throws {
        let root = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        guard Self.isFolder(root) else { throw ImageFolderError.missing(path: root) }
        let train = root + "/train"
        guard Self.isFolder(train) else { throw ImageFolderError.noSplit(path: root, names: "train") }
        guard let validation = ["val", "validation"].map({ "\(root)/\($0)" }).first(where: Self.isFolder) else {
            throw ImageFolderError.noSplit(path: root, names: "val or validation")
        }
        self.path = root
        let classes = try Self.names(in: train).filter { Self.isFolder("\(train)/\($0)") }
        self.classes = classes
        guard !classes.isEmpty else { throw ImageFolderError.noClasses(path: train) }
        let others = try Self.names(in: validation).filter { Self.isFolder("\(validation)/\($0)") }
        guard others == classes else {
            throw ImageFolderError.differentClasses(
                path: root, onlyTraining: classes.filter { !others.contains($0) },
                onlyValidation: others.filter { !classes.contains($0) })
        }
        training = try Self.samples(in: train, classes)
        self.validation = try Self.samples(in: validation, classes)
    }

    /// Returns the images of one split.
    public func samples(_ split: Split) -> [Sample] {
        split == .training ? training : validation
    }

    private static func samples(in folder: String, _ classes: [String]) throws -> [Sample] {
        let samples = try classes.enumerated().flatMap { label, name in
            try names(in: "\(folder)/\(name)").filter { file in
                extensions.contains((file as NSString).pathExtension.lowercased())
            }.map { Sample(path: "\(folder)/\(name)/\($0)", label: Int32(label)) }
        }
        guard !samples.isEmpty else { throw ImageFolderError.noImages(path: folder) }
        return samples
    }

    /// Returns the names in a folder without hidden files. They are sorted by their bytes, so that every host has the same order.
    private static func names(in folder: String) throws -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder).filter { !$0.hasPrefix(".") }
                .sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
        } catch {
            throw ImageFolderError.unreadable(path: folder, reason: error.localizedDescription)
        }
    }

    private static func isFolder(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
    }
}

/// A reason why a folder cannot be used as an image folder.
public enum ImageFolderError: Error, Equatable, CustomStringConvertible {
    /// The folder does not exist.
    case missing(path: String)
    /// The folder cannot be listed.
    case unreadable(path: String, reason: String)
    /// The folder for training or for validation does not exist.
    case noSplit(path: String, names: String)
    /// The training folder has no class folders.
    case noClasses(path: String)
    /// No class folder of a split has an image.
    case noImages(path: String)
    /// Training and validation have different class folders.
    case differentClasses(path: String, onlyTraining: [String], onlyValidation: [String])
    /// A class has fewer training images than there are folds.
    case tooFewForFolds(path: String, name: String, images: Int, folds: Int)

    public var description: String {
        let layout = "an image folder holds train/CLASS/*.jpg and val/CLASS/*.jpg (or validation/)"
        switch self {
        case .missing(let path):
            return "\(path): there is no such folder; set data.folder to \(layout)"
        case .unreadable(let path, let reason):
            return "\(path): cannot be listed (\(reason))"
        case .noSplit(let path, let names):
            return "\(path): there is no folder \(names) in it; \(layout)"
        case .noClasses(let path):
            return "\(path): there are no class folders in it; \(layout)"
        case .noImages(let path):
            return "\(path): its class folders hold no .jpg, .jpeg or .png file"
        case .differentClasses(let path, let onlyTraining, let onlyValidation):
            let parts = [("only in train: ", onlyTraining), ("only in validation: ", onlyValidation)]
                .filter { !$0.1.isEmpty }.map { $0.0 + $0.1.joined(separator: ", ") }
            return
                "\(path): training and validation have different classes (\(parts.joined(separator: "; "))); make the class folders equal"
        case .tooFewForFolds(let path, let name, let images, let folds):
            return
                "\(path): \(images) training \(images == 1 ? "image" : "images") of class \(name) cannot be divided into \(folds) folds; "
                + "use fewer folds in data.fold"
        }
    }
}
