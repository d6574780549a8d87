/// A network that a configuration can name, by torchvision's name.
public struct Backbone: RawRepresentable, CaseIterable, Equatable, Sendable {
    /// Input pixels, along a side, for each pixel of the last feature map: five layers of stride 2 in every backbone.
    public static let stride = 32

    /// The registry. A new backbone is one file that defines its architecture, and one line here.
    public static let allCases: [Backbone] =
        ResNet.backbones + MobileNetV2.backbones + ResNeXt.backbones + MobileNetV3.backbones + EfficientNet.backbones
        + MNASNet.backbones

    /// The name in configurations, such as `resnet50`.
    public let rawValue: String
    /// The number of its blocks, for `BackboneOptions.blocks`.
    public let blocks: Int
    /// ε of torchvision's batch norms.
    public let batchNormEpsilon: Double
    private let make: @Sendable (BackboneOptions) -> any NetworkArchitecture

    init(
        _ name: String, blocks: Int, batchNormEpsilon: Double = 1e-5,
        _ make: @escaping @Sendable (BackboneOptions) -> any NetworkArchitecture
    ) {
        rawValue = name
        self.blocks = blocks
        self.batchNormEpsilon = batchNormEpsilon
        self.make = make
    }

    public static func == (first: Backbone, second: Backbone) -> Bool { first.rawValue == second.rawValue }

    /// Nil for a name that is not registered.
    public init?(rawValue: String) {
        guard let found = Self.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
        self = found
    }

    public func architecture(_ options: BackboneOptions = .init()) -> any NetworkArchitecture { make(options) }
}

/// What a configuration can change about a backbone.
public struct BackboneOptions: Equatable, Sendable {
    /// Multiplies the channels of every layer.
    public var width: Double
    /// Residual blocks start as identities; see `ResNet.Architecture`. Backbones without this option ignore it.
    public var zeroInitResidual: Bool
    /// The network ends after this many of its blocks, in the order of the forward pass; nil for all. The stem comes before the first.
    public var blocks: Int?

    public init(width: Double = 1, zeroInitResidual: Bool = false, blocks: Int? = nil) {
        self.width = width
        self.zeroInitResidual = zeroInitResidual
        self.blocks = blocks
    }
}
