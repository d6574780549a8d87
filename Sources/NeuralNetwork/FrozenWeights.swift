import Kernels

/// The weights of convolutions as their kernels read them, kept from one evaluation pass to the next. Passes that are given it may not see
/// other weights than the first one did: whoever changes them makes a new one.
public final class FrozenWeights {
    private struct Key: Hashable {
        var convolution: ObjectIdentifier
        /// These tell the kernels that a convolution has for different sizes apart: patches have a type of their own, and what Winograd's take
        /// follows from their tile.
        var kernel: ObjectIdentifier
        var count: Int
    }

    private var prepared: [Key: UnsafeMutablePointer<Float>] = [:]

    public init() {}

    deinit {
        for (key, buffer) in prepared { BufferPool.shared.give(buffer, count: key.count) }
    }

    func prepared(_ convolution: Convolution2D, _ kernel: ConvolutionKernel) -> UnsafePointer<Float> {
        let key = Key(
            convolution: ObjectIdentifier(convolution), kernel: ObjectIdentifier(type(of: kernel)), count: kernel.preparedCount)
        if let found = prepared[key] { return UnsafePointer(found) }
        let buffer = BufferPool.shared.take(key.count)
        kernel.prepare(convolution.weight.values, into: buffer)
        prepared[key] = buffer
        return UnsafePointer(buffer)
    }
}
