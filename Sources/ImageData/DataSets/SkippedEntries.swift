/// The entries of a split that are not used, by reason.
struct SkippedEntries {
    /// Why an entry is not used.
    enum Reason: Hashable {
        /// A file with another extension. Without the dot, in lower case.
        case fileExtension(String)
        case noExtension
        /// A file or a folder whose name begins with a dot.
        case hidden
        /// A file beside the class folders.
        case outsideClasses
        case emptyFolder
        case brokenLink
        case special
        /// A symbolic link to one of the folders that contain it.
        case cycle
    }

    private var found: [Reason: (count: Int, example: [UInt8])] = [:]

    /// Adds an entry.
    ///
    /// - Parameter path: relative to the folder of the split.
    mutating func add(_ reason: Reason, _ path: [UInt8]) {
        found[reason, default: (0, path)].count += 1
    }

    mutating func add(_ other: SkippedEntries) {
        for (reason, entries) in other.found {
            found[reason, default: (0, entries.example)].count += entries.count
        }
    }

    /// What was skipped, in a few words: "12 files with the extension .bmp, 1 hidden file". Nil if nothing was.
    var summary: String? {
        let parts = sorted.map { $0.reason.text(count: $0.count) }
        return parts.isEmpty ? nil : List.text(parts)
    }

    /// One line for each reason. A split with many extensions has one line for all except the ten most frequent ones.
    ///
    /// - Parameter folder: the path of the split.
    func notes(folder: String) -> [String] {
        let (shown, others) = (sorted.prefix(List.limit), sorted.dropFirst(List.limit))
        var notes = shown.map { reason, count, example in
            let text = "\(folder): skipped \(reason.text(count: count)) (such as \(FileSystemPath.text(example)))"
            return reason.advice.map { "\(text): \($0)" } ?? text
        }
        if !others.isEmpty {
            let count = others.reduce(0) { $0 + $1.count }
            notes.append("\(folder): skipped \(count) more \(count == 1 ? "entry" : "entries") for \(others.count) other reasons")
        }
        return notes
    }

    /// The most frequent reason first.
    private var sorted: [(reason: Reason, count: Int, example: [UInt8])] {
        found.map { (reason: $0, count: $1.count, example: $1.example) }
            .sorted { ($1.count, $0.reason.text(count: 1)) < ($0.count, $1.reason.text(count: 1)) }
    }
}

extension SkippedEntries.Reason {
    /// Image formats that programs write, and that this project does not read.
    private static let otherFormats: Set<String> = [
        "arw", "avif", "bmp", "cr2", "cr3", "dng", "exr", "gif", "hdr", "heic", "heif", "ico", "j2k", "jp2", "jxl", "jxr", "nef", "orf",
        "pbm", "pcx", "pgm", "pnm", "ppm", "psd", "qoi", "raf", "rw2", "svg", "tga", "tif", "tiff",
    ]

    func text(count: Int) -> String {
        func plural(_ noun: String) -> String { count == 1 ? "1 \(noun)" : "\(count) \(noun)s" }
        return switch self {
        case .fileExtension(let name): "\(plural("file")) with the extension .\(name)"
        case .noExtension: "\(plural("file")) without an extension"
        case .hidden: count == 1 ? "1 hidden file or folder" : "\(count) hidden files or folders"
        case .outsideClasses: "\(plural("file")) outside of the class folders"
        case .emptyFolder: plural("empty folder")
        case .brokenLink: "\(plural("symbolic link")) without a target"
        case .special: count == 1 ? "1 entry that is neither a file nor a folder" : "\(count) entries that are neither files nor folders"
        case .cycle: "\(plural("symbolic link")) to a folder above"
        }
    }

    var advice: String? {
        switch self {
        case .fileExtension(let name) where Self.otherFormats.contains(name): "convert them to JPEG, PNG or WebP"
        case .noExtension: "if they are images, add .jpg, .png or .webp"
        default: nil
        }
    }
}

/// Lists of names in messages.
enum List {
    /// The longest list that a message has in full.
    static let limit = 10

    /// Joins names, at most ten of them: "a, b, … and 12 more".
    static func text(_ names: [String]) -> String {
        let shown = names.prefix(limit).joined(separator: ", ")
        return names.count > limit ? "\(shown) and \(names.count - limit) more" : shown
    }
}
