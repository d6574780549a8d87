import CProcessor

/// The cache lines that a tile prefetches for later tiles while it multiplies. The processor's own prefetcher follows consecutive addresses
/// only, and operands jump to another panel or to other rows every few microseconds.
///
/// A tile requests a few rows every `Prefetch.interval` steps of its depth. If few tiles share a panel, it also requests the same lines of
/// the following panel into the second-level cache. This happens with a single image: its weights come from memory, and a few tiles take
/// less time than the memory needs. Addresses beyond the end of an operand are harmless.
struct Prefetch {
    /// Steps of the depth between requests.
    static let interval = 8
    private static let lineFloats = 16
    /// The maximum number of tiles per panel for prefetching into the second-level cache too. With more tiles, memory delivers the next
    /// panel in time.
    private static let fewTiles = 4

    private(set) var address: UnsafeRawPointer
    /// Rows of a request, and the cache lines of each row. The tiles in Swift have one line a row, and three rows; these can be equal.
    let rows: Int
    let lines: Int
    /// Strides in bytes: between the rows of a request, from a request to the next one, and from that one to the one after it. The last
    /// two alternate.
    let rowStride: Int
    private(set) var step: Int
    private(set) var nextStep: Int
    /// The distance in bytes from a requested line to the one for the second-level cache; 0 for none.
    let distance: Int

    private init(
        _ address: UnsafePointer<Float>, rows: Int, lines: Int, rowStride: Int, step: Int, nextStep: Int, distance: Int = 0
    ) {
        self.address = UnsafeRawPointer(address)
        (self.rows, self.lines) = (rows, lines)
        (self.rowStride, self.step, self.nextStep, self.distance) = (rowStride, step, nextStep, distance)
    }

    /// Prefetches the rows of A that the next tile reads. Each row is contiguous, so requests alternate between a line of one half of the
    /// rows and a line of the other half.
    static func rows(_ values: UnsafePointer<Float>, rowStride: Int, _ set: KernelSet) -> Prefetch {
        let rows = set.prefetchedLeftRows
        let rowBytes = rowStride * MemoryLayout<Float>.stride
        let lineBytes = lineFloats * MemoryLayout<Float>.stride
        return Prefetch(
            values, rows: rows, lines: 1, rowStride: rowBytes, step: rows * rowBytes, nextStep: lineBytes - rows * rowBytes)
    }

    /// Prefetches the first tile's share of the next panel of B. Each of the `tiles` tiles of the current panel prefetches one share.
    static func panel(
        _ values: UnsafePointer<Float>, rowStride: Int, panelStride: Int, tiles: Int, _ set: KernelSet
    ) -> Prefetch {
        let rows = min(set.prefetchedPanelRows, (interval + tiles - 1) / tiles)
        let rowBytes = rowStride * MemoryLayout<Float>.stride
        // With few tiles, a request has several rows. With many tiles, every other request has one new row.
        return Prefetch(
            values, rows: rows, lines: set.tileColumns / lineFloats, rowStride: rows > 1 ? rowBytes : 0, step: rows * rowBytes,
            nextStep: tiles < 2 * interval ? rows * rowBytes : 0,
            distance: tiles <= fewTiles ? panelStride * MemoryLayout<Float>.stride : 0)
    }

    /// Returns the same requests, moved by this many floats.
    @inline(__always)
    func shifted(by floats: Int) -> Prefetch {
        var shifted = self
        shifted.address += floats &* MemoryLayout<Float>.stride
        return shifted
    }

    /// The requests of a tile in Swift.
    @inline(__always)
    mutating func request() {
        drnet_prefetch(address)
        drnet_prefetch(address + rowStride)
        drnet_prefetch(address + 2 &* rowStride)
        if distance > 0 {
            let later = address + distance
            drnet_prefetch_second_level(later)
            drnet_prefetch_second_level(later + rowStride)
            drnet_prefetch_second_level(later + 2 &* rowStride)
        }
        address += step
        swap(&step, &nextStep)
    }
}
