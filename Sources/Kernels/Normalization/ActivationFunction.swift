/// The activation that follows a batch normalisation, fused with it.
public enum ActivationFunction: Sendable {
    case none
    case relu
    /// min(max(x, 0), 6), as in MobileNetV2.
    case relu6

    /// The limits that outputs are clamped to. The gradient passes where the output is strictly between them.
    @inline(__always)
    var bounds: (low: Float, high: Float) {
        switch self {
        case .none: return (-.infinity, .infinity)
        case .relu: return (0, .infinity)
        case .relu6: return (0, 6)
        }
    }
}
