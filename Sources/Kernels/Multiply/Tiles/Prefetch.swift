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
    /// The lines of a request, and the bytes from one to the next. The tiles in Swift always request three, which can be equal.
    let lines: Int
    let lineStride: Int
    /// Bytes from a request to the next one, and from that one to the one after it. The two alternate.
    private(set) var step: Int
    private(set) var nextStep: Int
    /// The distance in bytes from a requested line to the one for the second-level cache; 0 for none.
    let distance: Int

    private init(
        _ address: UnsafePointer<Float>, lines: Int, lineStride: Int, step: Int, nextStep: Int, distance: Int = 0
    ) {
        self.address = UnsafeRawPointer(address)
        (self.lines, self.lineStride) = (lines, lineStride)
        (self.step, self.nextStep, self.distance) = (step, nextStep, distance)
    }

    /// Prefetches the rows of A that the next tile of `tileRows` rows reads. Each row is contiguous, so requests alternate between a line
    /// of one half of the rows and a line of the other half.
    static func rows(_ values: UnsafePointer<Float>, rowStride: Int, tileRows: Int) -> Prefetch {
        let lines = (tileRows + 1) / 2
        let rowBytes = bytes(rowStride)
        return Prefetch(
            values, lines: lines, lineStride: rowBytes, step: lines * rowBytes, nextStep: bytes(lineFloats) - lines * rowBytes)
    }

    /// Prefetches the first tile's share of the next panel of B. Each of the `tiles` tiles of the current panel prefetches one share.
    static func panel(
        _ values: UnsafePointer<Float>, rowStride: Int, panelStride: Int, tiles: Int, _ set: KernelSet
    ) -> Prefetch {
        let rowLines = set.tileColumns / lineFloats
        let share = (interval * rowLines + tiles - 1) / tiles
        let distance = tiles <= fewTiles ? bytes(panelStride) : 0
        let (lineBytes, rowBytes) = (bytes(lineFloats), bytes(rowStride))
        if rowLines > 1, rowStride > set.tileColumns {
            // A request has a row of the panel, or requests alternate between the halves of a row.
            let isWhole = 2 * share > rowLines
            let step = isWhole ? rowBytes : rowLines / 2 * lineBytes
            return Prefetch(
                values, lines: isWhole ? rowLines : rowLines / 2, lineStride: lineBytes, step: step,
                nextStep: isWhole ? rowBytes : rowBytes - step, distance: distance)
        }
        // All lines have the same distance. With many tiles, every other request has a new line.
        let stride = rowLines > 1 ? lineBytes : rowBytes
        let lines = min(set.prefetchedLines, share)
        return Prefetch(
            values, lines: lines, lineStride: lines > 1 ? stride : 0, step: lines * stride,
            nextStep: tiles < 2 * interval * rowLines ? lines * stride : 0, distance: distance)
    }

    private static func bytes(_ floats: Int) -> Int { floats * MemoryLayout<Float>.stride }

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
        drnet_prefetch(address + lineStride)
        drnet_prefetch(address + 2 &* lineStride)
        if distance > 0 {
            let later = address + distance
            drnet_prefetch_second_level(later)
            drnet_prefetch_second_level(later + lineStride)
            drnet_prefetch_second_level(later + 2 &* lineStride)
        }
        address += step
        swap(&step, &nextStep)
    }
}
