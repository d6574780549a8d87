/// A part of Winograd's products: some channels of the result, at the positions of one group. It has the transformed weights that its
/// products read and, in a backward pass, the weights' transformed gradient.
struct WinogradPart {
    var channels: Range<Int>
    var group: Int
    var weights: UnsafeMutablePointer<Float>
    /// For each position of the group a matrix [channels × rows of the weights], `gradientStride` floats apart. A forward pass has none:
    /// nothing lies behind the pointer.
    var gradient: UnsafeMutablePointer<Float>
    var gradientStride: Int
}

/// What a forward or a backward pass does with its parts and chunks. `WinogradParts` calls it, from several threads for different parts.
protocol WinogradPass {
    /// Transforms the weights of a part, before its first product.
    func prepare(_ part: WinogradPart)
    /// Transforms the images of a chunk, before its first product.
    func begin(_ chunk: WinogradChunk)
    /// Multiplies at one position of the part's group, counted in the group.
    func multiply(_ part: WinogradPart, _ position: Int, _ chunk: WinogradChunk)
    /// Transforms the results of a chunk back, after its last product.
    func end(_ chunk: WinogradChunk)
    /// Completes the gradient of a part, after its last product. Calls for the same channels come one after another.
    func finish(_ part: WinogradPart)
}

/// Forward: M = V U for each position, V the transformed input [tiles × input channels], U the transformed weights. A part is one of the
/// output channels.
struct WinogradForward: WinogradPass {
    let convolution: WinogradConvolution
    let input: Rows
    /// [3, 3, input, output]; nil where they were prepared.
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
        convolution.context.products.multiply(
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

/// Backward: the exact adjoint of the forward pass, which needs U and no transform of turned weights. With D the transformed gradient of
/// the output, dV = D Uᵀ and dU += Vᵀ D. A part is one of the input channels; its weights are Uᵀ.
struct WinogradBackward: WinogradPass {
    let convolution: WinogradConvolution
    let input: Rows
    let outputGradient: Rows
    /// [3, 3, output, input]; nil where no gradient of the input is wanted.
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

    /// dV takes the place of V, whose last use is dU.
    func multiply(_ part: WinogradPart, _ position: Int, _ chunk: WinogradChunk) {
        let (inputs, outputs) = (convolution.shape.inputChannels, convolution.shape.outputChannels)
        let (context, ofTile) = (convolution.context, convolution.position(position, part.group))
        let values = chunk.inputs.matrix(ofTile, channel: part.channels.lowerBound)
        let gradients = MatrixView(chunk.outputs.matrix(ofTile), rows: chunk.tiles, columns: outputs)
        context.products.multiply(
            MatrixView(transposing: values, rows: part.channels.count, columns: chunk.tiles, leading: inputs), .matrix(gradients),
            into: ResultView(part.gradient + position * part.gradientStride, rows: part.channels.count, columns: outputs),
            accumulates: chunk.images.lowerBound > 0, context.buffers)
        guard inputGradient != nil else { return }
        context.products.multiply(
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
