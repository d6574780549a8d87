/// A layer, or a block of layers, from feature map to feature map.
protocol FeatureLayer: Sendable {
    /// Trained parameters, all copies of batch norms included.
    var parameters: [Parameter] { get }
    /// Whether the layer is a block, with which a part of the network begins; see `Network.parts`.
    var isBlock: Bool { get }
    func forward(_ input: FeatureMap, _ pass: Pass) throws -> Forward<FeatureMap, FeaturePullback>
    /// Appends the cost of each layer for inputs of this shape, and returns the shape of the output.
    func trace(_ shape: Shape, into costs: inout [LayerCost]) -> Shape
    /// Adds the operations of an evaluation pass to a recorder, and returns the output. `drnet export` needs it.
    func record(_ input: NetworkValue, in recorder: OperationRecorder) throws -> NetworkValue
}

extension FeatureLayer {
    var isBlock: Bool { false }

    func record(_ input: NetworkValue, in recorder: OperationRecorder) throws -> NetworkValue {
        throw UnrecordedLayer(type: "\(Self.self)")
    }
}
