import Kernels

/// The block of MobileNetV3 and EfficientNet: expand (1×1), filter (depthwise), squeeze-and-excitation, project (1×1, no activation), and
/// the input added where the shapes allow.
struct MobileBlock: FeatureLayer {
    /// The sizes of a block.
    struct Size {
        var inputs: Int
        /// Channels inside of the block. The block has no expansion if they are those of the input.
        var inside: Int
        var outputs: Int
        var kernel: Int
        var stride: Int
        /// Outputs of the first layer of squeeze-and-excitation; nil for a block without it.
        var squeezed: Int?
    }

    private let units: [ConvolutionUnit]
    private let squeeze: SqueezeExcitation?
    private let project: ConvolutionUnit
    private let addsInput: Bool

    var isBlock: Bool { true }
    var parameters: [Parameter] { units.flatMap(\.parameters) + (squeeze?.parameters ?? []) + project.parameters }

    /// - Parameters:
    ///   - name: of the block. Its layers are `NAME.0`, `NAME.1` and so on.
    ///   - builder: registers the parameters.
    ///   - size: the channels, the kernel and the stride.
    ///   - activation: after the expansion and the filter.
    ///   - squeezeActivation: inside of squeeze-and-excitation.
    ///   - gate: its last function.
    init(
        _ name: String, _ builder: LayerBuilder, _ size: Size, activation: ActivationFunction, squeezeActivation: ActivationFunction,
        gate: GateFunction
    ) {
        var count = 0
        func unit(
            from inputs: Int, to outputs: Int, kernel: Int = 1, stride: Int = 1, isDepthwise: Bool = false, _ activation: ActivationFunction
        ) -> ConvolutionUnit {
            defer { count += 1 }
            return ConvolutionUnit(
                convolution: "\(name).\(count).0", norm: "\(name).\(count).1", builder, from: inputs, to: outputs, kernel: kernel,
                stride: stride, isDepthwise: isDepthwise, activation: activation)
        }
        let expansion = size.inside == size.inputs ? [] : [unit(from: size.inputs, to: size.inside, activation)]
        units =
            expansion + [
                unit(from: size.inside, to: size.inside, kernel: size.kernel, stride: size.stride, isDepthwise: true, activation)
            ]
        squeeze = size.squeezed.map {
            SqueezeExcitation(
                "\(name).\(count)", builder, channels: size.inside, squeezed: $0, activation: squeezeActivation, gate: gate)
        }
        if squeeze != nil { count += 1 }
        project = unit(from: size.inside, to: size.outputs, .none)
        addsInput = size.stride == 1 && size.inputs == size.outputs
    }

    func forward(_ input: FeatureMap, _ pass: Pass) throws -> Forward<FeatureMap, FeaturePullback> {
        var current = input
        var pullbacks: [ConvolutionUnit.UnitPullback] = []
        for (index, unit) in units.enumerated() {
            let result = try unit.forward(current, residual: nil, index == 0 ? pass : pass.insideBlock)
            current = result.output
            if let pullback = result.pullback { pullbacks.append(pullback) }
        }
        let squeezed = try squeeze?.forward(current, pass.insideBlock)
        let projected = try project.forward(squeezed?.output ?? current, residual: addsInput ? input : nil, pass.insideBlock)
        guard let projectPullback = projected.pullback else { return Forward(projected.output, nil) }
        return Forward(projected.output) { [addsInput] gradient in
            var (gradient, residual) = try projectPullback(gradient, nil)
            if let pullback = squeezed?.pullback { gradient = try pullback(gradient) }
            var remaining = pullbacks
            while let pullback = remaining.popLast() {
                gradient = try pullback(gradient, remaining.isEmpty && addsInput ? residual : nil).input
            }
            return gradient
        }
    }

    func trace(_ shape: Shape, into costs: inout [LayerCost]) -> Shape {
        let inside = units.reduce(shape) { $1.trace($0, into: &costs) }
        return project.trace(squeeze?.trace(inside, into: &costs) ?? inside, into: &costs)
    }

    func record(_ input: NetworkValue, in recorder: OperationRecorder) -> NetworkValue {
        let inside = units.reduce(input) { $1.record($0, in: recorder) }
        return project.record(squeeze?.record(inside, in: recorder) ?? inside, residual: addsInput ? input : nil, in: recorder)
    }
}

extension MobileBlock {
    /// timm's names of a block's layers, by torchvision's; see `NetworkArchitecture.timmNames`.
    ///
    /// - Parameters:
    ///   - name: torchvision's name of the block.
    ///   - timm: timm's name of it.
    ///   - hasExpansion: whether the block expands its input.
    ///   - hasSqueeze: whether it has squeeze-and-excitation.
    static func timmNames(_ name: String, timm: String, hasExpansion: Bool, hasSqueeze: Bool) -> [String: String] {
        var layers: [(String, String)] = hasExpansion ? [("conv_pw", "bn1"), ("conv_dw", "bn2")] : [("conv_dw", "bn1")]
        if hasSqueeze { layers.append(("se", "")) }
        layers.append(hasExpansion ? ("conv_pwl", "bn3") : ("conv_pw", "bn2"))
        var names: [String: String] = [:]
        for (index, layer) in layers.enumerated() {
            if layer.0 == "se" {
                names["\(name).\(index).fc1"] = "\(timm).se.conv_reduce"
                names["\(name).\(index).fc2"] = "\(timm).se.conv_expand"
            } else {
                names["\(name).\(index).0"] = "\(timm).\(layer.0)"
                names["\(name).\(index).1"] = "\(timm).\(layer.1)"
            }
        }
        return names
    }
}
