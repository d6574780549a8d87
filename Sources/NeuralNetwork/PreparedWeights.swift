import Foundation
import Kernels

/// Weights in the order in which convolution kernels read them, and the factors of batch norms, prepared when a pass first needs them and
/// kept for later passes. A `FrozenNetwork` owns them. Its values never change, so what was prepared never becomes stale.
///
/// Thread-safe: passes can run at the same time.
final class PreparedWeights: @unchecked Sendable {
    /// A layer has prepared weights for each layout: which kernel a convolution uses depends on the size of its input.
    private struct ConvolutionKey: Hashable {
        var layer: ObjectIdentifier
        /// Kernel type and packed size identify the layout.
        var kernel: ObjectIdentifier
        var count: Int
    }

    private struct Packed {
        var values: UnsafeMutablePointer<Float>
        var count: Int
        /// The owner of the memory.
        var pool: BufferPool
    }

    private let lock = NSLock()
    private var packed: [ConvolutionKey: Packed] = [:]
    private var normalizations: [ObjectIdentifier: ChannelNormalization] = [:]

    deinit {
        for weights in packed.values { weights.pool.give(weights.values, count: weights.count) }
    }

    /// The weights of a layer for a kernel. The memory stays valid while this object lives.
    func weights(of layer: Convolution2D, for kernel: ConvolutionKernel) -> UnsafePointer<Float> {
        let key = ConvolutionKey(layer: ObjectIdentifier(layer), kernel: ObjectIdentifier(type(of: kernel)), count: kernel.preparedCount)
        return lock.withLock {
            if let found = packed[key] { return UnsafePointer(found.values) }
            let pool = kernel.context.buffers
            let made = Packed(values: pool.take(kernel.preparedCount), count: kernel.preparedCount, pool: pool)
            kernel.prepare(layer.weight.values, into: made.values)
            packed[key] = made
            return UnsafePointer(made.values)
        }
    }

    /// The normalisation of one copy of a batch norm, made once.
    func normalization(of copy: BatchNormCopy, _ make: () -> ChannelNormalization) -> ChannelNormalization {
        lock.withLock {
            if let found = normalizations[ObjectIdentifier(copy)] { return found }
            let made = make()
            normalizations[ObjectIdentifier(copy)] = made
            return made
        }
    }
}
