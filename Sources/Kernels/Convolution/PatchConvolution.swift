/// Dense convolutions by im2col: products of blocks of the patch matrix with the weights. Images are NHWC. Weights are [kernel row, kernel
/// column, input channel, output channel].
///
/// Computed operands are written to scratch memory first, in a backward pass those of a few images at a time.
struct PatchConvolution: ConvolutionKernel {
    private let shape: ConvolutionShape
    let context: KernelContext

    /// The maximum size of a patch block in floats (1 MiB). Blocks stay in the second-level cache between gathering and use.
    private static let blockFloats = 1 << 18
    /// The minimum (if the batch has as many) and maximum number of pixels of a block.
    private static let minimumBlock = 64
    private static let maximumBlock = 1024
    /// The number of blocks that keeps the threads busy.
    private static let enoughBlocks = 8

    /// Images that a backward pass processes at a time; nil for as many as little memory holds.
    private let imagesAtOnce: Int?

    /// - Parameters:
    ///   - shape: of the convolution.
    ///   - context: what the kernel computes with.
    ///   - imagesAtOnce: images that a backward pass processes at a time; nil for as many as little memory holds.
    init(_ shape: ConvolutionShape, _ context: KernelContext, imagesAtOnce: Int? = nil) {
        self.shape = shape
        self.context = context
        self.imagesAtOnce = imagesAtOnce
    }

    /// The images that a backward pass processes at a time.
    private var groups: [Range<Int>] {
        if let imagesAtOnce { return ImageGroups(shape.batch, imagesAtOnce: imagesAtOnce).ranges }
        let imageFloats = max(
            shape.outputHeight * shape.outputWidth * shape.outputChannels, shape.inputHeight * shape.inputWidth * shape.inputChannels)
        return ImageGroups(shape.batch, imageFloats: imageFloats).ranges
    }

    private var inputBlocks: RowBlocks { RowBlocks(images: shape.batch, rowsPerImage: shape.inputHeight * shape.inputWidth) }
    var forwardSlots: Int { outputBlocks.count }
    var backwardSlots: Int { inputBlocks.count }
    var preparedLayout: PreparedLayout { .matrix(weightLayout) }
    private var weightLayout: PackedLayout {
        context.products.packedLayout(depth: shape.patchLength, columns: shape.outputChannels)
    }

    func prepare(_ weights: UnsafePointer<Float>, into prepared: UnsafeMutableRawPointer) {
        weightLayout.pack(weights, into: prepared, context.threads)
    }

    func forward(input: Rows, prepared: UnsafeRawPointer, output: UnsafeMutablePointer<Float>, finish: BlockFinisher) {
        input.withAll(shape.inputPixels, channels: shape.inputChannels, context) {
            forward(input: $0, prepared: prepared, output: output, accumulates: false, finish: finish)
        }
    }

    func backward(
        input: Rows, outputGradient: Rows, weights: UnsafePointer<Float>, weightGradient: UnsafeMutablePointer<Float>,
        inputGradient: InputGradient?
    ) {
        let groups = groups
        if groups.count <= 1 {
            return backwardAtOnce(
                input: input, outputGradient: outputGradient, weights: weights, weightGradient: weightGradient, inputGradient: inputGradient
            )
        }
        for images in groups {
            var part = shape
            part.batch = images.count
            let inputRow = images.lowerBound * shape.inputHeight * shape.inputWidth
            let outputRow = images.lowerBound * shape.outputHeight * shape.outputWidth
            PatchConvolution(part, context).backwardAtOnce(
                input: input.from(inputRow, channels: shape.inputChannels),
                outputGradient: outputGradient.from(outputRow, channels: shape.outputChannels),
                weights: weights, weightGradient: weightGradient,
                inputGradient: inputGradient?.from(inputRow, channels: shape.inputChannels))
        }
    }

    private func backwardAtOnce(
        input: Rows, outputGradient: Rows, weights: UnsafePointer<Float>, weightGradient: UnsafeMutablePointer<Float>,
        inputGradient: InputGradient?
    ) {
        outputGradient.withAll(shape.outputPixels, channels: shape.outputChannels, context) { gradient in
            input.withAll(shape.inputPixels, channels: shape.inputChannels, context) {
                addWeightGradient(input: $0, outputGradient: gradient, to: weightGradient)
            }
            guard let inputGradient else { return }
            writeInputGradient(
                outputGradient: gradient, weights: weights, into: inputGradient.values, accumulates: inputGradient.accumulates)
            context.threads.forEach(inputBlocks, inputGradient.finish)
        }
    }

    /// output ← input ∗ weights (+ output if `accumulates`).
    private func forward(
        input: UnsafePointer<Float>, prepared: UnsafeRawPointer, output: UnsafeMutablePointer<Float>, accumulates: Bool,
        finish: BlockFinisher
    ) {
        let outputs = shape.outputChannels
        let weights = PackedOperand(prepared, weightLayout)
        let parts = patchParts
        func multiply(_ pixels: Range<Int>, _ columns: Range<Int>) {
            let target = ResultView(output, rows: pixels, columns: columns, leading: outputs)
            context.buffers.withScratch(pixels.count * parts[0].count) { patches in
                for part in parts {
                    Patches.gather(input, shape, pixels: pixels, columns: part, into: patches)
                    context.products.multiply(
                        MatrixView(patches, rows: pixels.count, columns: part.count),
                        .packed(weights.from(row: part.lowerBound, column: columns.lowerBound)), into: target,
                        accumulates: accumulates || part.lowerBound > 0, context.buffers)
                }
            }
        }
        ProductBlocks(outputBlocks, columns: outputs, context.products.blocking).forEach(context.threads, multiply, finish: finish)
    }

    /// The columns of the patches, in parts of whole kernel rows. The parts are multiplied one after another, so that a block of deep
    /// patches stays in cache. They depend on the layer alone: the sums of an image are the same in any batch.
    private var patchParts: [Range<Int>] {
        let rowLength = shape.kernel * shape.inputChannels
        var rowsAtOnce = max(1, min(shape.kernel, Self.blockFloats / (Self.minimumBlock * rowLength)))
        // A part begins with a whole pair of bfloat16 numbers.
        if context.precision == .bfloat16, rowsAtOnce * rowLength % 2 != 0 { rowsAtOnce = min(rowsAtOnce + 1, shape.kernel) }
        return stride(from: 0, to: shape.kernel, by: rowsAtOnce).map {
            $0 * rowLength..<min($0 + rowsAtOnce, shape.kernel) * rowLength
        }
    }

    /// Blocks of output pixels. They are small enough for the patches to stay in cache, and numerous enough to keep the threads busy.
    private var outputBlocks: RowBlocks {
        RowBlocks(
            images: shape.batch, rowsPerImage: shape.outputHeight * shape.outputWidth,
            blockRows: max(
                Self.minimumBlock,
                min(Self.maximumBlock, Self.blockFloats / shape.patchLength, shape.outputPixels / Self.enoughBlocks)))
    }

    /// inputGradient ← the gradient of the input, from the gradient of the output (+ inputGradient if `accumulates`).
    private func writeInputGradient(
        outputGradient: UnsafePointer<Float>, weights: UnsafePointer<Float>, into inputGradient: UnsafeMutablePointer<Float>,
        accumulates: Bool
    ) {
        if shape.stride == 1 {
            let convolution = PatchConvolution(shape.inputGradientShape, context)
            context.buffers.withScratch(shape.patchLength * shape.outputChannels) { turned in
                turnWeights(weights, into: turned)
                context.buffers.withScratchBytes(convolution.weightLayout.byteCount) {
                    convolution.prepare(turned, into: $0)
                    convolution.forward(input: outputGradient, prepared: $0, output: inputGradient, accumulates: accumulates) { _, _, _ in }
                }
            }
            return
        }
        let imageFloats = shape.inputHeight * shape.inputWidth * shape.inputChannels
        let pixelsPerImage = shape.outputHeight * shape.outputWidth
        let blockPixels = min(pixelsPerImage, max(1, Self.blockFloats / shape.patchLength))
        let layout = context.products.packedLayout(depth: shape.outputChannels, columns: shape.patchLength)
        layout.withPacked(transposing: weights, context) { transposed in
            // Patches of a strided convolution overlap in the input, so only one task scatters into each image.
            context.threads.forEach(shape.batch) { image in
                if !accumulates { (inputGradient + image * imageFloats).update(repeating: 0, count: imageFloats) }
                context.buffers.withScratch(blockPixels * shape.patchLength) { patches in
                    for start in stride(from: 0, to: pixelsPerImage, by: blockPixels) {
                        let first = image * pixelsPerImage + start
                        let pixels = first..<first + min(blockPixels, pixelsPerImage - start)
                        context.products.multiply(
                            MatrixView(outputGradient + first * shape.outputChannels, rows: pixels.count, columns: shape.outputChannels),
                            .packed(transposed), into: ResultView(patches, rows: pixels.count, columns: shape.patchLength),
                            accumulates: false, context.buffers)
                        Patches.scatterAdd(patches, shape, pixels: pixels, into: inputGradient)
                    }
                }
            }
        }
    }

    /// weightGradient += the gradient of the weights.
    ///
    /// Large weights are split into slices of patch columns; one task sums each slice over all pixels. For small weights, the pixels are
    /// split into a fixed number of ranges with their own sums, which are added in order. Neither split depends on the number of threads.
    private func addWeightGradient(
        input: UnsafePointer<Float>, outputGradient: UnsafePointer<Float>, to weightGradient: UnsafeMutablePointer<Float>
    ) {
        if shape.outputPixels == 0 { return }
        let count = shape.patchLength * shape.outputChannels
        if count > PartialSums.maximumCount {
            let slices = columnSlices
            context.threads.forEach(slices.count) { index in
                addWeightGradient(
                    input, outputGradient, pixels: 0..<shape.outputPixels, columns: slices[index],
                    into: weightGradient + slices[index].lowerBound * shape.outputChannels)
            }
            return
        }
        let pixelsPerPart = (shape.outputPixels + PartialSums.parts - 1) / PartialSums.parts
        PartialSums.add(PartialSums.parts, count: count, to: weightGradient, context) { part, sum in
            sum.update(repeating: 0, count: count)
            let start = min(part * pixelsPerPart, shape.outputPixels)
            let pixels = start..<min(start + pixelsPerPart, shape.outputPixels)
            addWeightGradient(input, outputGradient, pixels: pixels, columns: 0..<shape.patchLength, into: sum)
        }
    }

    /// Adds the contribution of `pixels` to the rows `columns` of the weight gradient.
    private func addWeightGradient(
        _ input: UnsafePointer<Float>, _ outputGradient: UnsafePointer<Float>,
        pixels: Range<Int>, columns: Range<Int>, into sum: UnsafeMutablePointer<Float>
    ) {
        let outputs = shape.outputChannels
        let blockPixels = max(Self.minimumBlock, Self.blockFloats / columns.count)
        context.buffers.withScratch(min(blockPixels, pixels.count) * columns.count) { patches in
            for start in stride(from: pixels.lowerBound, to: pixels.upperBound, by: blockPixels) {
                let block = start..<min(start + blockPixels, pixels.upperBound)
                Patches.gather(input, shape, pixels: block, columns: columns, into: patches)
                context.products.multiply(
                    MatrixView(transposing: patches, rows: columns.count, columns: block.count),
                    .matrix(MatrixView(outputGradient + block.lowerBound * outputs, rows: block.count, columns: outputs)),
                    into: ResultView(sum, rows: columns.count, columns: outputs), accumulates: true, context.buffers)
            }
        }
    }

    /// Slices of the patch columns: equal parts of one kernel row each. There are enough slices for the threads as long as they remain wide
    /// enough.
    private var columnSlices: [Range<Int>] {
        let blocking = context.products.blocking
        let rowLength = shape.kernel * shape.inputChannels
        let wanted = (blocking.patchSlices + shape.kernel - 1) / shape.kernel
        let partsPerRow = max(1, min(wanted, rowLength / blocking.patchSliceColumns))
        return (0..<shape.kernel * partsPerRow).map { slice in
            let (row, part) = (slice / partsPerRow, slice % partsPerRow)
            let start = row * rowLength + part * rowLength / partsPerRow
            return start..<row * rowLength + (part + 1) * rowLength / partsPerRow
        }
    }

    /// turned[k−1−r, k−1−s, output, input] ← weights[r, s, input, output].
    private func turnWeights(_ weights: UnsafePointer<Float>, into turned: UnsafeMutablePointer<Float>) {
        let (inputs, outputs) = (shape.inputChannels, shape.outputChannels)
        let positions = shape.kernel * shape.kernel
        context.threads.forEach(positions) { position in
            Elementwise.transpose(
                weights + position * inputs * outputs, rows: inputs, columns: outputs,
                into: turned + (positions - 1 - position) * inputs * outputs)
        }
    }
}
