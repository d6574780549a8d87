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
        var layout: PreparedLayout
    }

    private struct Packed {
        var bytes: UnsafeMutableRawPointer
        /// The owner of the memory.
        var pool: BufferPool
    }

    private let lock = NSLock()
    private var packed: [ConvolutionKey: Packed] = [:]
    private var normalizations: [ObjectIdentifier: ChannelNormalization] = [:]

    deinit {
        for (key, weights) in packed { weights.pool.give(weights.bytes, byteCount: key.layout.byteCount) }
    }

    /// The weights of a layer for a kernel. The memory stays valid while this object lives.
    func weights(of layer: Convolution2D, for kernel: ConvolutionKernel) -> UnsafeRawPointer {
        let key = ConvolutionKey(layer: ObjectIdentifier(layer), layout: kernel.preparedLayout)
        return lock.withLock {
            if let found = packed[key] { return UnsafeRawPointer(found.bytes) }
            let pool = kernel.context.buffers
            let made = Packed(bytes: pool.take(byteCount: key.layout.byteCount), pool: pool)
            kernel.prepare(layer.weight.values, into: made.bytes)
            packed[key] = made
            return UnsafeRawPointer(made.bytes)
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
