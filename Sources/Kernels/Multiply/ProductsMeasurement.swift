import Dispatch

/// The result of a measurement: the speed of each implementation of products on this processor, and the fastest one.
public struct ProductsChoice: Codable, Sendable {
    /// The fastest implementation.
    public let fastest: ProductsKind
    /// The speed of each implementation on the measured shapes in GFLOP/s. The count is two operations per multiply-add of the direct
    /// convolution, forward and backward, on all threads.
    public let gigaFLOPsPerSecond: [ProductsKind: Double]
    /// The number of threads of the measurement.
    public let threadCount: Int
    /// The duration of the measurement in seconds.
    public let seconds: Double

    /// Creates a result from stored or measured values.
    public init(fastest: ProductsKind, gigaFLOPsPerSecond: [ProductsKind: Double], threadCount: Int, seconds: Double) {
        self.fastest = fastest
        self.gigaFLOPsPerSecond = gigaFLOPsPerSecond
        self.threadCount = threadCount
        self.seconds = seconds
    }

    /// The speeds, fastest first: "tiles 164 GFLOP/s, openblas 131 GFLOP/s".
    public var rates: String {
        ([fastest] + ProductsKind.allCases.filter { $0 != fastest })
            .map { "\($0.rawValue) \(Int((gigaFLOPsPerSecond[$0] ?? 0).rounded())) GFLOP/s" }
            .joined(separator: ", ")
    }
}

/// Measures the implementations of products on a few convolutions that represent a ResNet-50, a ResNet-18 and a MobileNetV2. The result
/// depends on the machine and on its other load. A program measures once, and all ranks of a job must use the same result.
public enum ProductsMeasurement {
    private struct Layer {
        var size: Int
        var inputs: Int
        var outputs: Int
        var kernel = 1
        var stride = 1

        func shape(batch: Int) -> ConvolutionShape {
            ConvolutionShape(
                batch: batch, inputHeight: size, inputWidth: size, inputChannels: inputs, outputChannels: outputs, kernel: kernel,
                stride: stride, padding: kernel / 2)
        }
    }

    /// 1×1 convolutions of ResNet-50 and MobileNetV2, and 3×3 convolutions of ResNets: with Winograd, and strided.
    private static let layers = [
        Layer(size: 56, inputs: 64, outputs: 256), Layer(size: 14, inputs: 1024, outputs: 256), Layer(size: 28, inputs: 192, outputs: 32),
        Layer(size: 56, inputs: 64, outputs: 64, kernel: 3), Layer(size: 14, inputs: 256, outputs: 256, kernel: 3),
        Layer(size: 28, inputs: 128, outputs: 128, kernel: 3, stride: 2),
    ]
    /// Images per batch: enough for several tasks per thread, few enough for a fraction of a second.
    private static let batch = 4
    /// The maximum number of repetitions per layer. One run before them warms up caches and buffers.
    private static let repetitions = 3
    /// The time in seconds after which no repetition starts. Each layer has at least one repetition.
    private static let budgetSeconds = 1.0

    /// Runs the measurement on the threads of `context`. Takes 0.3 to 1.5 seconds.
    public static func run(_ context: KernelContext) -> ProductsChoice {
        let start = DispatchTime.now().uptimeNanoseconds
        func elapsed() -> Double { Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9 }
        let contexts = ProductsKind.allCases.map { context.with(products: $0) }
        var seconds = [ProductsKind: Double]()
        var flops = 0.0
        for layer in layers {
            let trial = Trial(layer.shape(batch: batch))
            flops += trial.flops
            var best = [ProductsKind: Double]()
            for context in contexts { trial.run(context) }
            for repetition in 0..<repetitions where repetition == 0 || elapsed() < budgetSeconds {
                // Alternate between implementations, so that a drifting processor clock affects both alike.
                for context in contexts {
                    let begin = elapsed()
                    trial.run(context)
                    best[context.products.kind] = min(best[context.products.kind] ?? .infinity, elapsed() - begin)
                }
            }
            for (kind, time) in best { seconds[kind, default: 0] += time }
        }
        let fastest = fastest(seconds)
        return ProductsChoice(
            fastest: fastest, gigaFLOPsPerSecond: seconds.mapValues { flops / $0 / 1e9 }, threadCount: context.threads.count,
            seconds: elapsed())
    }

    /// The relative difference below which a result is noise. The choice is then the tiles, which finish results while they are in cache.
    private static let noise = 0.05

    static func fastest(_ seconds: [ProductsKind: Double]) -> ProductsKind {
        guard let tiles = seconds[.tiles], let openblas = seconds[.openblas] else { return .openblas }
        return openblas < (1 - noise) * tiles ? .openblas : .tiles
    }

    /// The forward and backward pass of one convolution.
    private final class Trial {
        private let shape: ConvolutionShape
        private var input: [Float]
        private var output: [Float]
        private var weights: [Float]
        private var weightGradient: [Float]
        private var inputGradient: [Float]

        init(_ shape: ConvolutionShape) {
            self.shape = shape
            input = [Float](repeating: 0.5, count: shape.inputPixels * shape.inputChannels)
            output = [Float](repeating: 0, count: shape.outputPixels * shape.outputChannels)
            weights = [Float](repeating: 0.1, count: shape.patchLength * shape.outputChannels)
            weightGradient = weights
            inputGradient = input
        }

        /// Two operations per multiply-add. The forward pass has one product, the backward pass two.
        var flops: Double { 6 * Double(shape.outputPixels) * Double(shape.patchLength) * Double(shape.outputChannels) }

        func run(_ context: KernelContext) {
            let kernel = ConvolutionKernels.kernel(for: shape, isDepthwise: false, keepsWeights: false, context)
            input.withUnsafeBufferPointer { input in
                inputGradient.withUnsafeMutableBufferPointer { inputGradient in
                    guard let input = input.baseAddress, let inputGradient = inputGradient.baseAddress else { return }
                    kernel.forward(input: .stored(input), weights: weights, output: &output) { _, _, _ in }
                    output.withUnsafeBufferPointer { gradient in
                        guard let gradient = gradient.baseAddress else { return }
                        kernel.backward(
                            input: .stored(input), outputGradient: .stored(gradient), weights: weights, weightGradient: &weightGradient,
                            inputGradient: InputGradient(inputGradient, accumulates: false) { _, _ in })
                    }
                }
            }
        }
    }
}
