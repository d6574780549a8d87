/// Depthwise convolutions (one filter per channel) of NHWC images, computed directly. They do too little arithmetic for a matrix product to
/// pay off: their time is that of memory. Weights are [kernel row, kernel column, channel].
///
/// A task computes a band of rows. It reads or computes the rows that the band needs into the second-level cache, and passes the result on
/// while it is there. Rows at the edges of bands are computed twice.
struct DepthwiseConvolution: ConvolutionKernel {
    private let shape: ConvolutionShape
    let context: KernelContext
    private let bandRows: Int
    private let bands: Int

    /// Floats of the input's rows that a band reads (512 KiB).
    private static let bandFloats = 1 << 17
    /// The minimum number of rows per band, and the bands of an image that keep the threads busy with a single image.
    private static let minimumRows = 4
    private static let enoughBands = 4

    init(_ shape: ConvolutionShape, _ context: KernelContext) {
        self.shape = shape
        self.context = context
        let height = shape.outputHeight
        let fitting = Self.bandFloats / max(1, shape.stride * shape.inputWidth * shape.inputChannels)
        bandRows = max(1, min(height, fitting, max(Self.minimumRows, (height + Self.enoughBands - 1) / Self.enoughBands)))
        bands = (height + bandRows - 1) / bandRows
    }

    var forwardSlots: Int { shape.batch * bands }
    /// The bands of an image follow each other.
    var backwardSlots: Int { shape.batch }
    var preparedLayout: PreparedLayout { .stored(count: shape.patchLength) }

    func prepare(_ weights: UnsafePointer<Float>, into prepared: UnsafeMutableRawPointer) {
        prepared.copyMemory(from: weights, byteCount: preparedLayout.byteCount)
    }

    private var channels: Int { shape.inputChannels }

    private func outputRows(_ band: Int) -> Range<Int> { band * bandRows..<min((band + 1) * bandRows, shape.outputHeight) }

    /// The rows of the input that rows of the output read.
    private func readRows(_ outputs: Range<Int>) -> Range<Int> {
        let first = max(0, outputs.lowerBound * shape.stride - shape.padding)
        return first..<max(first, min(shape.inputHeight, (outputs.upperBound - 1) * shape.stride - shape.padding + shape.kernel))
    }

    /// The rows of the input whose gradients a band writes.
    private func ownedRows(_ band: Int) -> Range<Int> {
        let first = min(band * bandRows * shape.stride, shape.inputHeight)
        return first..<(band == bands - 1 ? shape.inputHeight : min((band + 1) * bandRows * shape.stride, shape.inputHeight))
    }

    /// The rows of the output that read one of these rows of the input.
    private func readers(_ inputs: Range<Int>) -> Range<Int> {
        let first = min(shape.outputHeight, max(0, (inputs.lowerBound + shape.padding - shape.kernel + shape.stride) / shape.stride))
        return first..<max(first, min(shape.outputHeight, (inputs.upperBound - 1 + shape.padding) / shape.stride + 1))
    }

    /// Calls `body` with the address that row 0 of an image would have, if `rows` of it are read.
    private func withImage(
        _ matrix: Rows, _ image: Int, _ rows: Range<Int>, height: Int, width: Int, _ body: (UnsafePointer<Float>) -> Void
    ) {
        let start = image * height
        matrix.withRows((start + rows.lowerBound) * width..<(start + rows.upperBound) * width, channels: channels, context) {
            body($0 - rows.lowerBound * width * channels)
        }
    }

    // MARK: - Forward

    func forward(input: Rows, prepared: UnsafeRawPointer, output: UnsafeMutablePointer<Float>, finish: BlockFinisher) {
        let taps = DepthwiseTaps(forward: shape)
        let weights = prepared.assumingMemoryBound(to: Float.self)
        context.threads.forEach(shape.batch * bands) { task in
            let (image, rows) = (task / bands, outputRows(task % bands))
            let first = image * shape.outputHeight
            withImage(input, image, readRows(rows), height: shape.inputHeight, width: shape.inputWidth) { values in
                for row in rows {
                    taps.writeRow(
                        row, source: values, filters: weights, into: output + (first + row) * shape.outputWidth * channels,
                        accumulates: false
                    )
                }
            }
            finish(task, (first + rows.lowerBound) * shape.outputWidth..<(first + rows.upperBound) * shape.outputWidth, 0..<channels)
        }
    }

    // MARK: - Backward

    /// What the bands of a backward pass read.
    private struct BackwardOperands {
        var input: Rows
        var outputGradient: Rows
        var weights: UnsafePointer<Float>
        var inputGradient: InputGradient?
        /// Of each phase of the input's columns.
        var taps: [DepthwiseTaps]
    }

    /// Each image has its own sums of the weight gradient, which are added in order.
    func backward(
        input: Rows, outputGradient: Rows, weights: UnsafePointer<Float>, weightGradient: UnsafeMutablePointer<Float>,
        inputGradient: InputGradient?
    ) {
        let operands = BackwardOperands(
            input: input, outputGradient: outputGradient, weights: weights, inputGradient: inputGradient,
            taps: (0..<shape.stride).map { DepthwiseTaps(backward: shape, columnPhase: $0) })
        let count = shape.patchLength
        PartialSums.add(shape.batch, count: count, to: weightGradient, context) { image, sum in
            sum.update(repeating: 0, count: count)
            for band in 0..<bands { backward(image, band, operands, to: sum) }
        }
    }

    private func backward(_ image: Int, _ band: Int, _ operands: BackwardOperands, to sum: UnsafeMutablePointer<Float>) {
        let (rows, owned) = (outputRows(band), ownedRows(band))
        let target = owned.isEmpty ? nil : operands.inputGradient
        var needed = rows
        if target != nil {
            let readers = readers(owned)
            needed = min(rows.lowerBound, readers.lowerBound)..<max(rows.upperBound, readers.upperBound)
        }
        withImage(operands.outputGradient, image, needed, height: shape.outputHeight, width: shape.outputWidth) { gradients in
            withImage(operands.input, image, readRows(rows), height: shape.inputHeight, width: shape.inputWidth) { values in
                for row in rows { DepthwiseWeightGradient.addRow(row, shape, input: values, outputGradient: gradients, to: sum) }
            }
            guard let target else { return }
            let first = image * shape.inputHeight
            for taps in operands.taps {
                for row in owned {
                    taps.writeRow(
                        row, source: gradients, filters: operands.weights,
                        into: target.values + (first + row) * shape.inputWidth * channels, accumulates: target.accumulates)
                }
            }
            target.finish(image, (first + owned.lowerBound) * shape.inputWidth..<(first + owned.upperBound) * shape.inputWidth)
        }
    }
}
