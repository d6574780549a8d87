/// 1×1 convolutions of stride 1: one product over all pixels of the batch, a block of rows at a time.
struct PointwiseConvolution: ConvolutionKernel {
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
    private static let largeWeights = 1 << 19

    init(_ shape: ConvolutionShape) {
        precondition(shape.isPointwise, "no pointwise convolution: \(shape)")
        rows = shape.outputPixels
        inputs = shape.inputChannels
        outputs = shape.outputChannels
        // With fewer rows, packing the weights dominates the product; with more, small sub-batches would not occupy all threads.
        let least = inputs * outputs >= Self.largeWeights ? 192 : 96
        blocks = RowBlocks(
            images: shape.batch, rowsPerImage: shape.outputHeight * shape.outputWidth,
            blockRows: max(least, min(512, Self.blockFloats / (inputs + outputs), rows / 8)))
    }

    var forwardSlots: Int { blocks.count }
    var backwardSlots: Int { blocks.count }

    func forward(input: Rows, weights: UnsafePointer<Float>, output: UnsafeMutablePointer<Float>, finish: RowFinisher) {
        blocks.forEach { number, block in
            input.withRows(block, channels: inputs) {
                MatrixProduct.multiply(
                    rows: block.count, columns: outputs, depth: inputs, $0, leading: inputs, weights, leading: outputs,
                    into: output + block.lowerBound * outputs, leading: outputs)
            }
            finish(number, block)
        }
    }

    func backward(
        input: Rows, outputGradient: Rows, weights: UnsafePointer<Float>, weightGradient: UnsafeMutablePointer<Float>,
        inputGradient: InputGradient?
    ) {
        if rows == 0 { return }
        if inputs * outputs <= Self.smallWeights {
            backwardInOneSweep(input, outputGradient, weights, weightGradient, inputGradient)
        } else {
            backwardInTwoSweeps(input, outputGradient, weights, weightGradient, inputGradient)
        }
    }

    /// A block's gradient, input and input gradient are all used while they are in cache.
    private func backwardInOneSweep(
        _ input: Rows, _ outputGradient: Rows, _ weights: UnsafePointer<Float>,
        _ weightGradient: UnsafeMutablePointer<Float>, _ inputGradient: InputGradient?
    ) {
        let count = inputs * outputs
        let ranges = min(Self.rangeCount, blocks.count)
        BufferPool.withScratch(ranges * count) { sums in
            Parallel.forEach(ranges) { range in
                let sum = sums + range * count
                let firstBlock = range * blocks.count / ranges
                for block in firstBlock..<(range + 1) * blocks.count / ranges {
                    let rows = blocks[block]
                    outputGradient.withRows(rows, channels: outputs) { gradient in
                        addInputGradient(gradient, block, weights, inputGradient)
                        input.withRows(rows, channels: inputs) {
                            MatrixProduct.multiply(
                                rows: inputs, columns: outputs, depth: rows.count, $0, leading: inputs, transposedA: true,
                                gradient, leading: outputs, into: sum, leading: outputs, beta: block == firstBlock ? 0 : 1)
                        }
                    }
                }
            }
            for range in 0..<ranges { Elementwise.add(UnsafePointer(sums) + range * count, to: weightGradient, count: count) }
        }
    }

    /// Large weights have few rows: gradient and input are written out, and the weight gradient is split by input channels.
    private func backwardInTwoSweeps(
        _ input: Rows, _ outputGradient: Rows, _ weights: UnsafePointer<Float>,
        _ weightGradient: UnsafeMutablePointer<Float>, _ inputGradient: InputGradient?
    ) {
        BufferPool.withScratch(rows * outputs) { gradients in
            blocks.forEach { number, block in
                let gradient = gradients + block.lowerBound * outputs
                outputGradient.read(block, channels: outputs, into: gradient)
                addInputGradient(gradient, number, weights, inputGradient)
            }
            input.withAll(rows, channels: inputs) { values in
                Parallel.forEachBlock(inputs, blockSize: max(64, (inputs / 8 + 7) / 8 * 8)) { slice in
                    MatrixProduct.multiply(
                        rows: slice.count, columns: outputs, depth: rows, values + slice.lowerBound, leading: inputs,
                        transposedA: true, gradients, leading: outputs, into: weightGradient + slice.lowerBound * outputs,
                        leading: outputs, beta: 1)
                }
            }
        }
    }

    private func addInputGradient(
        _ gradient: UnsafePointer<Float>, _ block: Int, _ weights: UnsafePointer<Float>, _ target: InputGradient?
    ) {
        guard let target else { return }
        let rows = blocks[block]
        MatrixProduct.multiply(
            rows: rows.count, columns: inputs, depth: outputs, gradient, leading: outputs, weights, leading: outputs,
            transposedB: true, into: target.values + rows.lowerBound * inputs, leading: inputs,
            beta: target.accumulates ? 1 : 0)
        target.finish(block, rows)
    }
}
