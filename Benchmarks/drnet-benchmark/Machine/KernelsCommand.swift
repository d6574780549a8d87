import ArgumentParser
import Console
import Foundation
import Interchange
import Kernels
import NeuralNetwork

struct KernelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kernels", abstract: "Times every distinct convolution of a network, and OpenBLAS's sgemm of the same size.",
        discussion: """
            GFLOP/s count two for each multiply-add of the direct convolution. The backward pass counts twice as many, because it computes \
            the gradients of weights and input. sgemm multiplies [output pixels × k · k · input channels] by \
            [k · k · input channels × output channels] on the same threads, without im2col. Winograd kernels need fewer multiplications \
            and can exceed it.
            """)

    @Option(help: "Names of networks as in torchvision, separated by commas.")
    var networks = "resnet50,resnet18"
    @Option(help: "Image sizes in pixels, separated by commas.")
    var pixels = PixelSizes(sizes: [224, 112])
    @Option(help: "Images per batch.")
    var batch = 16
    @Option(help: "Threads (default: the cores of this process).")
    var threads: Int?
    @Option(help: "Approximate seconds for each measurement.")
    var seconds = 0.2
    @Option(help: "Implementations of matrix products, separated by commas.")
    var products = ProductsChoiceList(kinds: ProductsKind.allCases)
    @Option(help: "Precision of the operands of products, with tiles.")
    var precision = Precision.float32
    @Option(help: "Algorithm of 3×3 convolutions with stride 1: the cost model's choice, or one for all.")
    var convolutions = ConvolutionChoice.modelled

    func validate() throws {
        guard try !backbones.isEmpty else { throw ValidationError("--networks names none") }
        for size in pixels.sizes { try Limits.require(size, in: Limits.pixels, "pixels") }
        try Limits.require(batch, in: Limits.batch, "batch")
        if let threads { try Limits.require(threads, in: Limits.threads, "threads") }
        guard seconds >= 0, seconds <= 60 else { throw ValidationError("--seconds is \(seconds); 0 to 60") }
    }

    func run() throws {
        try Job.run(threads: threads, winograd: convolutions.winograd) { job in
            var rows = [
                [
                    "convolution", "input", "channels", "products", "forward ms", "GFLOP/s", "of sgemm", "kept ms", "GFLOP/s",
                    "backward ms", "GFLOP/s",
                    "of sgemm", "sgemm",
                ]
            ]
            for shape in try distinctShapes() {
                for context in contexts(job) { rows.append(KernelTiming(shape, context, budget: seconds).cells) }
            }
            try Console.result("batch \(batch), \(job.threads) \(job.threads == 1 ? "thread" : "threads"); sgemm in GFLOP/s\n")
            try Console.result(TextTable.render(rows))
            let choice = ProductsMeasurement.run(job.context)
            try Console.result("\nproducts: \(choice.fastest.rawValue) (\(choice.rates))")
        }
    }

    /// A context for each implementation of products, and for each instruction set of the tiles.
    private func contexts(_ job: Job) -> [KernelContext] {
        products.kinds.flatMap { kind in
            (kind == .tiles ? InstructionSet.available : [job.context.instructions]).map {
                job.context.with(products: kind, instructions: $0, precision: kind == .tiles ? precision : .float32)
            }
        }
    }

    private var backbones: [Backbone] {
        get throws {
            try networks.split(separator: ",").map { name in
                try Backbone(named: String(name), option: "networks")
            }
        }
    }

    /// The distinct convolutions, in the order of the networks' layers.
    private func distinctShapes() throws -> [ConvolutionShape] {
        var shapes: [ConvolutionShape] = []
        for backbone in try backbones {
            let definition = NetworkDefinition(architecture: backbone.architecture(), outputs: 1000, resolutionCount: 1)
            for size in pixels.sizes {
                let costs = definition.layerCosts(Shape(batch: batch, height: size, width: size, channels: 3))
                for shape in costs.compactMap(\.convolution) where !shapes.contains(shape) { shapes.append(shape) }
            }
        }
        return shapes
    }
}

enum ConvolutionChoice: String, CaseIterable, ExpressibleByArgument {
    case modelled, patches
    case twoByTwo = "f2x2"
    case fourByFour = "f4x4"

    var winograd: WinogradUse {
        switch self {
        case .modelled: .wherePays
        case .patches: .never
        case .twoByTwo: .always(.twoByTwo)
        case .fourByFour: .always(.fourByFour)
        }
    }
}

extension ProductsKind: ExpressibleByArgument {}
extension InstructionSet: ExpressibleByArgument {}
extension Precision: ExpressibleByArgument {}

/// Parses implementations of matrix products, separated by commas.
struct ProductsChoiceList: ExpressibleByArgument {
    var kinds: [ProductsKind]

    init(kinds: [ProductsKind]) { self.kinds = kinds }

    init?(argument: String) {
        let kinds = argument.split(separator: ",", omittingEmptySubsequences: false).map { ProductsKind(rawValue: String($0)) }
        guard kinds.allSatisfy({ $0 != nil }) else { return nil }
        self.kinds = kinds.compactMap { $0 }
    }

    var defaultValueDescription: String { kinds.map(\.rawValue).joined(separator: ",") }
}

/// The measured times of one convolution, in seconds.
private struct KernelTiming {
    private let shape: ConvolutionShape
    private let products: String
    private let forward: Double
    /// The forward pass with packed weights that are kept, as in inference.
    private let kept: Double
    private let backward: Double
    /// One sgemm of the same size.
    private let product: Double

    init(_ shape: ConvolutionShape, _ context: KernelContext, budget: Double) {
        self.shape = shape
        let kind = context.products.kind
        products = kind == .tiles ? "\(kind.rawValue), \(context.instructions.title)" : kind.rawValue
        let kernel = ConvolutionKernels.kernel(for: shape, isDepthwise: false, keepsWeights: false, context)
        let keeping = ConvolutionKernels.kernel(for: shape, isDepthwise: false, keepsWeights: true, context)
        let input = Floats(shape.batch * shape.inputHeight * shape.inputWidth * shape.inputChannels, filled: 0.5)
        let output = Floats(shape.outputPixels * shape.outputChannels, filled: 0.5)
        let weights = Floats(shape.patchLength * shape.outputChannels, filled: 0.1)
        forward = Timing.repeated(budget: budget) {
            kernel.forward(input: .stored(input.data), weights: weights.data, output: output.data) { _, _, _ in }
        }
        let prepared = Floats((keeping.preparedLayout.byteCount + 3) / 4, filled: 0)
        keeping.prepare(weights.data, into: prepared.data)
        kept = Timing.repeated(budget: budget) {
            keeping.forward(input: .stored(input.data), prepared: prepared.data, output: output.data) { _, _, _ in }
        }
        let weightGradient = Floats(shape.patchLength * shape.outputChannels, filled: 0)
        let inputGradient = Floats(shape.batch * shape.inputHeight * shape.inputWidth * shape.inputChannels, filled: 0)
        backward = Timing.repeated(budget: budget) {
            kernel.backward(
                input: .stored(input.data), outputGradient: .stored(output.data), weights: weights.data,
                weightGradient: weightGradient.data,
                inputGradient: Self.isStem(shape) ? nil : InputGradient(inputGradient.data, accumulates: false) { _, _ in })
        }
        product = Self.product(shape, weights: weights, output: output, context, budget: budget)
    }

    /// Whether the input is an image, which needs no gradient.
    private static func isStem(_ shape: ConvolutionShape) -> Bool { shape.inputChannels == 3 }

    /// Times sgemm, with the rows divided among the threads.
    private static func product(_ shape: ConvolutionShape, weights: Floats, output: Floats, _ context: KernelContext, budget: Double)
        -> Double
    {
        let (rows, columns, depth) = (shape.outputPixels, shape.outputChannels, shape.patchLength)
        let patches = Floats(rows * depth, filled: 0.5)
        return Timing.repeated(budget: budget) {
            context.threads.forEachBlock(rows, blockSize: (rows + context.threads.count - 1) / context.threads.count) { range in
                OpenBLASMultiplier().multiplyPlain(
                    MatrixView(patches.data + range.lowerBound * depth, rows: range.count, columns: depth),
                    MatrixView(weights.data, rows: depth, columns: columns),
                    into: ResultView(output.data + range.lowerBound * columns, rows: range.count, columns: columns), accumulates: false)
            }
        }
    }

    var cells: [String] {
        let flops = 2 * Double(shape.outputPixels) * Double(shape.patchLength) * Double(shape.outputChannels) / 1e9
        let backwardFLOPs = Self.isStem(shape) ? flops : 2 * flops
        let best = flops / product
        func percent(_ rate: Double) -> String { String(format: "%.0f %%", 100 * rate / best) }
        return [
            "\(shape.kernel)×\(shape.kernel)" + (shape.stride > 1 ? " / \(shape.stride)" : ""), "\(shape.inputHeight)×\(shape.inputWidth)",
            "\(shape.inputChannels) → \(shape.outputChannels)", products,
            String(format: "%.2f", 1000 * forward), String(format: "%.0f", flops / forward), percent(flops / forward),
            String(format: "%.2f", 1000 * kept), String(format: "%.0f", flops / kept),
            String(format: "%.2f", 1000 * backward), String(format: "%.0f", backwardFLOPs / backward), percent(backwardFLOPs / backward),
            String(format: "%.0f", best),
        ]
    }
}
