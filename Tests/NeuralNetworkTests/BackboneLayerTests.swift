import Kernels
import TestSupport
import XCTest

@testable import NeuralNetwork

/// Compares the layers of the newer backbones, forward and backward, with PyTorch in double precision. The tolerances are those of
/// `LayerFixtureTests`; sums of grouped convolutions are longer.
final class BackboneLayerTests: XCTestCase {
    private func check(_ actual: [Float], _ name: String, tolerance: Float = 1e-5, line: UInt = #line) throws {
        assertClose(
            actual, try Fixture("backbone_layers")(name), relativeTolerance: tolerance, absoluteTolerance: tolerance, name, line: line)
    }

    func testGroupedAndLargeDepthwiseConvolutions() throws {
        // Name: batch, height, width, input channels, output channels, kernel, stride, groups; as in make_backbone_fixtures.py.
        let cases: [(String, Int, Int, Int, Int, Int, Int, Int, Int)] = [
            ("grouped", 2, 9, 8, 12, 24, 3, 1, 3), ("grouped_s2", 3, 9, 9, 32, 32, 3, 2, 8), ("grouped_wide", 2, 7, 5, 64, 64, 3, 1, 2),
            ("grouped_1x1", 2, 5, 4, 12, 8, 1, 1, 4), ("depthwise_5x5", 2, 9, 7, 6, 6, 5, 1, 6),
            ("depthwise_5x5_s2", 2, 9, 8, 6, 6, 5, 2, 6),
        ]
        for (name, n, h, w, inputs, outputs, kernel, stride, groups) in cases {
            for context in KernelContext.testOfEachProducts {
                let registry = ParameterRegistry()
                let isDepthwise = groups == inputs && groups == outputs
                let layer = Convolution2D(
                    name, registry, from: inputs, to: outputs, kernel: kernel, stride: stride, isDepthwise: isDepthwise,
                    groups: isDepthwise ? 1 : groups)
                let arena = ParameterArena(registry)
                layer.weight.setFileValues(Formula.values("\(name).weight", layer.weight.count))
                let shape = Shape(batch: n, height: h, width: w, channels: inputs)
                let input = Tensor(shape, Formula.values("\(name).input", shape.count), context)
                let output = layer.forward(input)
                try check(output.values, "\(name).output", tolerance: 3e-5)
                let gradient = Tensor(output.shape, Formula.values("\(name).gradient", output.shape.count), context)
                try check(layer.backward(gradient, input: input).values, "\(name).input_gradient", tolerance: 3e-5)
                try check(layer.weight.fileGradient(), "\(name).weight_gradient", tolerance: 3e-5)
                XCTAssertEqual(arena.parameterCount, outputs * inputs / groups * kernel * kernel, name)
            }
        }
    }

    /// Prepared weights, and any number of threads, give the same bits.
    func testPreparedWeightsAndThreadsChangeNothing() throws {
        let registry = ParameterRegistry()
        let layer = Convolution2D("conv", registry, from: 32, to: 64, kernel: 3, groups: 8)
        let arena = ParameterArena(registry)
        arena.initialize(seed: 1, stream: 0)
        let shape = Shape(batch: 2, height: 9, width: 8, channels: 32)
        var results: [[Float]] = []
        for threads in [1, 3] {
            let context = KernelContext(threadCount: threads)
            let input = Tensor(shape, Formula.values("input", shape.count), context)
            let kernel = layer.kernel(shape, keepsWeights: true, context)
            let prepared = context.buffers.take(byteCount: kernel.preparedLayout.byteCount)
            kernel.prepare(layer.weight.values, into: prepared)
            let output = Tensor(layer.outputShape(shape), context)
            kernel.forward(input: .stored(input.data), prepared: prepared, output: output.data) { _, _, _ in }
            context.buffers.give(prepared, byteCount: kernel.preparedLayout.byteCount)
            results.append(output.values)
            arena.clearGradients()
            results.append(layer.backward(Tensor(output.shape, output.values, context), input: input).values + layer.weight.fileGradient())
        }
        XCTAssertEqual(results[0], results[2])
        XCTAssertEqual(results[1], results[3])
    }

    func testBatchNormWithGatedActivation() throws {
        let shape = Shape(batch: 3, height: 4, width: 5, channels: 6)
        for (activation, label) in [(ActivationFunction.silu, "silu"), (.hardSwish, "hard_swish")] {
            let name = "bn_\(label)"
            let registry = ParameterRegistry()
            let norm = ResolutionAwareBatchNorm(
                name, registry, channels: 6, resolutionCount: nil, epsilon: 1e-5, activation: activation)
            let arena = ParameterArena(registry)
            let (weight, bias) = (arena.parameters[0], arena.parameters[1])
            weight.setFileValues(Formula.values("\(name).weight", 6).map { 2 + $0 })
            bias.setFileValues(Formula.values("\(name).bias", 6))
            arena.statistics[1].setFileValues([Float](repeating: 1, count: 6))
            let input = Tensor(shape, Formula.values("\(name).input", shape.count).map { 3 * $0 })
            let statistics = StatisticsCollector(arena)
            let result = try norm.forward(input, Pass(.training, statistics: statistics))
            try check(result.output.values, "\(name).output")
            let gradients = try XCTUnwrap(result.pullback)(Tensor(shape, Formula.values("\(name).gradient", shape.count)))
            try check(gradients.input.values, "\(name).input_gradient")
            try check(weight.fileGradient(), "\(name).weight_gradient")
            try check(bias.fileGradient(), "\(name).bias_gradient")
            statistics.updateRunningStatistics(momentum: 0.1)
            try check(try norm.forward(input, Pass(.evaluation)).output.values, "\(name).evaluation")
        }
    }

    func testSqueezeExcitation() throws {
        let shape = Shape(batch: 3, height: 4, width: 5, channels: 8)
        let cases: [(String, ActivationFunction, GateFunction)] = [
            ("squeeze_silu", .silu, .logistic), ("squeeze_relu", .relu, .hardLogistic),
        ]
        for (name, activation, gate) in cases {
            let registry = ParameterRegistry()
            let builder = LayerBuilder(registry: registry, outputs: 1, resolutionCount: nil, batchNormEpsilon: 1e-5)
            let layer = SqueezeExcitation(name, builder, channels: 8, squeezed: 5, activation: activation, gate: gate)
            let arena = ParameterArena(registry)
            for parameter in arena.parameters { parameter.setFileValues(Formula.values(parameter.name, parameter.count)) }
            let input = Tensor(shape, Formula.values("\(name).input", shape.count).map { 4 * $0 })
            let result = try layer.forward(FeatureMap(input), Pass(.training))
            try check(result.output.materialized().values, "\(name).output")
            let gradient = FeatureGradient(Tensor(shape, Formula.values("\(name).gradient", shape.count)))
            try check(try XCTUnwrap(result.pullback)(gradient).tensor.values, "\(name).input_gradient", tolerance: 2e-5)
            for parameter in arena.parameters { try check(parameter.fileGradient(), parameter.name, tolerance: 2e-5) }
            let evaluated = try layer.forward(FeatureMap(Tensor(shape, input.values)), Pass(.evaluation))
            try check(evaluated.output.materialized().values, "\(name).output")
        }
    }
}
