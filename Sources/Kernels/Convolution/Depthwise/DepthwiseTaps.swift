/// Computes rows of a depthwise convolution, or of the gradient of its input: target ← Σ source · filter over the taps of a kernel. A tap
/// is a position in the kernel.
///
/// Four pixels and eight channels are computed at a time, with the sums in registers. Each filter is then loaded once for four pixels, and
/// each sum is written once.
struct DepthwiseTaps {
    /// Taps of a kernel row or column that a pixel has.
    private struct Tap {
        /// The row or column of the source, for the target's row or column 0.
        var offset: Int
        /// The kernel's row or column.
        var position: Int
    }

    private let channels: Int
    private let kernel: Int
    private let sourceHeight: Int
    private let sourceWidth: Int
    /// Source columns from one computed pixel to the next, and target columns.
    private let sourceStep: Int
    private let targetStep: Int
    /// The first computed column of the target, and their number.
    private let firstColumn: Int
    private let count: Int
    private let columnTaps: [Tap]
    private let rowTaps: (Int) -> [Tap]

    /// The sums of the output. The source is the input.
    init(forward shape: ConvolutionShape) {
        (channels, kernel) = (shape.inputChannels, shape.kernel)
        (sourceHeight, sourceWidth) = (shape.inputHeight, shape.inputWidth)
        (sourceStep, targetStep, firstColumn, count) = (shape.stride, 1, 0, shape.outputWidth)
        columnTaps = (0..<shape.kernel).map { Tap(offset: $0 - shape.padding, position: $0) }
        rowTaps = { row in (0..<shape.kernel).map { Tap(offset: row * shape.stride - shape.padding + $0, position: $0) } }
    }

    /// The gradient of the input, in every `stride`-th column: these have the same taps. The source is the gradient of the output.
    init(backward shape: ConvolutionShape, columnPhase phase: Int) {
        (channels, kernel) = (shape.inputChannels, shape.kernel)
        (sourceHeight, sourceWidth) = (shape.outputHeight, shape.outputWidth)
        (sourceStep, targetStep, firstColumn) = (1, shape.stride, phase)
        count = max(0, (shape.inputWidth - phase + shape.stride - 1) / shape.stride)
        // Output o reads input o · stride − padding + position.
        func taps(_ pixel: Int) -> [Tap] {
            (0..<shape.kernel).compactMap { position in
                let distance = pixel + shape.padding - position
                return distance % shape.stride == 0 ? Tap(offset: distance / shape.stride, position: position) : nil
            }
        }
        columnTaps = taps(phase)
        rowTaps = taps
    }

    /// Where a pixel's operands are: floats from the first channel of the source's pixel 0, and of the first filter.
    private typealias Offsets = UnsafeMutablePointer<(source: Int, filter: Int)>

    /// Computes a row of the target.
    ///
    /// - Parameters:
    ///   - row: the target's row.
    ///   - source: its row 0, [sourceHeight × sourceWidth × channels]. Only rows with taps are read.
    ///   - filters: [kernel × kernel × channels].
    ///   - target: the row, [width × channels].
    ///   - accumulates: whether the sums are added to the target.
    func writeRow(
        _ row: Int, source: UnsafePointer<Float>, filters: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>, accumulates: Bool
    ) {
        let rows = rowTaps(row).filter { 0..<sourceHeight ~= $0.offset }
        // The first and the last pixel all of whose columns are inside of the source.
        let firstInside = columnTaps.map { (max(0, -$0.offset) + sourceStep - 1) / sourceStep }.max() ?? 0
        let lastInside = columnTaps.map { $0.offset < sourceWidth ? (sourceWidth - 1 - $0.offset) / sourceStep : -1 }.min() ?? count - 1
        withUnsafeTemporaryAllocation(of: (source: Int, filter: Int).self, capacity: max(1, kernel * kernel)) { memory in
            guard let offsets = memory.baseAddress else { return }
            func write(_ pixel: Int, pixels: Int) {
                var tapCount = 0
                for row in rows {
                    for column in columnTaps {
                        let sourceColumn = pixel &* sourceStep &+ column.offset
                        guard sourceColumn >= 0, sourceColumn < sourceWidth else { continue }
                        offsets[tapCount] = (
                            (row.offset &* sourceWidth &+ sourceColumn) &* channels, (row.position &* kernel &+ column.position) &* channels
                        )
                        tapCount += 1
                    }
                }
                let first = target + (firstColumn &+ pixel &* targetStep) &* channels
                if pixels == 4 {
                    sum(offsets, tapCount, source, filters, first, pixels: 4, accumulates)
                } else {
                    sum(offsets, tapCount, source, filters, first, pixels: 1, accumulates)
                }
            }
            var pixel = 0
            while pixel < count {
                let pixels = pixel >= firstInside && pixel &+ 3 <= min(lastInside, count &- 1) ? 4 : 1
                write(pixel, pixels: pixels)
                pixel &+= pixels
            }
        }
    }

    /// target ← the sums of `pixels` (1 or 4) neighbouring pixels with the same taps.
    @inline(__always)
    private func sum(
        _ offsets: Offsets, _ tapCount: Int, _ source: UnsafePointer<Float>, _ filters: UnsafePointer<Float>,
        _ target: UnsafeMutablePointer<Float>, pixels: Int, _ accumulates: Bool
    ) {
        let (sourceStride, targetStride) = (sourceStep &* channels, targetStep &* channels)
        var channel = 0
        while channel &+ 8 <= channels {
            let results = target + channel
            var sums = (Channels8.zero, Channels8.zero, Channels8.zero, Channels8.zero)
            if accumulates {
                sums.0 = Channels8(at: results)
                if pixels == 4 {
                    sums.1 = Channels8(at: results + targetStride)
                    sums.2 = Channels8(at: results + 2 &* targetStride)
                    sums.3 = Channels8(at: results + 3 &* targetStride)
                }
            }
            for tap in 0..<tapCount {
                let filter = Channels8(at: filters + (offsets[tap].filter &+ channel))
                let values = source + (offsets[tap].source &+ channel)
                sums.0.addProduct(Channels8(at: values), filter)
                if pixels == 4 {
                    sums.1.addProduct(Channels8(at: values + sourceStride), filter)
                    sums.2.addProduct(Channels8(at: values + 2 &* sourceStride), filter)
                    sums.3.addProduct(Channels8(at: values + 3 &* sourceStride), filter)
                }
            }
            sums.0.store(to: results)
            if pixels == 4 {
                sums.1.store(to: results + targetStride)
                sums.2.store(to: results + 2 &* targetStride)
                sums.3.store(to: results + 3 &* targetStride)
            }
            channel &+= 8
        }
        while channel < channels {
            for pixel in 0..<pixels {
                let result = target + (pixel &* targetStride &+ channel)
                var sum = accumulates ? result.pointee : 0
                for tap in 0..<tapCount {
                    sum += source[offsets[tap].source &+ pixel &* sourceStride &+ channel] * filters[offsets[tap].filter &+ channel]
                }
                result.pointee = sum
            }
            channel &+= 1
        }
    }
}
