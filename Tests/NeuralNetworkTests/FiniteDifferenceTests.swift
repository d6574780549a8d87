import Kernels
import TestSupport
import XCTest

@testable import NeuralNetwork

/// Compares the derivative of every layer along a direction with central differences: ⟨gradient, direction⟩ against (f(x + hd) − f(x − hd))
/// / 2h. With h = 1e-2 and sums in single precision, the differences are accurate to 1 % of the derivative's scale.
final class FiniteDifferenceTests: XCTestCase {
    /// f(x) = ⟨output(x), w⟩ for fixed weights w.
    private func objective(_ output: Tensor) -> Double {
        zip(output.values, Formula.values("objective", output.shape.count)).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }

    private func check(
        _ label: String, count: Int, values: UnsafeMutablePointer<Float>, gradient: [Float], step: Float = 1e-2,
        _ evaluate: () throws -> Double
    ) rethrows {
        for trial in 0..<3 {
            let direction = Formula.values("\(label) direction \(trial)", count)
            let original = Array(UnsafeBufferPointer(start: values, count: count))
            func shifted(_ factor: Float) throws -> Double {
                for index in 0..<count { values[index] = original[index] + factor * direction[index] }
                defer { for index in 0..<count { values[index] = original[index] } }
                return try evaluate()
            }
            let slope = try (shifted(step) - shifted(-step)) / Double(2 * step)
            let expected = zip(gradient, direction).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
            let scale = gradient.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
            XCTAssertEqual(slope, expected, accuracy: 0.01 * scale + 1e-3, "\(label), direction \(trial)")
        }
    }

    /// Checks the gradients of a function with respect to its input and all of its parameters.
    private func check(
        _ label: String, _ arena: ParameterArena, _ inputShape: Shape, step: Float = 1e-2,
        _ run: (Tensor) throws -> (Tensor, (Tensor) throws -> Tensor)
    ) throws {
        let input = Tensor(inputShape, Formula.values("\(label) input", inputShape.count))
        arena.clearGradients()
        // Layers can overwrite their inputs.
        func copy() -> Tensor { Tensor(inputShape, input.values) }
        let (output, pullback) = try run(copy())
        let inputGradient = try pullback(Tensor(output.shape, Formula.values("objective", output.shape.count)))
        if inputGradient.shape == inputShape {
            try check("\(label) input", count: inputShape.count, values: input.data, gradient: inputGradient.values, step: step) {
                objective(try run(copy()).0)
            }
        }
        for parameter in arena.parameters {
            let gradient = Array(UnsafeBufferPointer(start: parameter.gradient, count: parameter.count))
            try check("\(label) \(parameter.name)", count: parameter.count, values: parameter.values, gradient: gradient, step: step) {
                objective(try run(copy()).0)
            }
        }
    }

    func testConvolutions() throws {
        for (kernel, stride, isDepthwise) in [
            (1, 1, false), (1, 2, false), (3, 1, false), (3, 2, false), (7, 2, false), (3, 1, true), (3, 2, true),
        ] {
            let registry = ParameterRegistry()
            let layer = Convolution2D("conv", registry, from: 4, to: 4, kernel: kernel, stride: stride, isDepthwise: isDepthwise)
            let arena = ParameterArena(registry)
            arena.initialize(seed: 3, stream: 0)
            try check("convolution \(kernel)/\(stride)", arena, Shape(batch: 2, height: 7, width: 6, channels: 4)) { input in
                (layer.forward(input), { layer.backward($0, input: input) })
            }
        }
    }

    func testGroupedConvolutions() throws {
        for (kernel, stride, groups) in [(3, 1, 2), (3, 2, 4), (1, 1, 2)] {
            let registry = ParameterRegistry()
            let layer = Convolution2D("conv", registry, from: 8, to: 4, kernel: kernel, stride: stride, groups: groups)
            let arena = ParameterArena(registry)
            arena.initialize(seed: 3, stream: 0)
            try check("convolution \(kernel)/\(stride), \(groups) groups", arena, Shape(batch: 2, height: 7, width: 6, channels: 8)) {
                input in
                (layer.forward(input), { layer.backward($0, input: input) })
            }
        }
    }

    func testSqueezeExcitation() throws {
        for (activation, gate) in [(ActivationFunction.silu, GateFunction.logistic), (.relu, .hardLogistic)] {
            let registry = ParameterRegistry()
            let builder = LayerBuilder(registry: registry, outputs: 1, resolutionCount: nil, batchNormEpsilon: 1e-5)
            let layer = SqueezeExcitation("se", builder, channels: 6, squeezed: 4, activation: activation, gate: gate)
            let arena = ParameterArena(registry)
            arena.initialize(seed: 5, stream: 0)
            // Away from the kinks of ReLU.
            for parameter in arena.parameters where parameter.name == "se.fc1.bias" {
                for index in 0..<parameter.count { parameter.values[index] = index % 2 == 0 ? 1 : -1 }
            }
            try check("squeeze-and-excitation, \(activation)", arena, Shape(batch: 2, height: 3, width: 2, channels: 6), step: 1e-3) {
                input in
                let result = try layer.forward(FeatureMap(input), Pass(.training))
                return (result.output.materialized(), { try result.pullback!(FeatureGradient($0)).tensor })
            }
        }
    }

    /// A whole block, with all of its batch norms, the residual and squeeze-and-excitation.
    func testMobileBlock() throws {
        for (outputs, stride, activation) in [(6, 1, ActivationFunction.silu), (8, 2, .hardSwish)] {
            let registry = ParameterRegistry()
            let builder = LayerBuilder(registry: registry, outputs: 1, resolutionCount: 2, batchNormEpsilon: 1e-3)
            let size = MobileBlock.Size(inputs: 6, inside: 12, outputs: outputs, kernel: 5, stride: stride, squeezed: 4)
            let block = MobileBlock(
                "block", builder, size, activation: activation, squeezeActivation: .silu, gate: .logistic)
            let arena = ParameterArena(registry)
            arena.initialize(seed: 5, stream: 0)
            let pass = Pass(.training, resolutionIndex: 1)
            try check("block of stride \(stride)", arena, Shape(batch: 3, height: 4, width: 3, channels: 6), step: 1e-3) { input in
                let result = try block.forward(FeatureMap(input), pass)
                return (result.output.materialized(), { try result.pullback!(FeatureGradient($0)).tensor })
            }
        }
    }

    func testGatedActivations() throws {
        for activation in [ActivationFunction.silu, .hardSwish] {
            let registry = ParameterRegistry()
            let norm = ResolutionAwareBatchNorm(
                "bn", registry, channels: 4, resolutionCount: 2, epsilon: 1e-5, activation: activation)
            let arena = ParameterArena(registry)
            arena.initialize(seed: 3, stream: 0)
            try check("batch norm, \(activation)", arena, Shape(batch: 3, height: 3, width: 2, channels: 4), step: 1e-3) { input in
                let result = try norm.forward(input, Pass(.training, resolutionIndex: 1))
                return (result.output, { try result.pullback!($0).input })
            }
        }
    }

    func testBatchNorm() throws {
        let registry = ParameterRegistry()
        let norm = ResolutionAwareBatchNorm(
            "bn", registry, channels: 4, resolutionCount: 2, epsilon: 1e-5, activation: .none)
        let arena = ParameterArena(registry)
        arena.initialize(seed: 3, stream: 0)
        try check("batch norm", arena, Shape(batch: 3, height: 3, width: 2, channels: 4)) { input in
            let result = try norm.forward(input, Pass(.training, resolutionIndex: 1))
            return (result.output, { try result.pullback!($0).input })
        }
    }

    /// Covers batch norm before an activation, with and without a residual. Half of the channels are near the kink at 0, half near the kink
    /// at 6. There are so few values that no step crosses a kink.
    func testBatchNormWithActivationAndResidual() throws {
        for (activation, label) in [(ActivationFunction.relu, "ReLU"), (.relu6, "ReLU6")] {
            for hasResidual in [false, true] {
                let registry = ParameterRegistry()
                let norm = ResolutionAwareBatchNorm(
                    "bn", registry, channels: 4, resolutionCount: 2, epsilon: 1e-5, activation: activation)
                let arena = ParameterArena(registry)
                arena.initialize(seed: 3, stream: 0)
                for parameter in arena.parameters where parameter.name.hasSuffix("bias") {
                    for channel in 0..<4 { parameter.values[channel] = channel < 2 ? 0.1 : 6.1 }
                }
                let name = "batch norm, \(label)\(hasResidual ? ", residual" : "")"
                let shape = Shape(batch: 3, height: 3, width: 2, channels: 4)
                let residual = Tensor(shape, Formula.values("\(name) addend", shape.count))
                let run = { (input: Tensor) in
                    let copy = hasResidual ? Tensor(shape, residual.values) : nil
                    return try norm.forward(input, residual: copy, Pass(.training, resolutionIndex: 1))
                }
                try check(name, arena, shape, step: 1e-3) { input in
                    let result = try run(input)
                    return (result.output, { try result.pullback!($0).input })
                }
                guard hasResidual else { continue }
                let input = Tensor(shape, Formula.values("\(name) input", shape.count))
                let gradients = try run(Tensor(shape, input.values)).pullback!(Tensor(shape, Formula.values("objective", shape.count)))
                try check("\(name) addend", count: shape.count, values: residual.data, gradient: gradients.residual.values, step: 1e-3) {
                    objective(try run(Tensor(shape, input.values)).output)
                }
            }
        }
    }

    func testLinearAndAveragePool() throws {
        let registry = ParameterRegistry()
        let layer = Linear("fc", registry, from: 4, to: 3)
        let arena = ParameterArena(registry)
        arena.initialize(seed: 3, stream: 0)
        try check("pool and linear", arena, Shape(batch: 3, height: 3, width: 2, channels: 4)) { input in
            let pooled = GlobalAveragePool.forward(input, Pass(.training))
            return (layer.forward(pooled.output), { pooled.pullback!(layer.backward($0, input: pooled.output)) })
        }
    }

    func testDecisionHead() throws {
        for hidden in [0, 5] {
            let network = DecisionHead(inputs: 4, hidden: hidden).makeNetwork(outputs: 3, resolutionCount: nil)
            network.arena.initialize(seed: 4, stream: 0)
            // The network has no gradient of its input.
            try check("head with \(hidden) hidden units", network.arena, Shape(batch: 2, channels: 4), step: 1e-3) { input in
                let forward = try network.forward(input, Pass(.training))
                return (
                    forward.output,
                    {
                        try forward.pullback!($0)
                        return Tensor(Shape(batch: 0, channels: 4), [])
                    }
                )
            }
        }
    }

    func testMaximumPool() throws {
        // Values 0.05 apart in a scrambled order, so that no step changes which one is the largest.
        let shape = Shape(batch: 2, height: 7, width: 6, channels: 3)
        let input = Tensor(shape, (0..<shape.count).map { 0.05 * Float($0 * 101 % shape.count) })
        let forward = MaximumPool().forward(FeatureMap(input), Pass(.training))
        let objectives = Tensor(forward.output.shape, Formula.values("objective", forward.output.shape.count))
        let gradient = try forward.pullback!(FeatureGradient(objectives)).tensor
        check("maximum pool", count: shape.count, values: input.data, gradient: gradient.values) {
            objective(MaximumPool().forward(FeatureMap(input), Pass(.training)).output.materialized())
        }
    }
}
