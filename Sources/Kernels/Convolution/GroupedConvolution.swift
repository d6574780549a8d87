/// Grouped convolutions of NHWC images: channels are divided into groups, and each group is convolved apart. Weights are [kernel row,
/// kernel column, input channel of the group, output channel].
///
/// Groups of a few channels make poor matrix products. Neighbouring groups are therefore merged into slices of some 16 channels, which are
/// dense convolutions with zeros between the groups. Each slice is copied to scratch memory and computed there by the kernel of its shape.
struct GroupedConvolution: ConvolutionKernel {
    private let shape: ConvolutionShape
    let context: KernelContext
    private let sliceCount: Int
    /// Groups in a slice.
    private let sliceGroups: Int
    /// The dense convolution of a slice.
    private let slice: ConvolutionShape
    private let inner: any ConvolutionKernel

    /// The least number of channels of a slice: the width of a tile of the matrix products.
    private static let sliceChannels = 16

    init(_ shape: ConvolutionShape, groups: Int, keepsWeights: Bool, _ context: KernelContext) {
        precondition(shape.inputChannels % groups == 0 && shape.outputChannels % groups == 0, "\(groups) groups of \(shape)")
        self.shape = shape
        self.context = context
        let wanted = (Self.sliceChannels * groups + shape.outputChannels - 1) / shape.outputChannels
        let merged = (min(wanted, groups)...groups).first { groups % $0 == 0 } ?? groups
        sliceGroups = merged
        sliceCount = groups / merged
        var slice = shape
        slice.inputChannels = shape.inputChannels / sliceCount
        slice.outputChannels = shape.outputChannels / sliceCount
        self.slice = slice
        inner = ConvolutionKernels.kernel(for: slice, isDepthwise: false, keepsWeights: keepsWeights, context)
    }

    private var outputBlocks: RowBlocks { RowBlocks(images: shape.batch, rowsPerImage: shape.outputHeight * shape.outputWidth) }
    private var inputBlocks: RowBlocks { RowBlocks(images: shape.batch, rowsPerImage: shape.inputHeight * shape.inputWidth) }
    var forwardSlots: Int { outputBlocks.count }
    var backwardSlots: Int { inputBlocks.count }
    var preparedLayout: PreparedLayout { .slices(count: sliceCount, inner.preparedLayout) }

    func prepare(_ weights: UnsafePointer<Float>, into prepared: UnsafeMutableRawPointer) {
        let bytes = inner.preparedLayout.alignedByteCount
        context.threads.forEach(sliceCount) { index in
            withDenseWeights(weights, index) { inner.prepare($0, into: prepared + index * bytes) }
        }
    }

    func forward(input: Rows, prepared: UnsafeRawPointer, output: UnsafeMutablePointer<Float>, finish: BlockFinisher) {
        let bytes = inner.preparedLayout.alignedByteCount
        input.withAll(shape.inputPixels, channels: shape.inputChannels, context) { values in
            context.threads.forEach(sliceCount) { index in
                withSlice(values, index, pixels: shape.inputPixels, of: shape.inputChannels, slice.inputChannels) { part in
                    context.buffers.withScratch(shape.outputPixels * slice.outputChannels) { result in
                        inner.forward(input: .stored(part), prepared: prepared + index * bytes, output: result) { _, _, _ in }
                        let target = output + index * slice.outputChannels
                        for pixel in 0..<shape.outputPixels {
                            (target + pixel &* shape.outputChannels).update(
                                from: result + pixel &* slice.outputChannels, count: slice.outputChannels)
                        }
                    }
                }
            }
        }
        context.threads.forEach(outputBlocks) { finish($0, $1, 0..<shape.outputChannels) }
    }

    func backward(
        input: Rows, outputGradient: Rows, weights: UnsafePointer<Float>, weightGradient: UnsafeMutablePointer<Float>,
        inputGradient: InputGradient?
    ) {
        outputGradient.withAll(shape.outputPixels, channels: shape.outputChannels, context) { gradients in
            input.withAll(shape.inputPixels, channels: shape.inputChannels, context) { values in
                context.threads.forEach(sliceCount) { index in
                    backward(index, values, gradients, weights, weightGradient, inputGradient)
                }
            }
        }
        guard let inputGradient else { return }
        context.threads.forEach(inputBlocks, inputGradient.finish)
    }

    /// The backward pass of a slice.
    private func backward(
        _ index: Int, _ values: UnsafePointer<Float>, _ gradients: UnsafePointer<Float>, _ weights: UnsafePointer<Float>,
        _ weightGradient: UnsafeMutablePointer<Float>, _ inputGradient: InputGradient?
    ) {
        withSlice(values, index, pixels: shape.inputPixels, of: shape.inputChannels, slice.inputChannels) { part in
            withSlice(gradients, index, pixels: shape.outputPixels, of: shape.outputChannels, slice.outputChannels) { gradient in
                withDenseWeights(weights, index) { dense in
                    context.buffers.withScratch(slice.patchLength * slice.outputChannels) { denseGradient in
                        denseGradient.update(repeating: 0, count: slice.patchLength * slice.outputChannels)
                        context.buffers.withScratch(inputGradient == nil ? 0 : shape.inputPixels * slice.inputChannels) { result in
                            inner.backward(
                                input: .stored(part), outputGradient: .stored(gradient), weights: dense, weightGradient: denseGradient,
                                inputGradient: inputGradient.map { _ in InputGradient(result, accumulates: false) { _, _ in } })
                            if let inputGradient { write(result, index, to: inputGradient) }
                        }
                        forEachWeight(index) { stored, dense in weightGradient[stored] += denseGradient[dense] }
                    }
                }
            }
        }
    }

    private func write(_ result: UnsafePointer<Float>, _ index: Int, to target: InputGradient) {
        let channels = slice.inputChannels
        for pixel in 0..<shape.inputPixels {
            let values = target.values + (pixel &* shape.inputChannels &+ index &* channels)
            let part = result + pixel &* channels
            if target.accumulates {
                for channel in 0..<channels { values[channel] += part[channel] }
            } else {
                values.update(from: part, count: channels)
            }
        }
    }

    // MARK: - Slices

    /// Calls `body` with a copy of the channels of a slice, [pixels × part].
    private func withSlice(
        _ values: UnsafePointer<Float>, _ index: Int, pixels: Int, of channels: Int, _ part: Int, _ body: (UnsafePointer<Float>) -> Void
    ) {
        context.buffers.withScratch(pixels * part) { target in
            let source = values + index * part
            for pixel in 0..<pixels { (target + pixel &* part).update(from: source + pixel &* channels, count: part) }
            body(target)
        }
    }

    /// Calls `body` with the weights of a slice, with zeros between the groups.
    private func withDenseWeights(_ weights: UnsafePointer<Float>, _ index: Int, _ body: (UnsafePointer<Float>) -> Void) {
        let count = slice.patchLength * slice.outputChannels
        context.buffers.withScratch(count) { dense in
            dense.update(repeating: 0, count: count)
            forEachWeight(index) { stored, position in dense[position] = weights[stored] }
            body(dense)
        }
    }

    /// Calls `body(position in the stored weights, position in the dense weights)` for all weights of a slice.
    @inline(__always)
    private func forEachWeight(_ index: Int, _ body: (Int, Int) -> Void) {
        let (inputs, outputs) = (slice.inputChannels / sliceGroups, slice.outputChannels / sliceGroups)
        for tap in 0..<shape.kernel * shape.kernel {
            for input in 0..<inputs {
                let stored = (tap &* inputs &+ input) &* shape.outputChannels &+ index &* slice.outputChannels
                for group in 0..<sliceGroups {
                    let row = tap &* slice.inputChannels &+ group &* inputs &+ input
                    let dense = row &* slice.outputChannels &+ group &* outputs
                    for output in 0..<outputs { body(stored &+ group &* outputs &+ output, dense &+ output) }
                }
            }
        }
    }
}
