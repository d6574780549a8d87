import Kernels

/// The weights of convolutions as their kernels read them, and the factors of batch norms, kept from one evaluation pass to the next. Passes that
/// are given it may not see other weights or running statistics than the first one did: whoever changes them makes a new one.
public final class FrozenWeights {
    private struct Key: Hashable {
        var convolution: ObjectIdentifier
        /// These tell the kernels that a convolution has for different sizes apart: patches have a type of their own, and what Winograd's take
        /// follows from their tile.
        var kernel: ObjectIdentifier
        var count: Int
    }

    private struct NormKey: Hashable {
        var norm: ObjectIdentifier
        var resolutionIndex: Int
    }

    private var prepared: [Key: UnsafeMutablePointer<Float>] = [:]
    private var normalizations: [NormKey: ChannelNormalization] = [:]

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

    func normalization(_ norm: ResolutionAwareBatchNorm, resolutionIndex: Int, _ make: () -> ChannelNormalization) -> ChannelNormalization {
        let key = NormKey(norm: ObjectIdentifier(norm), resolutionIndex: resolutionIndex)
        if let found = normalizations[key] { return found }
        let made = make()
        normalizations[key] = made
        return made
    }
}
