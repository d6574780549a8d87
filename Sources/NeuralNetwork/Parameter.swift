/// How a parameter is laid out in memory, and thereby how it is turned into torchvision's layout in files.
public enum ParameterLayout: Sendable {
    /// Any vector, or a linear layer's matrix [output, input]: as in files.
    case plain
    /// A convolution's weights: [kernel row, kernel column, input, output] in memory, [output, input, row, column] in files.
    case convolution
    /// A depthwise convolution's weights: [kernel row, kernel column, channel] in memory, [channel, 1, row, column] in files.
    case depthwise
}

/// A named tensor that a network owns: trained parameters and, without a gradient, batch norm's running statistics.
///
/// The values of all parameters lie in one arena, the gradients in another, in the order of registration: the optimiser and the
/// all-reduce see two flat vectors.
public final class Parameter {
    /// torchvision's name, with the index of the resolution inserted for the copies of a batch norm (`bn1.0.weight`).
    public let name: String
    /// The shape in torchvision's order.
    public let fileShape: [Int]
    public let layout: ParameterLayout
    /// False for biases and batch norm, which weight decay can be told to leave alone.
    public let isWeight: Bool
    /// How the values are initialised.
    let initializer: Initializer
    /// The offset of the first element in the arenas.
    public let offset: Int
    public fileprivate(set) var values: UnsafeMutablePointer<Float>
    /// The gradient; for running statistics it must not be used.
    public fileprivate(set) var gradient: UnsafeMutablePointer<Float>

    public var count: Int { fileShape.reduce(1, *) }

    fileprivate init(
        name: String, fileShape: [Int], layout: ParameterLayout, isWeight: Bool, initializer: Initializer, offset: Int
    ) {
        self.name = name
        self.fileShape = fileShape
        self.layout = layout
        self.isWeight = isWeight
        self.initializer = initializer
        self.offset = offset
        // Set by ParameterArena before anything can use them.
        values = UnsafeMutablePointer(bitPattern: 64)!
        gradient = values
    }
}

/// Registers a network's parameters while its layers are built, each under the path of the layers around it.
public final class ParameterRegistry {
    fileprivate var parameters: [Parameter] = []
    fileprivate var statistics: [Parameter] = []
    private var parameterFloats = 0
    private var statisticFloats = 0

    public init() {}

    func parameter(
        _ name: String, _ fileShape: [Int], layout: ParameterLayout = .plain, isWeight: Bool, _ initializer: Initializer
    ) -> Parameter {
        let parameter = Parameter(
            name: name, fileShape: fileShape, layout: layout, isWeight: isWeight, initializer: initializer,
            offset: parameterFloats)
        parameterFloats += Self.padded(parameter.count)
        parameters.append(parameter)
        return parameter
    }

    func statistic(_ name: String, count: Int, _ initializer: Initializer) -> Parameter {
        let statistic = Parameter(
            name: name, fileShape: [count], layout: .plain, isWeight: false, initializer: initializer,
            offset: statisticFloats)
        statisticFloats += Self.padded(count)
        statistics.append(statistic)
        return statistic
    }

    /// Parameters start at multiples of 64 bytes.
    private static func padded(_ count: Int) -> Int { (count + 15) / 16 * 16 }

    fileprivate var sizes: (parameters: Int, statistics: Int) { (parameterFloats, statisticFloats) }
}

/// The memory of a network: three flat vectors for values, gradients and running statistics.
public final class ParameterArena {
    /// Trained parameters in the order of registration, with gaps of zeros up to multiples of 64 bytes.
    public let values: UnsafeMutableBufferPointer<Float>
    public let gradients: UnsafeMutableBufferPointer<Float>
    public let runningStatistics: UnsafeMutableBufferPointer<Float>
    public let parameters: [Parameter]
    public let statistics: [Parameter]

    public init(_ registry: ParameterRegistry) {
        let sizes = registry.sizes
        values = Self.allocate(sizes.parameters)
        gradients = Self.allocate(sizes.parameters)
        runningStatistics = Self.allocate(sizes.statistics)
        parameters = registry.parameters
        statistics = registry.statistics
        for parameter in parameters {
            parameter.values = values.baseAddress! + parameter.offset
            parameter.gradient = gradients.baseAddress! + parameter.offset
        }
        for statistic in statistics {
            statistic.values = runningStatistics.baseAddress! + statistic.offset
            statistic.gradient = statistic.values
        }
    }

    deinit {
        values.deallocate()
        gradients.deallocate()
        runningStatistics.deallocate()
    }

    /// Parameters without the gaps between them.
    public var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }

    public func clearGradients() {
        gradients.update(repeating: 0)
    }

    private static func allocate(_ count: Int) -> UnsafeMutableBufferPointer<Float> {
        let bytes = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(count, 16) * MemoryLayout<Float>.stride, alignment: 64)
        let floats = bytes.bindMemory(to: Float.self)
        floats.initialize(repeating: 0)
        return UnsafeMutableBufferPointer(rebasing: floats[0..<count])
    }
}
