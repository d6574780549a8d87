/// The activation that follows a batch normalisation, fused with it.
public enum ActivationFunction: Sendable {
    case none
    case relu
    /// min(max(x, 0), 6), as in MobileNetV2.
    case relu6
    /// x · σ(x) with the logistic function σ, as in EfficientNet.
    case silu
    /// x · min(max(x + 3, 0), 6) / 6, as in MobileNetV3.
    case hardSwish

    /// Whether the function only limits x. The gradient of such a function follows from its result, that of the others from x.
    public var isLimit: Bool { self != .silu && self != .hardSwish }

    /// The limits that outputs are clamped to. The gradient passes where the output is strictly between them.
    @inline(__always)
    var bounds: (low: Float, high: Float) {
        switch self {
        case .none: return (-.infinity, .infinity)
        case .relu: return (0, .infinity)
        case .relu6: return (0, 6)
        case .silu, .hardSwish: preconditionFailure("\(self) is no limit")
        }
    }

    /// values ← activation(values).
    public func apply(_ values: UnsafeMutablePointer<Float>, count: Int) {
        switch self {
        case .silu: for index in 0..<count { values[index] = SiLU.value(values[index]) }
        case .hardSwish: for index in 0..<count { values[index] = HardSwish.value(values[index]) }
        default:
            let (low, high) = bounds
            for index in 0..<count { values[index] = min(max(values[index], low), high) }
        }
    }

    /// gradient ← gradient · the derivative of the activation at `inputs`.
    public func multiplyGradient(_ gradient: UnsafeMutablePointer<Float>, inputs: UnsafePointer<Float>, count: Int) {
        switch self {
        case .silu: for index in 0..<count { gradient[index] *= SiLU.slope(inputs[index]) }
        case .hardSwish: for index in 0..<count { gradient[index] *= HardSwish.slope(inputs[index]) }
        default:
            let (low, high) = bounds
            for index in 0..<count where inputs[index] <= low || inputs[index] >= high { gradient[index] = 0 }
        }
    }
}

/// An activation x · gate(x). The functions are inlined into loops, which vectorise.
protocol GatedActivation {
    static func value(_ x: Float) -> Float
    static func slope(_ x: Float) -> Float
}

enum SiLU: GatedActivation {
    @inline(__always)
    static func value(_ x: Float) -> Float { x * logistic(x) }

    @inline(__always)
    static func slope(_ x: Float) -> Float {
        let gate = logistic(x)
        return gate * (1 + x * (1 - gate))
    }
}

enum HardSwish: GatedActivation {
    @inline(__always)
    static func value(_ x: Float) -> Float { x * hardLogistic(x) }

    @inline(__always)
    static func slope(_ x: Float) -> Float {
        let inside = x * Float(1.0 / 3) + 0.5
        let positive: Float = x < 3 ? inside : 1
        return x > -3 ? positive : 0
    }
}

/// min(max(x + 3, 0), 6) / 6.
@inline(__always)
func hardLogistic(_ x: Float) -> Float {
    let raised = x > -3 ? x + 3 : 0
    return (raised < 6 ? raised : 6) * Float(1.0 / 6)
}

/// 1 / (1 + exp(−x)).
@inline(__always)
func logistic(_ x: Float) -> Float { 1 / (1 + exponential(-x)) }

/// exp(x) to 2 units in the last place, for x in [−87, 88]; x outside is taken as the nearest limit.
///
/// exp(x) = 2^n · exp(r) with r = x − n ln 2, and a polynomial for exp(r) (Moshier, Cephes). Adding 1.5 · 2²³ rounds to an integer, whose
/// low bits then are n. There is no branch and no call, so that loops vectorise.
@inline(__always)
func exponential(_ x: Float) -> Float {
    let raised: Float = x > -87 ? x : -87
    let limited: Float = raised < 88 ? raised : 88
    let shifted = limited * 1.442_695_04 + 12_582_912
    let n = shifted - 12_582_912
    let r = (limited - n * 0.693_359_375) + n * 2.121_944_4e-4
    var sum: Float = 1.987_569_15e-4
    sum = sum * r + 1.398_199_950_7e-3
    sum = sum * r + 8.333_451_907_3e-3
    sum = sum * r + 4.166_579_589_4e-2
    sum = sum * r + 1.666_666_545_9e-1
    sum = sum * r + 5.000_000_120_1e-1
    let polynomial = sum * r * r + r + 1
    return polynomial * Float(bitPattern: (shifted.bitPattern &<< 23) &+ 0x3F80_0000)
}
