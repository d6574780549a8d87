/// Registers a network's parameters while its layers are built, each under the path of the layers around it.
public final class ParameterRegistry {
    private(set) var parameters: [Parameter] = []
    private(set) var statistics: [Parameter] = []
    private(set) var batchNormCopies: [BatchNormCopy] = []
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

    private func statistic(_ name: String, count: Int, _ initializer: Initializer) -> Parameter {
        let statistic = Parameter(
            name: name, fileShape: [count], layout: .plain, isWeight: false, initializer: initializer,
            offset: statisticFloats)
        statisticFloats += Self.padded(count)
        statistics.append(statistic)
        return statistic
    }

    /// Registers weight, bias, running mean and running variance of one copy of a batch norm.
    func batchNormCopy(_ name: String, channels: Int, zeroWeight: Bool) -> BatchNormCopy {
        let copy = BatchNormCopy(
            name: name, channels: channels,
            weight: parameter("\(name).weight", [channels], isWeight: false, zeroWeight ? .zeros : .ones),
            bias: parameter("\(name).bias", [channels], isWeight: false, .zeros),
            runningMean: statistic("\(name).running_mean", count: channels, .zeros),
            runningVariance: statistic("\(name).running_var", count: channels, .ones), index: batchNormCopies.count,
            offset: batchNormCopies.last.map { $0.offset + $0.sumCount } ?? 0)
        batchNormCopies.append(copy)
        return copy
    }

    /// Parameters start at multiples of 64 bytes.
    private static func padded(_ count: Int) -> Int { (count + 15) / 16 * 16 }

    fileprivate var sizes: (parameters: Int, statistics: Int) { (parameterFloats, statisticFloats) }
}

/// The memory of a network: three flat vectors for values, gradients and running statistics.
///
/// `@unchecked Sendable` for frozen networks, whose arenas nothing writes to.
public final class ParameterArena: @unchecked Sendable {
    /// Trained parameters in the order of registration, with gaps of zeros up to multiples of 64 bytes.
    public let values: UnsafeMutableBufferPointer<Float>
    /// Empty for a frozen network.
    public let gradients: UnsafeMutableBufferPointer<Float>
    public let runningStatistics: UnsafeMutableBufferPointer<Float>
    public let parameters: [Parameter]
    public let statistics: [Parameter]
    /// Every copy of every batch norm, in the order in which a forward pass uses the batch norms.
    public let batchNormCopies: [BatchNormCopy]
    /// The arena whose values and running statistics this one uses; nil if it has its own.
    private let owner: ParameterArena?

    /// All values are zero; see `initialize`.
    ///
    /// - Parameter hasGradients: false for a network that is never trained.
    public convenience init(_ registry: ParameterRegistry, hasGradients: Bool = true) {
        self.init(registry, hasGradients: hasGradients, owner: nil)
    }

    /// An arena with the values and running statistics of another one, in the same memory, and with gradients of its own.
    ///
    /// - Parameters:
    ///   - registry: of a network with the same layers.
    ///   - owner: is kept alive.
    convenience init(_ registry: ParameterRegistry, sharing owner: ParameterArena) {
        precondition(
            registry.sizes == (owner.values.count, owner.runningStatistics.count), "networks with other layers have other values")
        self.init(registry, hasGradients: true, owner: owner)
    }

    private init(_ registry: ParameterRegistry, hasGradients: Bool, owner: ParameterArena?) {
        let sizes = registry.sizes
        self.owner = owner
        values = owner?.values ?? Self.allocate(sizes.parameters)
        gradients = Self.allocate(hasGradients ? sizes.parameters : 0)
        runningStatistics = owner?.runningStatistics ?? Self.allocate(sizes.statistics)
        parameters = registry.parameters
        statistics = registry.statistics
        batchNormCopies = registry.batchNormCopies
        for parameter in parameters {
            parameter.place(
                values: values.baseAddress! + parameter.offset, gradient: hasGradients ? gradients.baseAddress! + parameter.offset : nil)
        }
        for statistic in statistics {
            let place = runningStatistics.baseAddress! + statistic.offset
            statistic.place(values: place, gradient: nil)
        }
    }

    deinit {
        gradients.deallocate()
        guard owner == nil else { return }
        values.deallocate()
        runningStatistics.deallocate()
    }

    /// Parameters without the gaps between them.
    public var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }

    /// Takes the parameters and running statistics of a network with the same layers.
    public func copyValues(from other: ParameterArena) {
        precondition(
            other.values.count == values.count && other.runningStatistics.count == runningStatistics.count,
            "networks with other layers have other values")
        values.baseAddress!.update(from: other.values.baseAddress!, count: values.count)
        runningStatistics.baseAddress!.update(from: other.runningStatistics.baseAddress!, count: runningStatistics.count)
    }

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
