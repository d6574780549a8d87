/// 1×1 convolutions of stride 1: one product over all pixels of the batch, a block of rows at a time.
struct PointwiseConvolution: ConvolutionKernel {
    let context: KernelContext
    private let rows: Int
    private let inputs: Int
    private let outputs: Int
    private let blocks: RowBlocks

    /// Floats of a block's input and output together (512 KiB): what was read is still in the second-level cache when it is multiplied.
    private static let blockFloats = 1 << 17
    /// Parts of the rows whose weight gradients are summed apart; fixed, so that sums do not depend on the number of threads.
    private static let rangeCount = 16
    /// Weights up to this size get their gradient in the same sweep as the input's: the parts' sums stay small.
    private static let smallWeights = 1 << 16

    init(_ shape: ConvolutionShape, _ context: KernelContext) {
        precondition(shape.isPointwise, "no pointwise convolution: \(shape)")
        self.context = context
        rows = shape.outputPixels
        inputs = shape.inputChannels
        outputs = shape.outputChannels
        // With more rows, small sub-batches would not occupy all threads.
        blocks = RowBlocks(
            images: shape.batch, rowsPerImage: shape.outputHeight * shape.outputWidth,
            blockRows: max(ChannelSums.runRows, min(512, Self.blockFloats / (inputs + outputs), rows / 8)))
    }

    var forwardSlots: Int { blocks.count }
    var backwardSlots: Int { blocks.count }

    var preparedCount: Int { ColumnPanels.count(rows: inputs, columns: outputs) }

    func prepare(_ weights: UnsafePointer<Float>, into prepared: UnsafeMutablePointer<Float>) {
        ColumnPanels.write(weights, rows: inputs, columns: outputs, into: prepared, context)
    }

    func forward(input: Rows, prepared: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, finish: BlockFinisher) {
        let panels = TiledProduct.Right(panels: prepared, depth: inputs)
        ProductBlocks(blocks, columns: outputs).forEach(
            context.threads,
            { rows, columns in
                input.withRows(rows, channels: inputs, context) {
                    TiledProduct.multiply(
                        rows: rows.count, columns: columns.count, depth: inputs, .init($0, leading: inputs),
                        panels.from(column: columns.lowerBound),
                        into: output + rows.lowerBound * outputs + columns.lowerBound, leading: outputs,
                        context.buffers)
                }
            }, finish: finish)
    }

    func backward(
        input: Rows, outputGradient: Rows, weights: UnsafePointer<Float>, weightGradient: UnsafeMutablePointer<Float>,
        inputGradient: InputGradient?
    ) {
        if rows == 0 { return }
        ColumnPanels.withPanels(transposing: weights, rows: outputs, columns: inputs, context) { transposed in
            if inputs * outputs <= Self.smallWeights {
                backwardInOneSweep(input, outputGradient, transposed, weightGradient, inputGradient)
            } else {
                backwardInTwoSweeps(input, outputGradient, transposed, weightGradient, inputGradient)
            }
        }
    }

    /// A block's gradient, input and input gradient are all used while they are in cache.
    private func backwardInOneSweep(
        _ input: Rows, _ outputGradient: Rows, _ transposedWeights: UnsafePointer<Float>,
        _ weightGradient: UnsafeMutablePointer<Float>, _ inputGradient: InputGradient?
    ) {
        let count = inputs * outputs
        let ranges = min(Self.rangeCount, blocks.count)
        context.buffers.withScratch(ranges * count) { sums in
            context.threads.forEach(ranges) { range in
                let sum = sums + range * count
                let firstBlock = range * blocks.count / ranges
                for block in firstBlock..<(range + 1) * blocks.count / ranges {
                    let rows = blocks[block]
                    outputGradient.withRows(rows, channels: outputs, context) { gradient in
                        addInputGradient(gradient, block, transposedWeights, inputGradient)
                        input.withRows(rows, channels: inputs, context) {
                            TiledProduct.multiply(
                                rows: inputs, columns: outputs, depth: rows.count, .init(transposing: $0, leading: inputs),
                                .init(gradient, leading: outputs), into: sum, leading: outputs, accumulates: block != firstBlock,
                                context.buffers)
                        }
                    }
                }
            }
            for range in 0..<ranges { Elementwise.add(UnsafePointer(sums) + range * count, to: weightGradient, count: count) }
        }
    }

    /// Large weights have few rows: gradient and input are written out, and the weight gradient is split into parts of its own.
    private func backwardInTwoSweeps(
        _ input: Rows, _ outputGradient: Rows, _ transposedWeights: UnsafePointer<Float>,
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
        let (high, wide) = (outputs <= 512 ? 96 : 192, 256)
        let partsWide = (outputs + wide - 1) / wide
        context.threads.forEach((inputs + high - 1) / high * partsWide) { part in
            let (row, column) = (part / partsWide * high, part % partsWide * wide)
            TiledProduct.multiply(
                rows: min(high, inputs - row), columns: min(wide, outputs - column), depth: rows,
                .init(transposing: input + row, leading: inputs), .init(outputGradient + column, leading: outputs),
                into: weightGradient + row * outputs + column, leading: outputs, accumulates: true, context.buffers)
        }
    }

    private func addInputGradient(
        _ gradient: UnsafePointer<Float>, _ block: Int, _ transposedWeights: UnsafePointer<Float>, _ target: InputGradient?
    ) {
        guard let target else { return }
        let rows = blocks[block]
        TiledProduct.multiply(
            rows: rows.count, columns: inputs, depth: outputs,
            .init(gradient, leading: outputs), .init(panels: transposedWeights, depth: outputs),
            into: target.values + rows.lowerBound * inputs, leading: inputs, accumulates: target.accumulates, context.buffers)
        target.finish(block, rows)
    }
}
