import Dispatch

/// Which implementation of products is faster on this processor, and by how much.
public struct ProductsChoice: Codable, Sendable {
    /// The faster one.
    public let fastest: ProductsKind
    /// GFLOP/s of each on the shapes that were measured: two for each multiply-add of the direct convolution, forward and backward, on all
    /// threads.
    public let gigaFLOPsPerSecond: [ProductsKind: Double]
    public let threadCount: Int
    /// Duration of the measurement.
    public let seconds: Double

    public init(fastest: ProductsKind, gigaFLOPsPerSecond: [ProductsKind: Double], threadCount: Int, seconds: Double) {
        self.fastest = fastest
        self.gigaFLOPsPerSecond = gigaFLOPsPerSecond
        self.threadCount = threadCount
        self.seconds = seconds
    }

    /// The speeds, the faster one first: "tiles 164 GFLOP/s, openblas 131 GFLOP/s".
    public var rates: String {
        ([fastest] + ProductsKind.allCases.filter { $0 != fastest })
            .map { "\($0.rawValue) \(Int((gigaFLOPsPerSecond[$0] ?? 0).rounded())) GFLOP/s" }
            .joined(separator: ", ")
    }
}

/// Measures the implementations of products on a few convolutions that stand for a ResNet-50, a ResNet-18 and a MobileNetV2. The result
/// depends on the machine and on what else runs there: a program measures once, and every rank of a job must take the same choice.
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

    /// 1×1 convolutions of ResNet-50 and MobileNetV2, Winograd's and strided 3×3 convolutions of ResNets.
    private static let layers = [
        Layer(size: 56, inputs: 64, outputs: 256), Layer(size: 14, inputs: 1024, outputs: 256), Layer(size: 28, inputs: 192, outputs: 32),
        Layer(size: 56, inputs: 64, outputs: 64, kernel: 3), Layer(size: 14, inputs: 256, outputs: 256, kernel: 3),
        Layer(size: 28, inputs: 128, outputs: 128, kernel: 3, stride: 2),
    ]
    /// Images: enough for several tasks a thread, few enough for a fraction of a second.
    private static let batch = 4
    /// Times that each layer is measured, after one run that warms up caches and buffers, while there is time.
    private static let repetitions = 3
    /// After so many seconds no repetition begins; one of each layer is always done.
    private static let budgetSeconds = 1.0

    /// Measures on the threads of `context`; takes 0.3 to 1.5 seconds.
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
                // Alternating, so that a processor whose clock drifts is fair to both.
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

    /// Differences below this share are noise. Then the choice is the one that finishes results while they are in cache.
    private static let noise = 0.05

    static func fastest(_ seconds: [ProductsKind: Double]) -> ProductsKind {
        guard let tiles = seconds[.tiles], let openblas = seconds[.openblas] else { return .openblas }
        return openblas < (1 - noise) * tiles ? .openblas : .tiles
    }

    /// A convolution's forward and backward pass.
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

        /// Two for each multiply-add; the backward pass has two products where the forward pass has one.
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
