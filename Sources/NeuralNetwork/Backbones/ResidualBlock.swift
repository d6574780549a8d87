/// A residual block: a chain of convolution units around which a shortcut leads.
///
/// The last unit adds the shortcut before its ReLU. Both of torchvision's blocks are such chains: `BasicBlock` (3×3, 3×3) and
/// `Bottleneck` (1×1, 3×3, 1×1; the stride is on the 3×3, which is what torchvision calls v1.5).
struct ResidualBlock: FeatureLayer {
    enum Kind: Sendable {
        case basic
        case bottleneck

        /// Output channels of the block for each channel inside it.
        var expansion: Int { self == .basic ? 1 : 4 }
    }

    private let units: [ConvolutionUnit]
    private let downsample: ConvolutionUnit?

    var isBlock: Bool { true }
    var parameters: [Parameter] { (units + (downsample.map { [$0] } ?? [])).flatMap(\.parameters) }

    init(
        _ name: String, _ builder: LayerBuilder, kind: Kind, from inputs: Int, inside: Int, to outputs: Int, stride: Int,
        groups: Int, zeroInitResidual: Bool
    ) {
        func unit(
            _ index: Int, from: Int, to: Int, kernel: Int, stride: Int = 1, groups: Int = 1, isLast: Bool = false
        ) -> ConvolutionUnit {
            ConvolutionUnit(
                convolution: "\(name).conv\(index)", norm: "\(name).bn\(index)", builder, from: from, to: to,
                kernel: kernel, stride: stride, groups: groups, activation: .relu, zeroWeight: isLast && zeroInitResidual)
        }
        switch kind {
        case .basic:
            units = [
                unit(1, from: inputs, to: inside, kernel: 3, stride: stride),
                unit(2, from: inside, to: outputs, kernel: 3, isLast: true),
            ]
        case .bottleneck:
            units = [
                unit(1, from: inputs, to: inside, kernel: 1),
                unit(2, from: inside, to: inside, kernel: 3, stride: stride, groups: groups),
                unit(3, from: inside, to: outputs, kernel: 1, isLast: true),
            ]
        }
        downsample =
            stride == 1 && inputs == outputs
            ? nil
            : ConvolutionUnit(
                convolution: "\(name).downsample.0", norm: "\(name).downsample.1", builder, from: inputs, to: outputs,
                kernel: 1, stride: stride, activation: .none)
    }

    func forward(_ input: FeatureMap, _ pass: Pass) throws -> Forward<FeatureMap, FeaturePullback> {
        let shortcut = try downsample?.forward(input, residual: nil, pass, completesInputGradient: false)
        var current = input
        var pullbacks: [ConvolutionUnit.UnitPullback] = []
        for (index, unit) in units.enumerated() {
            let isLast = index == units.count - 1
            let result = try unit.forward(
                current, residual: isLast ? shortcut?.output ?? input : nil, index == 0 ? pass : pass.insideBlock)
            current = result.output
            if let pullback = result.pullback { pullbacks.append(pullback) }
        }
        guard pass.mode == .training else { return Forward(current, nil) }
        return Forward(current) { gradient in
            var remaining = pullbacks
            var gradients = try remaining.removeLast()(gradient, nil)
            // The gradient of the shortcut. The first unit adds its share of the input's gradient to it.
            let residualGradient = gradients.residual
            while remaining.count > 1 { gradients = try remaining.removeLast()(gradients.input, nil) }
            guard let shortcutPullback = shortcut?.pullback else {
                return try remaining.removeLast()(gradients.input, residualGradient).input
            }
            let inputGradient = try shortcutPullback(FeatureGradient(residualGradient), nil).input.tensor
            return try remaining.removeLast()(gradients.input, inputGradient).input
        }
    }

    func trace(_ shape: Shape, into costs: inout [LayerCost]) -> Shape {
        if let downsample { _ = downsample.trace(shape, into: &costs) }
        return units.reduce(shape) { $1.trace($0, into: &costs) }
    }

    func record(_ input: NetworkValue, in recorder: OperationRecorder) -> NetworkValue {
        let shortcut = downsample?.record(input, in: recorder) ?? input
        return units.enumerated().reduce(input) { value, unit in
            unit.element.record(value, residual: unit.offset == units.count - 1 ? shortcut : nil, in: recorder)
        }
    }
}
