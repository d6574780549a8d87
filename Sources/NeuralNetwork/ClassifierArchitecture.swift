/// The classifiers that can be trained, by torchvision's names.
public enum ClassifierArchitecture: String, CaseIterable, Sendable {
    case resnet18, resnet34, resnet50, resnet101, resnet152
    case mobileNetV2 = "mobilenet_v2"

    /// - Parameters:
    ///   - width: multiplies the channels of every layer.
    ///   - resolutionCount: copies of every batch norm.
    ///   - zeroInitResidual: see `ResNet`; MobileNetV2 has no such option and ignores it.
    public func makeNetwork(
        width: Double, outputs: Int, resolutionCount: Int, batchNorm: BatchNormOptions, zeroInitResidual: Bool
    ) -> Network {
        guard let depth, let architecture = ResNet.Architecture(depth: depth, width: width) else {
            return MobileNetV2(width: width, outputs: outputs, resolutionCount: resolutionCount, batchNorm: batchNorm)
        }
        return ResNet(
            architecture, outputs: outputs, resolutionCount: resolutionCount, batchNorm: batchNorm,
            zeroInitResidual: zeroInitResidual)
    }

    private var depth: Int? {
        switch self {
        case .resnet18: return 18
        case .resnet34: return 34
        case .resnet50: return 50
        case .resnet101: return 101
        case .resnet152: return 152
        case .mobileNetV2: return nil
        }
    }
}
