/// The class folders of one split, and the images in them.
struct ClassFolders {
    /// An image file.
    struct Image {
        var path: FileSystemPath
        /// Relative to the class folder.
        var name: [UInt8]
    }

    /// A class folder.
    struct Class {
        var name: [UInt8]
        /// Sorted by the bytes of the relative paths.
        var images: [Image] = []
        var skipped = SkippedEntries()

        var text: String { FileSystemPath.text(name) }
    }

    /// Extensions of image files, in lower case. The content of a file determines its format, not the extension.
    private static let extensions: Set<String> = ["jpg", "jpeg", "jpe", "jfif", "png", "webp"]
    /// Files of the system and of version control that are never images and that nobody misses.
    private static let companions: Set<String> = [".ds_store", "thumbs.db", "desktop.ini", ".gitkeep", ".gitignore", ".directory"]

    let path: FileSystemPath
    /// Sorted by the bytes of their names.
    private(set) var classes: [Class] = []
    /// What was skipped beside the class folders.
    private var skipped = SkippedEntries()

    /// Lists the class folders of a split, without their contents.
    ///
    /// - Throws: `ImageFolderError`
    init(path: FileSystemPath) throws {
        self.path = path
        for entry in try FolderEntries.list(path) {
            if entry.isHidden || entry.kind != .folder {
                Self.skip(entry, at: [], orElse: .outsideClasses, in: &skipped)
            } else {
                classes.append(Class(name: entry.name))
            }
        }
        // The names of classes appear as text in messages and in files. Two folders must not have the same text.
        if let double = Dictionary(grouping: classes, by: \.text).first(where: { $1.count > 1 }) {
            throw ImageFolderError.ambiguousClasses(path: path.description, name: double.key)
        }
    }

    /// Lists the images of all class folders, and of the folders inside of them, like torchvision's `ImageFolder`: symbolic links are
    /// followed.
    mutating func listImages() throws {
        for index in classes.indices {
            let folder = path.appending(classes[index].name)
            try walk(folder, relative: [], above: [FolderEntries.identity(path)], into: &classes[index])
            classes[index].images.sort { $0.name.lexicographicallyPrecedes($1.name) }
        }
    }

    /// One line for each reason why entries were skipped.
    var notes: [String] {
        var all = skipped
        for folder in classes { all.add(folder.skipped) }
        return all.notes(folder: path.description)
    }

    /// The names of the classes that fulfil a condition.
    func names(where condition: (Class) -> Bool) -> [String] { classes.filter(condition).map(\.text) }

    /// Adds the images of a folder to a class.
    ///
    /// - Parameters:
    ///   - relative: the path of the folder, relative to the class folder; empty for the class folder.
    ///   - above: the folders that contain this one. A link to one of them would never end.
    private func walk(_ folder: FileSystemPath, relative: [UInt8], above: Set<FolderIdentity>, into result: inout Class) throws {
        let slash = UInt8(ascii: "/")
        let place = relative.isEmpty ? result.name : result.name + [slash] + relative
        let identity = try FolderEntries.identity(folder)
        if above.contains(identity) { return result.skipped.add(.cycle, place) }
        let entries = try FolderEntries.list(folder)
        if entries.isEmpty && !relative.isEmpty { result.skipped.add(.emptyFolder, place) }
        for entry in entries {
            let name = relative.isEmpty ? entry.name : relative + [slash] + entry.name
            if entry.isHidden || entry.kind == .brokenLink || entry.kind == .special {
                Self.skip(entry, at: place, orElse: .special, in: &result.skipped)
            } else if entry.kind == .folder {
                try walk(folder.appending(entry.name), relative: name, above: above.union([identity]), into: &result)
            } else if Self.isImage(entry.name) {
                result.images.append(Image(path: folder.appending(entry.name), name: name))
            } else {
                let reason = Self.fileExtension(entry.name).map { SkippedEntries.Reason.fileExtension($0) } ?? .noExtension
                Self.skip(entry, at: place, orElse: reason, in: &result.skipped)
            }
        }
    }

    /// Counts an entry that is not used, unless it is a usual companion.
    private static func skip(
        _ entry: FolderEntry, at place: [UInt8], orElse reason: SkippedEntries.Reason, in skipped: inout SkippedEntries
    ) {
        if entry.kind == .file && companions.contains(FileSystemPath.text(entry.name).lowercased()) { return }
        let path = place.isEmpty ? entry.name : place + [UInt8(ascii: "/")] + entry.name
        if entry.isHidden {
            skipped.add(.hidden, path)
        } else if entry.kind == .brokenLink {
            skipped.add(.brokenLink, path)
        } else if entry.kind == .special {
            skipped.add(.special, path)
        } else {
            skipped.add(reason, path)
        }
    }

    /// Whether a name has the extension of an image file.
    static func isImage(_ name: [UInt8]) -> Bool { extensions.contains(fileExtension(name) ?? "") }

    /// Returns the part of a name after its last dot, in lower case; nil if there is none.
    private static func fileExtension(_ name: [UInt8]) -> String? {
        guard let dot = name.lastIndex(of: UInt8(ascii: ".")), dot > 0, dot + 1 < name.count else { return nil }
        return FileSystemPath.text(name[(dot + 1)...]).lowercased()
    }
}
