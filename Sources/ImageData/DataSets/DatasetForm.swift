/// How a folder holds a data set.
enum DatasetForm {
    case classFolders
    /// Lists of paths and classes. `training` is nil if only validation images are needed.
    case lists(training: FileSystemPath?, validation: FileSystemPath)
    /// Tar files, sorted by the bytes of their names.
    case shards(training: [FileSystemPath], validation: [FileSystemPath])

    private static let (training, validation) = (["train"], ["val", "validation"])

    /// Finds the form of a folder. Class folders come first: lists beside them are common, and may be meant for something else.
    ///
    /// - Parameters:
    ///   - root: the folder of the data set.
    ///   - needsTraining: whether it must have training images.
    /// - Throws: `DatasetError` if lists or shards are incomplete.
    init(of root: FileSystemPath, needsTraining: Bool) throws {
        let entries = try FolderEntries.list(root).filter { !$0.isHidden }
        let names = Set(entries.filter { $0.kind == .file }.map { FileSystemPath.text($0.name) })
        let lists = try [Self.training, Self.validation].map { try Self.list($0, names, root) }
        let shards = [Self.training, Self.validation].map { prefixes in
            names.filter { Self.isShard($0, prefixes) }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map {
                root.appending($0.utf8)
            }
        }
        guard try !Self.hasClassFolders(root, entries, needsTraining: needsTraining) else {
            self = .classFolders
            return
        }
        let (hasLists, hasShards) = (lists.contains { $0 != nil }, shards.contains { !$0.isEmpty })
        if hasLists && hasShards { throw DatasetError.severalForms(path: root.description) }
        if hasLists {
            guard let validation = lists[1], lists[0] != nil || !needsTraining else {
                throw DatasetError.lacksPart(
                    path: root.description, part: lists[1] == nil ? "val.csv or val.jsonl" : "train.csv or train.jsonl")
            }
            self = .lists(training: needsTraining ? lists[0] : nil, validation: validation)
        } else if hasShards {
            guard !shards[1].isEmpty, !shards[0].isEmpty || !needsTraining else {
                throw DatasetError.lacksPart(path: root.description, part: shards[1].isEmpty ? "val-*.tar" : "train-*.tar")
            }
            self = .shards(training: needsTraining ? shards[0] : [], validation: shards[1])
        } else {
            self = .classFolders
        }
    }

    /// The list of a split; nil if there is none.
    private static func list(_ prefixes: [String], _ names: Set<String>, _ root: FileSystemPath) throws -> FileSystemPath? {
        let found = prefixes.flatMap { ["\($0).csv", "\($0).jsonl"] }.filter(names.contains)
        if found.count > 1 { throw DatasetError.severalLists(path: root.description, names: found) }
        return found.first.map { root.appending($0.utf8) }
    }

    /// train.tar, train-000000.tar, train_0.tar and so on.
    private static func isShard(_ name: String, _ prefixes: [String]) -> Bool {
        guard name.hasSuffix(".tar") else { return false }
        return prefixes.contains { prefix in
            guard name.hasPrefix(prefix), let next = name.dropFirst(prefix.count).first else { return false }
            return !next.isLetter
        }
    }

    private static func hasClassFolders(_ root: FileSystemPath, _ entries: [FolderEntry], needsTraining: Bool) throws -> Bool {
        let splits = entries.filter { entry in
            entry.kind == .folder && (needsTraining ? training : validation).contains(FileSystemPath.text(entry.name))
        }
        return try splits.contains { split in
            try FolderEntries.list(root.appending(split.name)).contains { $0.kind == .folder && !$0.isHidden }
        }
    }
}
