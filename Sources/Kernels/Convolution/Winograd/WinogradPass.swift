/// A part of Winograd's products: some channels of the result at the positions of one group. It holds the transformed weights and, in a
/// backward pass, the transformed weight gradient.
struct WinogradPart {
    var channels: Range<Int>
    var group: Int
    var weights: UnsafeMutablePointer<Float>
    /// One matrix [channels × rows of the weights] per position of the group, `gradientStride` floats apart. Unused in a forward pass: the
    /// pointer then refers to no memory.
    var gradient: UnsafeMutablePointer<Float>
    var gradientStride: Int
}

/// The operations of a forward or backward pass on its parts and chunks. `WinogradParts` calls them from several threads for different
/// parts.
protocol WinogradPass {
    /// Transforms the weights of a part. Called before the part's first product.
    func prepare(_ part: WinogradPart)
    /// Transforms the images of a chunk. Called before the chunk's first product.
    func begin(_ chunk: WinogradChunk)
    /// Multiplies at one position of the part's group. `position` is the index in the group.
    func multiply(_ part: WinogradPart, _ position: Int, _ chunk: WinogradChunk)
    /// Transforms the results of a chunk to pixels. Called after the chunk's last product.
    func end(_ chunk: WinogradChunk)
    /// Completes the gradient of a part after its last product. Calls for the same channels never overlap.
    func finish(_ part: WinogradPart)
}

/// The forward pass: M = V U for each position, with V the transformed input [tiles × input channels] and U the transformed weights. Its
/// parts divide the output channels.
struct WinogradForward: WinogradPass {
    let convolution: WinogradConvolution
    let input: Rows
    /// [3, 3, input, output]; nil if the weights are already prepared.
    let weights: UnsafePointer<Float>?
    let output: UnsafeMutablePointer<Float>
    let finish: BlockFinisher

    func prepare(_ part: WinogradPart) {
        guard let weights else { return }
        convolution.transformForward(weights, part)
    }

    func begin(_ chunk: WinogradChunk) { convolution.tileRows.transformInputs(chunk.images, input, into: chunk.inputs) }

    func multiply(_ part: WinogradPart, _ position: Int, _ chunk: WinogradChunk) {
        let shape = convolution.shape
        let ofTile = convolution.position(position, part.group)
        convolution.context.winogradProducts.multiply(
            MatrixView(chunk.inputs.matrix(ofTile), rows: chunk.tiles, columns: shape.inputChannels),
            .packed(convolution.forwardLayout.matrix(position, of: part.weights)),
            into: ResultView(
                chunk.outputs.matrix(ofTile, channel: part.channels.lowerBound), rows: chunk.tiles, columns: part.channels.count,
                leading: shape.outputChannels),
            accumulates: false, convolution.context.buffers)
    }

    func end(_ chunk: WinogradChunk) { convolution.tileRows.writeOutputs(chunk.images, chunk.outputs, output, finish) }

    func finish(_ part: WinogradPart) {}
}

/// The backward pass: the exact adjoint of the forward pass. It uses U and needs no transform of rotated weights. With D the transformed
/// gradient of the output, dV = D Uᵀ and dU += Vᵀ D. Its parts divide the input channels; the weights of a part are Uᵀ.
struct WinogradBackward: WinogradPass {
    let convolution: WinogradConvolution
    let input: Rows
    let outputGradient: Rows
    /// [3, 3, output, input]; nil if the input's gradient is not needed.
    let transposedWeights: UnsafePointer<Float>?
    let weightGradient: UnsafeMutablePointer<Float>
    let inputGradient: InputGradient?

    func prepare(_ part: WinogradPart) {
        guard let transposedWeights else { return }
        convolution.transformBackward(transposedWeights, part)
    }

    func begin(_ chunk: WinogradChunk) {
        convolution.tileRows.transformInputs(chunk.images, input, into: chunk.inputs)
        convolution.tileRows.transformGradients(chunk.images, outputGradient, into: chunk.outputs)
    }

    /// Overwrites V with dV. The last use of V is dU.
    func multiply(_ part: WinogradPart, _ position: Int, _ chunk: WinogradChunk) {
        let (inputs, outputs) = (convolution.shape.inputChannels, convolution.shape.outputChannels)
        let (context, ofTile) = (convolution.context, convolution.position(position, part.group))
        let values = chunk.inputs.matrix(ofTile, channel: part.channels.lowerBound)
        let gradients = MatrixView(chunk.outputs.matrix(ofTile), rows: chunk.tiles, columns: outputs)
        context.winogradProducts.multiply(
            MatrixView(transposing: values, rows: part.channels.count, columns: chunk.tiles, leading: inputs), .matrix(gradients),
            into: ResultView(part.gradient + position * part.gradientStride, rows: part.channels.count, columns: outputs),
            accumulates: chunk.images.lowerBound > 0, context.buffers)
        guard inputGradient != nil else { return }
        context.winogradProducts.multiply(
            gradients, .packed(convolution.backwardLayout.matrix(position, of: part.weights)),
            into: ResultView(values, rows: chunk.tiles, columns: part.channels.count, leading: inputs), accumulates: false,
            context.buffers)
    }

    func end(_ chunk: WinogradChunk) {
        guard let inputGradient else { return }
        convolution.tileRows.writeInputGradients(chunk.images, chunk.inputs, inputGradient)
    }

    func finish(_ part: WinogradPart) { convolution.addWeightGradient(part, to: weightGradient) }
}
