import Kernels
import TestSupport
import XCTest

@testable import NeuralNetwork

/// Compares every layer, forward and backward, with PyTorch in double precision. Tolerance: 1e-5 relative plus 1e-5 absolute. This is a few
/// times the rounding error of the longest sums here (several hundred terms of size 1).
final class LayerFixtureTests: XCTestCase {
    private func fixture() throws -> Fixture { try Fixture("layers") }

    private func tensor(_ name: String, _ shape: Shape, scale: Float = 1) -> Tensor {
        Tensor(shape, Formula.values(name, shape.count).map { scale * $0 })
    }

    private func check(_ actual: [Float], _ name: String, line: UInt = #line) throws {
        assertClose(
            actual, try fixture()(name), relativeTolerance: 1e-5, absoluteTolerance: 1e-5, name, line: line)
    }

    func testFormulaMatchesPython() throws {
        let text = try String(contentsOfFile: repositoryRoot + "/Tests/Fixtures/formula.json", encoding: .utf8)
        for value in Formula.values("probe", 5) { XCTAssertTrue(text.contains("\(value)".prefix(8)), "\(value) not in \(text)") }
    }

    func testConvolutions() throws {
        // Name: batch, height, width, input channels, output channels, kernel, stride, depthwise; as in make_fixtures.py.
        let cases: [(String, Int, Int, Int, Int, Int, Int, Int, Bool)] = [
            ("stem", 2, 15, 13, 3, 8, 7, 2, false), ("conv3", 2, 9, 8, 5, 7, 3, 1, false),
            ("conv3s2", 3, 9, 9, 6, 4, 3, 2, false), ("conv1", 2, 7, 5, 8, 6, 1, 1, false),
            ("conv1s2", 2, 7, 7, 8, 6, 1, 2, false), ("depthwise", 2, 9, 7, 6, 6, 3, 1, true),
            ("depthwise_s2", 2, 9, 8, 6, 6, 3, 2, true),
        ]
        for (name, n, h, w, inputs, outputs, kernel, stride, isDepthwise) in cases {
            let registry = ParameterRegistry()
            let layer = Convolution2D(
                name, registry, from: inputs, to: outputs, kernel: kernel, stride: stride, isDepthwise: isDepthwise)
            let arena = ParameterArena(registry)
            layer.weight.setFileValues(Formula.values("\(name).weight", layer.weight.count))
            let input = tensor("\(name).input", Shape(batch: n, height: h, width: w, channels: inputs))
            let output = layer.forward(input)
            try check(output.values, "\(name).output")
            let inputGradient = layer.backward(tensor("\(name).gradient", output.shape), input: input)
            try check(inputGradient.values, "\(name).input_gradient")
            try check(layer.weight.fileGradient(), "\(name).weight_gradient")
            XCTAssertEqual(arena.parameterCount, layer.weight.count)
        }
    }

    func testBatchNormWithResidualAndActivation() throws {
        let shape = Shape(batch: 3, height: 4, width: 5, channels: 6)
        for (activation, label) in [(ActivationFunction.none, "none"), (.relu, "relu"), (.relu6, "relu6")] {
            let name = "bn_\(label)"
            let registry = ParameterRegistry()
            let norm = ResolutionAwareBatchNorm(
                name, registry, channels: 6, resolutionCount: nil, epsilon: 1e-5, activation: activation)
            let arena = ParameterArena(registry)
            let (weight, bias) = (arena.parameters[0], arena.parameters[1])
            weight.setFileValues(Formula.values("\(name).weight", 6).map { 2 + $0 })
            bias.setFileValues(Formula.values("\(name).bias", 6))
            arena.statistics[1].setFileValues([Float](repeating: 1, count: 6))
            let statistics = StatisticsCollector(arena)
            let result = try norm.forward(
                tensor("\(name).input", shape, scale: 3), residual: tensor("\(name).residual", shape, scale: 2),
                Pass(.training, statistics: statistics))
            try check(result.output.values, "\(name).output")
            let gradients = try XCTUnwrap(result.pullback)(tensor("\(name).gradient", shape))
            try check(gradients.input.values, "\(name).input_gradient")
            try check(gradients.residual.values, "\(name).residual_gradient")
            try check(weight.fileGradient(), "\(name).weight_gradient")
            try check(bias.fileGradient(), "\(name).bias_gradient")

            statistics.updateRunningStatistics(momentum: 0.1)
            try check(arena.statistics[0].fileValues(), "\(name).running_mean")
            try check(arena.statistics[1].fileValues(), "\(name).running_var")
            let evaluated = try norm.forward(
                tensor("\(name).input", shape, scale: 3), residual: tensor("\(name).residual", shape, scale: 2), Pass(.evaluation))
            try check(evaluated.output.values, "\(name).evaluation")
        }
    }

    func testPooling() throws {
        let maximum = MaximumPool().forward(
            FeatureMap(tensor("maxpool.input", Shape(batch: 2, height: 9, width: 8, channels: 5))), Pass(.training))
        let gradient = FeatureGradient(tensor("maxpool.gradient", maximum.output.shape))
        try check(maximum.output.materialized().values, "maxpool.output")
        try check(try XCTUnwrap(maximum.pullback)(gradient).tensor.values, "maxpool.input_gradient")
        let average = GlobalAveragePool.forward(
            tensor("avgpool.input", Shape(batch: 2, height: 3, width: 4, channels: 5)), Pass(.training))
        try check(average.output.values, "avgpool.output")
        try check(
            try XCTUnwrap(average.pullback)(tensor("avgpool.gradient", average.output.shape)).values, "avgpool.input_gradient")
    }

    func testLinear() throws {
        let registry = ParameterRegistry()
        let layer = Linear("linear", registry, from: 7, to: 4)
        let arena = ParameterArena(registry)
        layer.weight.setFileValues(Formula.values("linear.weight", 28))
        layer.bias.setFileValues(Formula.values("linear.bias", 4))
        let input = tensor("linear.input", Shape(batch: 3, channels: 7))
        try check(layer.forward(input).values, "linear.output")
        let gradient = layer.backward(tensor("linear.gradient", Shape(batch: 3, channels: 4)), input: input)
        try check(gradient.values, "linear.input_gradient")
        try check(layer.weight.fileGradient(), "linear.weight_gradient")
        try check(layer.bias.fileGradient(), "linear.bias_gradient")
        XCTAssertEqual(arena.parameterCount, 32)
    }
}
