import CProcessor

/// What a tile asks the caches for while it multiplies: what the tiles after it read. The processor's own prefetching sees only what goes on in
/// order, and operands jump to another panel or other rows every few microseconds.
///
/// A tile asks for three lines every `Prefetch.interval` steps of its depth. Where few tiles share a panel, it asks the second-level cache for the same
/// lines of the panel after that too: a single image's weights come from memory, and so few tiles take too short a time for it. Any address will do,
/// also beyond the end of an operand.
struct Prefetch {
    /// Steps of the depth between requests.
    static let interval = 8
    private static let linesPerRequest = 3
    private static let lineFloats = 16
    /// Of a panel; with more of them memory has brought the next one in time.
    private static let fewTiles = 4

    private var address: UnsafeRawPointer
    /// Bytes between the lines of a request, from a request to the next one, and from that to the one after it, in turns.
    private let lineStride: Int
    private var step: Int
    private var nextStep: Int
    /// Bytes from there to what the second-level cache is asked for; 0 where it is not.
    private let distance: Int

    private init(_ address: UnsafePointer<Float>, lineStride: Int, step: Int, nextStep: Int, distance: Int = 0) {
        self.address = UnsafeRawPointer(address)
        (self.lineStride, self.step, self.nextStep, self.distance) = (lineStride, step, nextStep, distance)
    }

    /// The rows of A that the next tile reads, each of them contiguous: a line of three of them, and of the other three, in turns.
    static func rows(_ values: UnsafePointer<Float>, rowStride: Int) -> Prefetch {
        let rowBytes = rowStride * MemoryLayout<Float>.stride
        let lineBytes = lineFloats * MemoryLayout<Float>.stride
        return Prefetch(
            values, lineStride: rowBytes, step: linesPerRequest * rowBytes, nextStep: lineBytes - linesPerRequest * rowBytes)
    }

    /// The first tile's part of the 16 columns of B that come next, which all `tiles` of these columns share.
    static func panel(_ values: UnsafePointer<Float>, rowStride: Int, panelStride: Int, tiles: Int) -> Prefetch {
        let lines = min(linesPerRequest, (interval + tiles - 1) / tiles)
        let rowBytes = rowStride * MemoryLayout<Float>.stride
        // Few tiles ask for several lines at a time, many for one every other time.
        return Prefetch(
            values, lineStride: lines > 1 ? rowBytes : 0, step: lines * rowBytes, nextStep: tiles < 2 * interval ? lines * rowBytes : 0,
            distance: tiles <= fewTiles ? panelStride * MemoryLayout<Float>.stride : 0)
    }

    /// The same, this many floats further on.
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
