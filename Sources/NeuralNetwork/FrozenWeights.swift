import Kernels

/// The weights of convolutions as their kernels read them, and the factors of batch norms, kept from one evaluation pass to the next. Passes that
/// are given it may not see other weights or running statistics than the first one did: whoever changes them makes a new one.
public final class FrozenWeights {
    private struct Key: Hashable {
        var convolution: ObjectIdentifier
        /// Kernel type and packed size identify which prepared weights belong to an image size.
        var kernel: ObjectIdentifier
        var count: Int
    }

    private struct NormKey: Hashable {
        var norm: ObjectIdentifier
        var resolutionIndex: Int
    }

    /// Each with the pool that its memory comes from.
    private var prepared: [Key: (values: UnsafeMutablePointer<Float>, pool: BufferPool)] = [:]
    private var normalizations: [NormKey: ChannelNormalization] = [:]

    public init() {}

    deinit {
        for (key, buffer) in prepared { buffer.pool.give(buffer.values, count: key.count) }
    }

    func prepared(_ convolution: Convolution2D, _ kernel: ConvolutionKernel) -> UnsafePointer<Float> {
        let key = Key(
            convolution: ObjectIdentifier(convolution), kernel: ObjectIdentifier(type(of: kernel)), count: kernel.preparedCount)
        if let found = prepared[key] { return UnsafePointer(found.values) }
        let pool = kernel.context.buffers
        let buffer = pool.take(key.count)
        kernel.prepare(convolution.weight.values, into: buffer)
        prepared[key] = (buffer, pool)
        return UnsafePointer(buffer)
    }

    func normalization(_ norm: ResolutionAwareBatchNorm, resolutionIndex: Int, _ make: () -> ChannelNormalization) -> ChannelNormalization {
        let key = NormKey(norm: ObjectIdentifier(norm), resolutionIndex: resolutionIndex)
        if let found = normalizations[key] { return found }
        let made = make()
        normalizations[key] = made
        return made
    }
}
