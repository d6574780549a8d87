/// A data set of images with classes. It is a folder in one of three forms:
///
/// - class folders: train/CLASS/ and val/CLASS/ (or validation/CLASS/), also with folders inside of the class folders;
/// - lists: train.csv and val.csv (or .jsonl, or validation), with the path and the class of each image;
/// - shards: train-*.tar and val-*.tar (or validation), as WebDataset writes them.
public struct ImageDataset: Sendable {
    /// An image and its class.
    public struct Sample: Equatable, Sendable {
        /// Where the image is.
        public var source: ImageSource
        /// Index into `classes`.
        public var label: Int32

        /// The text of the image's path. Bytes that are not UTF-8 appear as \xf6.
        public var path: String { source.description }

        /// Creates a sample.
        public init(path: String, label: Int32) {
            self.init(source: .file(FileSystemPath(path)), label: label)
        }

        /// Creates a sample.
        public init(source: ImageSource, label: Int32) {
            self.source = source
            self.label = label
        }
    }

    /// One of the two parts of the data set.
    public enum Split: Sendable {
        /// `training` is train; `validation` is val or validation.
        case training, validation
    }

    /// The path of the folder.
    public let path: String
    /// The names of the classes, in the order of classes.txt or else sorted by their bytes. A label is an index into this array. Bytes that
    /// are not UTF-8 appear as \xf6.
    public let classes: [String]
    /// The training images: those of class folders sorted by class and relative path, others in the order of their lists or shards.
    public internal(set) var training: [Sample]
    /// The validation images, likewise.
    public internal(set) var validation: [Sample]
    /// What a person should know of the folder: which files were skipped and why, and which classes have no validation images. One line
    /// each.
    public let notes: [String]

    /// Finds the images of a data set. Does not open them, but reads lists and the headers of shards.
    ///
    /// - Throws: `ImageFolderError` or `DatasetError`, which name the file or folder.
    public init(path: String) throws {
        let root = Self.withoutSlash(path)
        guard try FolderEntries.isFolder(root) else { throw ImageFolderError.missing(path: root.description) }
        switch try DatasetForm(of: root, needsTraining: true) {
        case .classFolders: try self.init(classFolders: root)
        case .lists(let training, let validation):
            try self.init(root, training.map(ImageList.read) ?? LabelledImages(), ImageList.read(validation))
        case .shards(let training, let validation):
            try self.init(root, ShardReader.read(training), ShardReader.read(validation))
        }
    }

    private init(_ root: FileSystemPath, _ training: LabelledImages, _ validation: LabelledImages) throws {
        let labels = try ClassLabels(root, training: training.labels, validation: validation.labels)
        path = root.description
        classes = labels.classes
        self.training = labels.samples(training)
        self.validation = labels.samples(validation)
        notes = training.notes + validation.notes
    }

    private init(_ root: FileSystemPath, _ validation: LabelledImages, classes: [String]) throws {
        path = root.description
        self.classes = classes
        training = []
        self.validation = try ClassLabels(ofRun: classes, validation.labels, root).samples(validation)
        notes = validation.notes
    }

    private init(classFolders root: FileSystemPath) throws {
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

    /// Finds the images of a test set for the classes of a run. Does not open them. The data set has no training images.
    ///
    /// - Parameters:
    ///   - path: a folder with val/CLASS/ or validation/CLASS/, with a list or with shards of validation images, or one that has the class
    ///     folders itself.
    ///   - classes: the names of the run's classes, in the order of their labels. The folder can lack some of them.
    /// - Throws: `ImageFolderError` or `DatasetError`, which name the folder, and the classes that the run does not have.
    public init(validationImagesOf path: String, classes: [String]) throws {
        let root = Self.withoutSlash(path)
        guard try FolderEntries.isFolder(root) else { throw ImageFolderError.missingTestSet(path: root.description) }
        switch try DatasetForm(of: root, needsTraining: false) {
        case .classFolders: try self.init(classFoldersOfTestSet: root, classes: classes)
        case .lists(_, let validation): try self.init(root, ImageList.read(validation), classes: classes)
        case .shards(_, let validation): try self.init(root, ShardReader.read(validation), classes: classes)
        }
    }

    private init(classFoldersOfTestSet root: FileSystemPath, classes: [String]) throws {
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
    public func relativePath(of sample: Sample) -> String { FileSystemPath.text(relativePathBytes(of: sample)) }

    func relativePathBytes(of sample: Sample) -> ArraySlice<UInt8> {
        let bytes = sample.source.pathBytes
        // A list can have images outside of its folder.
        guard bytes.starts(with: path.utf8), bytes.dropFirst(path.utf8.count).first == UInt8(ascii: "/") || path.hasSuffix("/") else {
            return bytes[...]
        }
        return bytes.dropFirst(path.utf8.count).drop { $0 == UInt8(ascii: "/") }
    }
}

extension ImageDataset {
    private static func withoutSlash(_ path: String) -> FileSystemPath {
        FileSystemPath(path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path)
    }

    private static func validationFolder(of root: FileSystemPath) throws -> FileSystemPath? {
        try ["val", "validation"].map { root.appending($0.utf8) }.first { try FolderEntries.isFolder($0) }
    }

    /// - Parameter label: returns the label of the class folder with an index.
    private static func samples(_ folders: ClassFolders, label: (Int) -> Int) -> [Sample] {
        let labelled = folders.classes.enumerated().map { (label: Int32(label($0)), images: $1.images) }
        return labelled.sorted { $0.label < $1.label }.flatMap { label, images in
            images.map { Sample(source: .file($0.path), label: label) }
        }
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
