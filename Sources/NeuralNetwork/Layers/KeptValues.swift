import Kernels

/// What a training pass keeps in memory of a feature map until the backward pass, [N, H, W, C]: floats, or bfloat16 numbers in a context of
/// that precision. These are most of the memory of a step. The memory comes from the context's buffer pool.
final class KeptValues {
    let shape: Shape
    let context: KernelContext
    let matrix: StoredMatrix
    /// The floats; nil for bfloat16 numbers.
    let tensor: Tensor?
    private let memory: UnsafeMutableRawPointer?

    /// Memory for values in the precision of the context. It is not initialised.
    init(_ shape: Shape, _ context: KernelContext) {
        (self.shape, self.context) = (shape, context)
        switch context.precision {
        case .float32:
            let tensor = Tensor(shape, context)
            (matrix, memory) = (.float32(tensor.data), nil)
            self.tensor = tensor
        case .bfloat16:
            let memory = context.buffers.take(byteCount: StoredMatrix.byteCount(shape.count, .bfloat16))
            (matrix, self.memory) = (StoredMatrix(memory, .bfloat16), memory)
            tensor = nil
        }
    }

    /// Floats that are in memory in any case.
    init(_ tensor: Tensor) {
        (shape, context, self.tensor) = (tensor.shape, tensor.context, tensor)
        (matrix, memory) = (.float32(tensor.data), nil)
    }

    deinit {
        if let memory { context.buffers.give(memory, byteCount: StoredMatrix.byteCount(shape.count, .bfloat16)) }
    }

    /// The values of a tensor in the precision of the context.
    static func keeping(_ tensor: Tensor) -> KeptValues {
        if tensor.context.precision == .float32 { return KeptValues(tensor) }
        let kept = KeptValues(tensor.shape, tensor.context)
        kept.matrix.write(tensor.shape.pixels, channels: tensor.shape.channels, from: tensor.data, tensor.context.threads)
        return kept
    }

    /// The values as floats: those in memory, or a copy.
    func floats() -> Tensor {
        if let tensor { return tensor }
        let copy = Tensor(shape, context)
        context.threads.forEachBlock(shape.pixels, blockSize: Rows.blockSize) { [shape, matrix] rows in
            matrix.read(rows, channels: shape.channels, into: copy.data + rows.lowerBound * shape.channels)
        }
        return copy
    }

    /// The values as a matrix [pixels × channels]. The memory stays valid while this object lives.
    var rows: Rows {
        if let tensor { return .stored(tensor.data) }
        return .computed { [self] in matrix.read($0, channels: shape.channels, into: $1) }
    }
}
