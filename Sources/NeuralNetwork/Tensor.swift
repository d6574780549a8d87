import Kernels

/// The sizes of a batch of images, NHWC. A matrix of logits or features is [N, 1, 1, C].
public struct Shape: Equatable, Sendable, CustomStringConvertible {
    public var batch: Int
    public var height: Int
    public var width: Int
    public var channels: Int

    public init(batch: Int, height: Int = 1, width: Int = 1, channels: Int) {
        self.batch = batch
        self.height = height
        self.width = width
        self.channels = channels
    }

    /// Rows of the matrix [N · H · W, C] that the same memory is.
    public var pixels: Int { batch * height * width }
    public var count: Int { pixels * channels }
    public var description: String { "[N \(batch), H \(height), W \(width), C \(channels)]" }
}

/// A dense batch of floats in NHWC order. The memory comes from the context's buffer pool and returns to it with the last reference; it is
/// not initialised. Layers compute on the context of their input.
public final class Tensor {
    public let shape: Shape
    public let data: UnsafeMutablePointer<Float>
    public let context: KernelContext

    public init(_ shape: Shape, _ context: KernelContext) {
        self.shape = shape
        self.context = context
        data = context.buffers.take(shape.count)
    }

    /// A tensor with the given elements.
    public convenience init(_ shape: Shape, _ values: [Float], _ context: KernelContext) {
        precondition(values.count == shape.count, "\(values.count) values for the shape \(shape)")
        self.init(shape, context)
        values.withUnsafeBufferPointer { data.update(from: $0.baseAddress!, count: values.count) }
    }

    deinit {
        context.buffers.give(data, count: shape.count)
    }

    /// A copy of the elements.
    public var values: [Float] { Array(UnsafeBufferPointer(start: data, count: shape.count)) }

    /// The elements of image `index`.
    public func image(_ index: Int) -> UnsafeMutablePointer<Float> {
        data + index * (shape.height * shape.width * shape.channels)
    }

    /// The images `indices`, in that order, copied into a new tensor.
    public func gathering(_ indices: [Int]) -> Tensor {
        var gathered = shape
        gathered.batch = indices.count
        let result = Tensor(gathered, context)
        let imageFloats = shape.height * shape.width * shape.channels
        for (row, index) in indices.enumerated() {
            result.image(row).update(from: image(index), count: imageFloats)
        }
        return result
    }
}
