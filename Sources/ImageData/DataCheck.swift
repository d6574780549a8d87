import Foundation

/// Decodes all images of a data set, to find every file that cannot be used.
public struct DataCheck: Sendable {
    /// What the check found.
    public struct Report: Sendable {
        /// The number of decoded files.
        public var images: Int
        /// The reason for each file that cannot be used. Each names its file. In the order of the data set.
        public var problems: [String]
        /// What a person should know of the other files, one line each.
        public var notes: [String]
    }

    /// A class with fewer training images than this is reported.
    public static let fewImages = 10

    private let folder: ImageDataset

    /// Creates the check of a folder. Decodes nothing.
    public init(_ folder: ImageDataset) {
        self.folder = folder
    }

    /// The number of files.
    public var count: Int { folder.training.count + folder.validation.count }

    /// Decodes every file.
    ///
    /// - Parameters:
    ///   - threads: the number of decoding threads, at least 1.
    ///   - progress: receives the numbers of finished and of bad files. Any thread can call it, one at a time.
    public func run(threads: Int, progress: @escaping (_ done: Int, _ bad: Int) -> Void = { _, _ in }) -> Report {
        let samples = folder.training + folder.validation
        let work = Work(count: samples.count, progress: progress)
        DispatchQueue.concurrentPerform(iterations: max(1, threads)) { _ in
            while let index = work.claim() {
                do {
                    let notes = try ImageDecoder.decodeWithNotes(samples[index].source).notes
                    work.finish(index, clipped: notes.hasClippedGrey, problem: nil)
                } catch {
                    work.finish(index, clipped: false, problem: "\(error)")
                }
            }
        }
        return Report(
            images: samples.count, problems: work.problems.sorted { $0.key < $1.key }.map(\.value),
            notes: clippingNotes(work.clipped.sorted().map { samples[$0].path }) + smallClasses())
    }

    private func clippingNotes(_ paths: [String]) -> [String] {
        guard let first = paths.first else { return [] }
        return [
            "\(paths.count) grey \(paths.count == 1 ? "file has" : "files have") 16 bits (such as \(first)): values above 255 become "
                + "white, as in Pillow; divide the values by 256 to keep them apart"
        ]
    }

    private func smallClasses() -> [String] {
        var counts = [Int](repeating: 0, count: folder.classes.count)
        for sample in folder.training { counts[Int(sample.label)] += 1 }
        let small = folder.classes.indices.filter { counts[$0] < Self.fewImages }.map { "\(folder.classes[$0]) (\(counts[$0]))" }
        guard !small.isEmpty else { return [] }
        return [
            "\(small.count) \(small.count == 1 ? "class has" : "classes have") fewer than \(Self.fewImages) training images: "
                + List.text(small)
        ]
    }
}

extension DataCheck {
    /// The files that are left and the results so far.
    ///
    /// `@unchecked Sendable` is safe: `lock` protects the variables, and `progress` is called under it. `problems` and `clipped` are read
    /// after all threads are done.
    private final class Work: @unchecked Sendable {
        private let count: Int
        private let progress: (Int, Int) -> Void
        private let lock = NSLock()
        private var claimed = 0
        private var done = 0
        private(set) var problems: [Int: String] = [:]
        private(set) var clipped: [Int] = []

        init(count: Int, progress: @escaping (Int, Int) -> Void) {
            self.count = count
            self.progress = progress
        }

        func claim() -> Int? {
            lock.withLock {
                guard claimed < count else { return nil }
                claimed += 1
                return claimed - 1
            }
        }

        func finish(_ index: Int, clipped isClipped: Bool, problem: String?) {
            lock.withLock {
                done += 1
                if let problem { problems[index] = problem }
                if isClipped { clipped.append(index) }
                progress(done, problems.count)
            }
        }
    }
}
