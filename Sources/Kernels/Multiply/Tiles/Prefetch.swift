import CProcessor

/// The cache lines that a tile prefetches while it multiplies: those that the tiles after it read. The processor's own prefetching follows
/// consecutive addresses only, and operands jump to another panel or other rows every few microseconds.
///
/// A tile requests three lines every `Prefetch.interval` steps of its depth. Where few tiles share a panel, it also requests the same lines
/// of the panel after that into the second-level cache: a single image's weights come from memory, and so few tiles take less time than
/// memory needs. Addresses beyond the end of an operand do no harm.
struct Prefetch {
    /// Steps of the depth between requests.
    static let interval = 8
    private static let linesPerRequest = 3
    private static let lineFloats = 16
    /// Tiles of a panel up to which the second-level cache is prefetched too. With more tiles, memory delivers the next panel in time.
    private static let fewTiles = 4

    private var address: UnsafeRawPointer
    /// Bytes between the lines of a request; from a request to the next; and from that to the one after it, alternating with the former.
    private let lineStride: Int
    private var step: Int
    private var nextStep: Int
    /// Bytes from a requested line to the one for the second-level cache; 0 for none.
    private let distance: Int

    private init(_ address: UnsafePointer<Float>, lineStride: Int, step: Int, nextStep: Int, distance: Int = 0) {
        self.address = UnsafeRawPointer(address)
        (self.lineStride, self.step, self.nextStep, self.distance) = (lineStride, step, nextStep, distance)
    }

    /// The rows of A that the next tile reads. Each row is contiguous: requests alternate between a line of three rows and one of the other
    /// three.
    static func rows(_ values: UnsafePointer<Float>, rowStride: Int) -> Prefetch {
        let rowBytes = rowStride * MemoryLayout<Float>.stride
        let lineBytes = lineFloats * MemoryLayout<Float>.stride
        return Prefetch(
            values, lineStride: rowBytes, step: linesPerRequest * rowBytes, nextStep: lineBytes - linesPerRequest * rowBytes)
    }

    /// The first tile's share of the next 16 columns of B; all `tiles` of the current columns prefetch a share each.
    static func panel(_ values: UnsafePointer<Float>, rowStride: Int, panelStride: Int, tiles: Int) -> Prefetch {
        let lines = min(linesPerRequest, (interval + tiles - 1) / tiles)
        let rowBytes = rowStride * MemoryLayout<Float>.stride
        // Few tiles request several lines at a time, many tiles one line every other time.
        return Prefetch(
            values, lineStride: lines > 1 ? rowBytes : 0, step: lines * rowBytes, nextStep: tiles < 2 * interval ? lines * rowBytes : 0,
            distance: tiles <= fewTiles ? panelStride * MemoryLayout<Float>.stride : 0)
    }

    /// The same requests, this many floats further on.
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
