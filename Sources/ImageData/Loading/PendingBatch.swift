/// A batch in progress: the images to load, and where they go.
///
/// Rows are the images of the batch. If images are mixed, slots follow the rows: the partners that belong to other ranks or micro-batches,
/// and copies of rows that are mixed before they are needed. Slots are memory of the loader.
///
/// `LoadingQueue` protects the variables with its lock. Threads write to disjoint images.
final class PendingBatch<Memory> {
    /// The images of the batch.
    let items: [EpochItem]
    /// The memory of the caller.
    let memory: Memory
    /// The images to load: the rows, then slots.
    let loads: [EpochItem]
    /// The partner of each row; empty if nothing is mixed.
    let partners: [EpochItem]
    /// What happens to each row; empty if nothing is mixed.
    let mixtures: [Mixture]
    /// The next load to claim.
    var nextLoad = 0
    /// The number of loads that are not finished yet.
    var unfinished: Int
    /// Whether all images are loaded and mixed.
    var isReady: Bool
    /// The error of the first failed load in the order of the batch, not in the order of time.
    var failure: (load: Int, error: Error)?

    private let size: Int
    private let images: UnsafeMutablePointer<Float>
    private let slots: UnsafeMutablePointer<Float>
    /// The row or slot with the partner's pixels, for each row; nil if the row is not mixed.
    private let sources: [Int?]
    /// Rows to copy into slots before mixing.
    private let copies: [(row: Int, slot: Int)]

    /// Plans the loads of a batch.
    ///
    /// - Parameters:
    ///   - items: this rank's images.
    ///   - partners: the partner of each image; empty if nothing is mixed.
    ///   - mixtures: what happens to each image; empty if nothing is mixed.
    ///   - size: height and width of an image.
    ///   - memory: the caller's memory and the address of its images.
    init(
        items: [EpochItem], partners: [EpochItem], mixtures: [Mixture], size: Int,
        _ memory: (memory: Memory, images: UnsafeMutablePointer<Float>)
    ) {
        self.items = items
        self.partners = partners
        self.mixtures = mixtures
        self.size = size
        self.memory = memory.memory
        images = memory.images
        let rows = mixtures.isEmpty ? [:] : Dictionary(uniqueKeysWithValues: items.enumerated().map { ($1, $0) })
        var sources = [Int?](repeating: nil, count: items.count)
        var (loaded, copied): ([EpochItem], [(row: Int, target: Int)]) = ([], [])
        for (row, mixture) in mixtures.enumerated() where mixture != .none && partners[row] != items[row] {
            // Rows are mixed from the last to the first, so an earlier row still has its own pixels.
            if let source = rows[partners[row]] {
                if source < row { sources[row] = source } else { copied.append((source, row)) }
            } else {
                sources[row] = items.count + loaded.count
                loaded.append(partners[row])
            }
        }
        loads = items + loaded
        var copies: [(row: Int, slot: Int)] = []
        for (number, copy) in copied.enumerated() {
            sources[copy.target] = items.count + loaded.count + number
            copies.append((copy.row, items.count + loaded.count + number))
        }
        self.sources = sources
        self.copies = copies
        slots = .allocate(capacity: (loaded.count + copied.count) * size * size * 3)
        unfinished = loads.count
        isReady = loads.isEmpty
    }

    deinit { slots.deallocate() }

    /// Returns the pixels of a row or slot.
    func image(_ place: Int) -> UnsafeMutablePointer<Float> {
        let floats = size * size * 3
        return place < items.count ? images + place * floats : slots + (place - items.count) * floats
    }

    /// Mixes all rows. Call it once, after all loads are finished.
    func mix() {
        for (row, slot) in copies { image(slot).update(from: image(row), count: size * size * 3) }
        for row in items.indices.reversed() {
            if let source = sources[row] { mixtures[row].apply(image(row), image(source), size: size) }
        }
    }

    /// The share of the partner in each row; empty if nothing is mixed.
    var partnerShares: [Float] {
        mixtures.enumerated().map { row, mixture in sources[row] == nil ? 0 : mixture.share(size: size) }
    }
}
