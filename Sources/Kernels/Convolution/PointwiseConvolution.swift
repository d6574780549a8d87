/// 1×1 convolutions of stride 1: one product over all pixels of the batch, computed in blocks of rows.
struct PointwiseConvolution: ConvolutionKernel {
    let context: KernelContext
    private let rows: Int
    private let inputs: Int
    private let outputs: Int
    private let blocks: RowBlocks

    /// Floats of a block's input and output together (512 KiB). The rows of a block stay in the second-level cache until they are
    /// multiplied.
    private static let blockFloats = 1 << 17
    /// The maximum number of rows of a block.
    private static let maximumBlock = 512
    /// The number of blocks that keeps the threads busy. Small sub-batches have smaller blocks.
    private static let enoughBlocks = 8

    init(_ shape: ConvolutionShape, _ context: KernelContext) {
        precondition(shape.isPointwise, "not a pointwise convolution: \(shape)")
        self.context = context
        rows = shape.outputPixels
        inputs = shape.inputChannels
        outputs = shape.outputChannels
        blocks = RowBlocks(
            images: shape.batch, rowsPerImage: shape.outputHeight * shape.outputWidth,
            blockRows: max(
                ChannelSums.runRows, min(Self.maximumBlock, Self.blockFloats / (inputs + outputs), rows / Self.enoughBlocks)))
    }

    var forwardSlots: Int { blocks.count }
    var backwardSlots: Int { blocks.count }

    var preparedLayout: PreparedLayout { .matrix(weightLayout) }
    private var weightLayout: PackedLayout { context.products.packedLayout(depth: inputs, columns: outputs) }

    func prepare(_ weights: UnsafePointer<Float>, into prepared: UnsafeMutableRawPointer) {
        weightLayout.pack(weights, into: prepared, context.threads)
    }

    func forward(input: Rows, prepared: UnsafeRawPointer, output: UnsafeMutablePointer<Float>, finish: BlockFinisher) {
        let weights = PackedOperand(prepared, weightLayout)
        func multiply(_ rows: Range<Int>, _ columns: Range<Int>) {
            input.withRows(rows, channels: inputs, context) {
                context.products.multiply(
                    MatrixView($0, rows: rows.count, columns: inputs), .packed(weights.from(column: columns.lowerBound)),
                    into: ResultView(output, rows: rows, columns: columns, leading: outputs), accumulates: false, context.buffers)
            }
        }
        ProductBlocks(blocks, columns: outputs, context.products.blocking).forEach(context.threads, multiply, finish: finish)
    }

    func backward(
        input: Rows, outputGradient: Rows, weights: UnsafePointer<Float>, weightGradient: UnsafeMutablePointer<Float>,
        inputGradient: InputGradient?
    ) {
        if rows == 0 { return }
        context.products.packedLayout(depth: outputs, columns: inputs).withPacked(transposing: weights, context) { transposed in
            if inputs * outputs <= PartialSums.maximumCount {
                backwardInOneSweep(input, outputGradient, transposed, weightGradient, inputGradient)
            } else {
                backwardInTwoSweeps(input, outputGradient, transposed, weightGradient, inputGradient)
            }
        }
    }

    /// Uses a block's gradient, input and input gradient while they are in cache.
    private func backwardInOneSweep(
        _ input: Rows, _ outputGradient: Rows, _ transposedWeights: PackedOperand,
        _ weightGradient: UnsafeMutablePointer<Float>, _ inputGradient: InputGradient?
    ) {
        let ranges = min(PartialSums.parts, blocks.count)
        PartialSums.add(ranges, count: inputs * outputs, to: weightGradient, context) { range, sum in
            let firstBlock = range * blocks.count / ranges
            for block in firstBlock..<(range + 1) * blocks.count / ranges {
                let rows = blocks[block]
                outputGradient.withRows(rows, channels: outputs, context) { gradient in
                    addInputGradient(gradient, block, transposedWeights, inputGradient)
                    input.withRows(rows, channels: inputs, context) {
                        context.products.multiply(
                            MatrixView(transposing: $0, rows: inputs, columns: rows.count),
                            .matrix(MatrixView(gradient, rows: rows.count, columns: outputs)),
                            into: ResultView(sum, rows: inputs, columns: outputs), accumulates: block != firstBlock, context.buffers)
                    }
                }
            }
        }
    }

    /// For large weights, which have few rows: writes out gradient and input, and splits the weight gradient into tasks of its own.
    private func backwardInTwoSweeps(
        _ input: Rows, _ outputGradient: Rows, _ transposedWeights: PackedOperand,
        _ weightGradient: UnsafeMutablePointer<Float>, _ inputGradient: InputGradient?
    ) {
        context.buffers.withScratch(rows * outputs) { gradients in
            context.threads.forEach(blocks) { number, block in
                let gradient = gradients + block.lowerBound * outputs
                outputGradient.read(block, channels: outputs, into: gradient)
                addInputGradient(gradient, number, transposedWeights, inputGradient)
            }
            input.withAll(rows, channels: inputs, context) { values in
                addWeightGradient(values, gradients, to: weightGradient)
            }
        }
    }

    private func addWeightGradient(
        _ input: UnsafePointer<Float>, _ outputGradient: UnsafePointer<Float>, to weightGradient: UnsafeMutablePointer<Float>
    ) {
        let blocking = context.products.blocking
        let manyColumns = outputs > blocking.weightGradientManyColumns
        let partRows = manyColumns ? blocking.weightGradientRowsOfManyColumns : blocking.weightGradientRows
        let partColumns = blocking.weightGradientColumns
        let partsWide = (outputs + partColumns - 1) / partColumns
        context.threads.forEach((inputs + partRows - 1) / partRows * partsWide) { part in
            let (row, column) = (part / partsWide * partRows, part % partsWide * partColumns)
            let (height, width) = (min(partRows, inputs - row), min(partColumns, outputs - column))
            context.products.multiply(
                MatrixView(transposing: input + row, rows: height, columns: rows, leading: inputs),
                .matrix(MatrixView(outputGradient + column, rows: rows, columns: width, leading: outputs)),
                into: ResultView(weightGradient + row * outputs + column, rows: height, columns: width, leading: outputs),
                accumulates: true, context.buffers)
        }
    }

    private func addInputGradient(
        _ gradient: UnsafePointer<Float>, _ block: Int, _ transposedWeights: PackedOperand, _ target: InputGradient?
    ) {
        guard let target else { return }
        let rows = blocks[block]
        context.products.multiply(
            MatrixView(gradient, rows: rows.count, columns: outputs), .packed(transposedWeights),
            into: ResultView(target.values + rows.lowerBound * inputs, rows: rows.count, columns: inputs),
            accumulates: target.accumulates, context.buffers)
        target.finish(block, rows)
    }
}
