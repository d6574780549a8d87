import Randomness

/// How torchvision initialises a parameter.
enum Initializer {
    case zeros
    case ones
    /// Normal with variance 2 / fan-out (He et al. 2015; torchvision's ResNet and MobileNetV2).
    case heNormal(fanOut: Int)
    /// Uniform on ± 1 / √fan-in (torch.nn.Linear's default).
    case uniform(fanIn: Int)
    /// Normal with a fixed deviation (the classifier of torchvision's MobileNetV2).
    case normal(deviation: Float)
}

extension ParameterArena {
    /// Initialises all parameters and statistics as torchvision does. The numbers depend on the seed, `stream` (which network it
    /// is) and each parameter's place in the network only.
    public func initialize(seed: UInt64, stream: Int) {
        for (index, parameter) in (parameters + statistics).enumerated() {
            parameter.initialize(seed: seed, step: stream, sample: index)
        }
    }
}

extension Parameter {
    public func initialize(seed: UInt64, step: Int, sample: Int) {
        var random = CounterRandom(seed: seed, purpose: .initialization, step: step, sample: sample)
        switch initializer {
        case .zeros:
            values.update(repeating: 0, count: count)
        case .ones:
            values.update(repeating: 1, count: count)
        case .heNormal(let fanOut):
            let deviation = (2 / Float(fanOut)).squareRoot()
            for index in 0..<count { values[index] = deviation * random.normal() }
        case .uniform(let fanIn):
            let bound = 1 / Float(fanIn).squareRoot()
            for index in 0..<count { values[index] = random.uniform(-bound, bound) }
        case .normal(let deviation):
            for index in 0..<count { values[index] = deviation * random.normal() }
        }
    }
}
