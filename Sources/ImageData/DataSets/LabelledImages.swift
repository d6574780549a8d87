/// Images with their labels, as lists and shards have them.
struct LabelledImages {
    enum Label: Hashable, Decodable {
        /// The name of a class.
        case name(String)
        /// The number of a class, at least 0.
        case index(Int)

        /// Reads a number or a text.
        init(from decoder: Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let index = try? container.decode(UInt32.self) {
                self = .index(Int(index))
            } else {
                self = .name(try container.decode(String.self))
            }
        }
    }

    var sources: [ImageSource] = []
    /// One for each source.
    var labels: [Label] = []
    /// What a person should know, one line each.
    var notes: [String] = []

    init() {}

    /// The images of several parts, one after another.
    init(_ parts: [LabelledImages]) {
        sources = parts.flatMap(\.sources)
        labels = parts.flatMap(\.labels)
        notes = parts.flatMap(\.notes)
    }

    mutating func add(_ source: ImageSource, _ label: Label) {
        sources.append(source)
        labels.append(label)
    }
}

/// The classes of lists or shards, and the label of each name or number.
struct ClassLabels {
    let classes: [String]
    private let indices: [String: Int]

    /// The file with the names of the classes, one on each line.
    static let fileName = "classes.txt"

    /// Finds the classes: those of classes.txt, or the names or numbers of the training images.
    ///
    /// - Throws: `DatasetError` or `ImageFolderError` if a class has no training images, or a label is of no class.
    init(_ root: FileSystemPath, training: [LabelledImages.Label], validation: [LabelledImages.Label]) throws {
        let named = try Self.read(root)
        guard !training.isEmpty else { throw DatasetError.labels(path: root.description, reason: "there are no training images in it") }
        guard !validation.isEmpty else { throw DatasetError.labels(path: root.description, reason: "there are no validation images in it") }
        try self.init(named ?? Self.classes(of: Set(training), root))
        let used = Set(try indices(of: training, root))
        try check(validation, root)
        let empty = classes.indices.filter { !used.contains($0) }.map { classes[$0] }
        guard empty.isEmpty else { throw ImageFolderError.emptyClasses(path: root.description, names: empty) }
    }

    /// The classes of a run.
    ///
    /// - Throws: `DatasetError` if the label of an image is not one of them.
    init(ofRun classes: [String], _ validation: [LabelledImages.Label], _ root: FileSystemPath) throws {
        try self.init(classes)
        guard !validation.isEmpty else { throw DatasetError.labels(path: root.description, reason: "there are no validation images in it") }
        // Numbers are those of the data set's own classes.txt, if it has one.
        if let named = try Self.read(root), named != classes {
            throw DatasetError.labels(
                path: root.description,
                reason: "\(Self.fileName) has other classes than the run, whose classes are \(List.text(classes))")
        }
        try check(validation, root)
    }

    private init(_ classes: [String]) throws {
        self.classes = classes
        indices = Dictionary(classes.enumerated().map { ($1, $0) }) { first, _ in first }
    }

    /// The images as samples.
    func samples(_ images: LabelledImages) -> [ImageDataset.Sample] {
        zip(images.sources, images.labels).compactMap { source, label in
            index(label).map { ImageDataset.Sample(source: source, label: Int32($0)) }
        }
    }

    private func index(_ label: LabelledImages.Label) -> Int? {
        switch label {
        case .name(let name): return indices[name]
        case .index(let index): return classes.indices.contains(index) ? index : nil
        }
    }

    private func indices(of labels: [LabelledImages.Label], _ root: FileSystemPath) throws -> [Int] {
        try check(labels, root)
        return labels.compactMap(index)
    }

    private func check(_ labels: [LabelledImages.Label], _ root: FileSystemPath) throws {
        let unknown = Set(labels).filter { index($0) == nil }.map { label -> String in
            switch label {
            case .name(let name): return name
            case .index(let index): return "number \(index)"
            }
        }
        guard unknown.isEmpty else {
            throw DatasetError.labels(
                path: root.description,
                reason: "some images have classes that are not among the \(classes.count) known ones: \(List.text(unknown.sorted())); the "
                    + "classes are those of \(Self.fileName) or else of the training images: \(List.text(classes))")
        }
    }

    /// The classes that labels name. Numbers stand for themselves.
    private static func classes(of labels: Set<LabelledImages.Label>, _ root: FileSystemPath) throws -> [String] {
        var (names, largest): ([String], Int) = ([], -1)
        for label in labels {
            switch label {
            case .name(let name): names.append(name)
            case .index(let index): largest = max(largest, index)
            }
        }
        guard names.isEmpty || largest < 0 else {
            throw DatasetError.labels(
                path: root.description, reason: "some images have the name of a class, others a number; write \(fileName) with the names")
        }
        guard largest < 1_000_000 else {
            throw DatasetError.labels(path: root.description, reason: "\(largest) is no number of a class")
        }
        return names.isEmpty ? (0...largest).map(String.init) : names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Reads classes.txt; nil if there is none.
    private static func read(_ root: FileSystemPath) throws -> [String]? {
        let path = root.appending(fileName.utf8)
        guard try FolderEntries.isFile(path) else { return nil }
        let text = FileSystemPath.text(try FileBytes.read(path))
        let names = text.split(whereSeparator: \.isNewline).map(String.init)
        guard !names.isEmpty, Set(names).count == names.count else {
            throw DatasetError.list(path: path.description, reason: "it needs one name on each line, and no name twice")
        }
        return names
    }
}
