import Kernels

/// What one layer costs for a batch of a given shape.
public struct LayerCost: Sendable {
    public var name: String
    /// Multiply-adds of convolutions and linear layers; what the field calls FLOPs. Norms, activations and pooling count nothing.
    public var multiplyAdds: Int
    public var output: Shape
    /// The sizes of a dense convolution; nil for other layers.
    public var convolution: ConvolutionShape?
}

/// Something whose costs follow from the shape of its input: a network, its layers, or its definition. Counting allocates no memory for
/// parameters.
public protocol LayerCosting {
    /// The cost of each layer for images of this shape, in order.
    func layerCosts(_ input: Shape) -> [LayerCost]
}

extension LayerCosting {
    /// Multiply-adds for one square image.
    ///
    /// - Parameter resolution: the side of the image, in pixels.
    public func multiplyAdds(resolution: Int) -> Int {
        layerCosts(Shape(batch: 1, height: resolution, width: resolution, channels: 3)).reduce(0) { $0 + $1.multiplyAdds }
    }
}
