/// The order of a parameter's elements in memory. Files use torchvision's order.
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
/// An arena holds the values of all parameters in one vector and the gradients in another, in the order of registration: the optimiser and
/// the all-reduce see two flat vectors. A parameter of a network that is only counted has no memory.
///
/// `@unchecked Sendable`: the arena sets the two pointers once, before a layer can use them.
public final class Parameter: @unchecked Sendable {
    /// torchvision's name, with the index of the resolution inserted for the copies of a batch norm (`bn1.0.weight`).
    public let name: String
    /// The shape in torchvision's order.
    public let fileShape: [Int]
    public let layout: ParameterLayout
    /// False for biases and batch norms. The optimiser can exclude these from weight decay.
    public let isWeight: Bool
    /// How the values are initialised.
    let initializer: Initializer
    /// The offset of the first element in the arenas.
    public let offset: Int
    private var placedValues: UnsafeMutablePointer<Float>?
    private var placedGradient: UnsafeMutablePointer<Float>?

    public var values: UnsafeMutablePointer<Float> {
        guard let placedValues else { preconditionFailure("\(name) has no memory") }
        return placedValues
    }

    /// The gradient. Running statistics and the parameters of frozen networks have none.
    public var gradient: UnsafeMutablePointer<Float> {
        guard let placedGradient else { preconditionFailure("\(name) has no gradient") }
        return placedGradient
    }

    /// Gives the parameter its memory, which the caller owns.
    func place(values: UnsafeMutablePointer<Float>, gradient: UnsafeMutablePointer<Float>?) {
        precondition(placedValues == nil, "\(name) belongs to an arena already")
        placedValues = values
        placedGradient = gradient
    }

    public var count: Int { fileShape.reduce(1, *) }

    init(
        name: String, fileShape: [Int], layout: ParameterLayout, isWeight: Bool, initializer: Initializer, offset: Int
    ) {
        self.name = name
        self.fileShape = fileShape
        self.layout = layout
        self.isWeight = isWeight
        self.initializer = initializer
        self.offset = offset
    }
}
