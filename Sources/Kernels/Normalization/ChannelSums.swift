/// Two sums per channel over the rows of a matrix [pixels × channels], computed while the rows are in cache.
///
/// Runs of at most `runRows` rows of one image are summed in single precision. The sums of a run are then added in double precision. Each
/// image starts a new run, so the contribution of an image does not depend on the images before it. Sums over ranks therefore have the same
/// bits however the batch is split, except for the last bits of a double.
public final class ChannelSums {
    static let runRows = 64

    private let slotCount: Int
    private let channels: Int
    private let rowsPerImage: Int
    private let buffers: BufferPool
    private let partials: UnsafeMutablePointer<Double>

    /// - Parameters:
    ///   - slots: the number of partial sums, which are added in order at the end; see `RowFinisher`.
    ///   - channels: of a row.
    ///   - rowsPerImage: rows that are summed in the same runs, whatever the batch.
    ///   - context: lends scratch memory.
    public init(slots: Int, channels: Int, rowsPerImage: Int, _ context: KernelContext) {
        buffers = context.buffers
        slotCount = slots
        self.channels = channels
        self.rowsPerImage = max(1, rowsPerImage)
        partials = .allocate(capacity: max(1, slots * 2 * channels))
        partials.initialize(repeating: 0, count: slots * 2 * channels)
    }

    deinit { partials.deallocate() }

    /// The totals: the first sum of each channel, then the second sum of each channel.
    public var total: [Double] {
        var sums = [Double](repeating: 0, count: 2 * channels)
        for slot in 0..<slotCount {
            let partial = partials + slot * 2 * channels
            for index in sums.indices { sums[index] += partial[index] }
        }
        return sums
    }

    /// Adds Σ (x − s) and Σ (x − s)² over the rows of the matrix `values`, for some of its channels.
    ///
    /// The variance is E[(x − s)²] − E[x − s]². With s near the mean, the difference remains accurate even if the mean is much larger than
    /// the deviation (Chan, Golub and LeVeque, "Algorithms for computing the sample variance", 1983).
    ///
    /// - Parameters:
    ///   - slot: the part to add to.
    ///   - rows: of the matrix.
    ///   - part: the channels to sum.
    ///   - values: the matrix, [rows × channels].
    ///   - shift: s for each channel of the matrix.
    public func addMoments(_ slot: Int, _ rows: Range<Int>, _ part: Range<Int>, of values: StoredMatrix, shift: UnsafePointer<Float>) {
        switch values {
        case .float32(let values): addMoments(slot, rows, part, of: UnsafePointer(values), shift: shift)
        case .bfloat16(let values): addMoments(slot, rows, part, of: UnsafePointer(values), shift: shift)
        }
    }

    func addMoments<Number: StoredNumber>(
        _ slot: Int, _ rows: Range<Int>, _ part: Range<Int>, of values: UnsafePointer<Number>, shift: UnsafePointer<Float>
    ) {
        let (stride, channels) = (channels, part.count)
        let (values, shift) = (values + part.lowerBound, shift + part.lowerBound)
        add(slot, rows, part) { row, first, second in
            AddMoments(values: values + row &* stride, shift: shift, first: first, second: second).run(channels)
        }
    }

    /// Calls `addRow(row, first sums, second sums)` for the rows, run by run. The sums are those of the channels `part`.
    @inline(__always)
    func add(
        _ slot: Int, _ rows: Range<Int>, _ part: Range<Int>,
        _ addRow: (Int, UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    ) {
        let first = partials + (slot * 2 * channels + part.lowerBound)
        let second = first + channels
        buffers.withScratch(2 * part.count) { run in
            var start = rows.lowerBound
            while start < rows.upperBound {
                let imageEnd = (start / rowsPerImage + 1) * rowsPerImage
                let end = min(start + Self.runRows, imageEnd, rows.upperBound)
                run.update(repeating: 0, count: 2 * part.count)
                for row in start..<end { addRow(row, run, run + part.count) }
                for index in 0..<part.count {
                    first[index] += Double(run[index])
                    second[index] += Double(run[part.count + index])
                }
                start = end
            }
        }
    }
}
