import CProcessor

/// The cache lines that a tile prefetches for later tiles while it multiplies. The processor's own prefetcher follows consecutive addresses
/// only, and operands jump to another panel or to other rows every few microseconds.
///
/// A tile requests three lines every `Prefetch.interval` steps of its depth. If few tiles share a panel, it also requests the same lines of
/// the following panel into the second-level cache. This happens with a single image: its weights come from memory, and a few tiles take
/// less time than the memory needs. Addresses beyond the end of an operand are harmless.
struct Prefetch {
    /// Steps of the depth between requests.
    static let interval = 8
    private static let linesPerRequest = 3
    private static let lineFloats = 16
    /// The maximum number of tiles per panel for prefetching into the second-level cache too. With more tiles, memory delivers the next
    /// panel in time.
    private static let fewTiles = 4

    private var address: UnsafeRawPointer
    /// Strides in bytes: between the lines of a request, from a request to the next one, and from that one to the one after it. The last
    /// two alternate.
    private let lineStride: Int
    private var step: Int
    private var nextStep: Int
    /// The distance in bytes from a requested line to the one for the second-level cache; 0 for none.
    private let distance: Int

    private init(_ address: UnsafePointer<Float>, lineStride: Int, step: Int, nextStep: Int, distance: Int = 0) {
        self.address = UnsafeRawPointer(address)
        (self.lineStride, self.step, self.nextStep, self.distance) = (lineStride, step, nextStep, distance)
    }

    /// Prefetches the rows of A that the next tile reads. Each row is contiguous, so requests alternate between a line of three rows and a
    /// line of the other three.
    static func rows(_ values: UnsafePointer<Float>, rowStride: Int) -> Prefetch {
        let rowBytes = rowStride * MemoryLayout<Float>.stride
        let lineBytes = lineFloats * MemoryLayout<Float>.stride
        return Prefetch(
            values, lineStride: rowBytes, step: linesPerRequest * rowBytes, nextStep: lineBytes - linesPerRequest * rowBytes)
    }

    /// Prefetches the first tile's share of the next 16 columns of B. Each of the `tiles` tiles of the current columns prefetches one
    /// share.
    static func panel(_ values: UnsafePointer<Float>, rowStride: Int, panelStride: Int, tiles: Int) -> Prefetch {
        let lines = min(linesPerRequest, (interval + tiles - 1) / tiles)
        let rowBytes = rowStride * MemoryLayout<Float>.stride
        // With few tiles, a request has several lines. With many tiles, every other request has one new line.
        return Prefetch(
            values, lineStride: lines > 1 ? rowBytes : 0, step: lines * rowBytes, nextStep: tiles < 2 * interval ? lines * rowBytes : 0,
            distance: tiles <= fewTiles ? panelStride * MemoryLayout<Float>.stride : 0)
    }

    /// Returns the same requests, moved by this many floats.
    @inline(__always)
    func shifted(by floats: Int) -> Prefetch {
        var shifted = self
        shifted.address += floats &* MemoryLayout<Float>.stride
        return shifted
    }

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
