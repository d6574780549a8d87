/// A data set of image files in class folders: train/CLASS/ and val/CLASS/ (or validation/CLASS/). The images of a class can be in folders
/// inside of the class folder.
public struct ImageFolder: Sendable {
    /// An image file and its class.
    public struct Sample: Equatable, Sendable {
        /// The file.
        public var file: FileSystemPath
        /// Index into `classes`.
        public var label: Int32

        /// The text of the file's path. Bytes that are not UTF-8 appear as \xf6.
        public var path: String { file.description }

        /// Creates a sample.
        public init(path: String, label: Int32) {
            self.init(file: FileSystemPath(path), label: label)
        }

        /// Creates a sample.
        public init(file: FileSystemPath, label: Int32) {
            self.file = file
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
    /// The names of the class folders, sorted by their bytes. A label is an index into this array. Bytes that are not UTF-8 appear as \xf6.
    public let classes: [String]
    /// The training images, sorted by class and relative path.
    public internal(set) var training: [Sample]
    /// The validation images, sorted by class and relative path.
    public internal(set) var validation: [Sample]
    /// What a person should know of the folder: which files were skipped and why, and which classes have no validation images. One line
    /// each.
    public let notes: [String]

    /// Lists the images of a folder. Does not open them.
    ///
    /// - Throws: `ImageFolderError`, which names the folder.
    public init(path: String) throws {
        let root = Self.withoutSlash(path)
        guard try FolderEntries.isFolder(root) else { throw ImageFolderError.missing(path: root.description) }
        let trainingPath = root.appending("train".utf8)
        guard try FolderEntries.isFolder(trainingPath) else { throw ImageFolderError.noSplit(path: root.description, names: "train") }
        guard let validationPath = try Self.validationFolder(of: root) else {
            throw ImageFolderError.noSplit(path: root.description, names: "val or validation")
        }
        var training = try ClassFolders(path: trainingPath)
        var validation = try ClassFolders(path: validationPath)
        try Self.requireSameClasses(root, training, validation)
        try training.listImages()
        try Self.requireTrainingImages(training)
        try validation.listImages()
        self.path = root.description
        classes = training.classes.map(\.text)
        self.training = Self.samples(training) { $0 }
        self.validation = Self.samples(validation) { $0 }
        guard !self.validation.isEmpty else { throw ImageFolderError.noImages(path: validationPath.description) }
        let empty = validation.names { $0.images.isEmpty }
        notes = training.notes + validation.notes + Self.notes(lacking: empty, in: validationPath)
    }

    /// Lists the images of a test set for the classes of a run. Does not open them. The data set has no training images.
    ///
    /// - Parameters:
    ///   - path: a folder with val/CLASS/ or validation/CLASS/, or one that has the class folders itself.
    ///   - classes: the names of the run's classes, in the order of their labels. The folder can lack some of them.
    /// - Throws: `ImageFolderError`, which names the folder, and the class folders that the run does not have.
    public init(validationImagesOf path: String, classes: [String]) throws {
        let root = Self.withoutSlash(path)
        guard try FolderEntries.isFolder(root) else { throw ImageFolderError.missingTestSet(path: root.description) }
        let folder = try Self.validationFolder(of: root) ?? root
        var found = try ClassFolders(path: folder)
        let labels = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($1, $0) })
        let unknown = found.names { labels[$0.text] == nil }
        guard unknown.isEmpty, !found.classes.isEmpty else {
            throw ImageFolderError.unknownClasses(path: folder.description, unknown: unknown, known: classes)
        }
        try found.listImages()
        self.path = root.description
        self.classes = classes
        training = []
        let present = found.classes
        validation = Self.samples(found) { labels[present[$0].text]! }
        guard !validation.isEmpty else { throw ImageFolderError.noImages(path: folder.description) }
        let filled = Set(found.names { !$0.images.isEmpty })
        notes = found.notes + Self.notes(lacking: classes.filter { !filled.contains($0) }, in: folder)
    }

    /// Returns the images of one split.
    public func samples(_ split: Split) -> [Sample] {
        split == .training ? training : validation
    }

    /// Returns the path of an image relative to this folder. Bytes that are not UTF-8 appear as \xf6.
    public func relativePath(of sample: Sample) -> String {
        FileSystemPath.text(sample.file.bytes.dropFirst(path.utf8.count).drop { $0 == UInt8(ascii: "/") })
    }
}

extension ImageFolder {
    private static func withoutSlash(_ path: String) -> FileSystemPath {
        FileSystemPath(path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path)
    }

    private static func validationFolder(of root: FileSystemPath) throws -> FileSystemPath? {
        try ["val", "validation"].map { root.appending($0.utf8) }.first { try FolderEntries.isFolder($0) }
    }

    /// - Parameter label: returns the label of the class folder with an index.
    private static func samples(_ folders: ClassFolders, label: (Int) -> Int) -> [Sample] {
        let labelled = folders.classes.enumerated().map { (label: Int32(label($0)), images: $1.images) }
        return labelled.sorted { $0.label < $1.label }.flatMap { label, images in images.map { Sample(file: $0.path, label: label) } }
    }

    private static func requireSameClasses(_ root: FileSystemPath, _ training: ClassFolders, _ validation: ClassFolders) throws {
        guard !training.classes.isEmpty else { throw ImageFolderError.noClasses(path: training.path.description) }
        let (left, right) = (Set(training.classes.map(\.name)), Set(validation.classes.map(\.name)))
        guard left != right else { return }
        throw ImageFolderError.differentClasses(
            path: root.description, onlyTraining: training.names { !right.contains($0.name) },
            onlyValidation: validation.names { !left.contains($0.name) })
    }

    private static func requireTrainingImages(_ training: ClassFolders) throws {
        let empty = training.classes.filter { $0.images.isEmpty }
        if empty.isEmpty { return }
        let path = training.path.description
        guard empty.count < training.classes.count else {
            let skipped = empty.reduce(into: SkippedEntries()) { $0.add($1.skipped) }
            throw ImageFolderError.noImages(path: path, skipped: skipped.summary)
        }
        throw ImageFolderError.emptyClasses(
            path: path, names: empty.map { folder in folder.skipped.summary.map { "\(folder.text) (skipped: \($0))" } ?? folder.text })
    }

    private static func notes(lacking classes: [String], in folder: FileSystemPath) -> [String] {
        guard !classes.isEmpty else { return [] }
        return ["\(folder): no images of \(classes.count) \(classes.count == 1 ? "class" : "classes"): \(List.text(classes))"]
    }
}
