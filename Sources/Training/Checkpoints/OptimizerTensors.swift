import Inference
import Interchange
import NeuralNetwork

/// The optimizer's state in a checkpoint.
extension Optimizer {
    private static let prefixes = ["classifier.", "predictor."]
    /// The end of the name of a network's number of updates.
    private static let updates = "step"

    /// The moments, with the names of their parameters and torchvision's layouts, and the numbers of updates.
    func tensors() -> [NamedTensor] {
        let moments = forEachMoment { name, parameter, moment in
            NamedTensor(name: name, shape: parameter.fileShape, values: parameter.inFileLayout(moment))
        }
        return moments
            + zip(Self.prefixes, states).filter { !$1.updates.isEmpty }.map {
                NamedTensor(name: $0 + Self.updates, shape: [1], values: Array($1.updates))
            }
    }

    /// Reads the tensors that `tensors()` returned.
    ///
    /// - Throws: `NetworkFileError` or `InterchangeError` if the file does not match the networks or the rule.
    func load(_ path: String) throws {
        let file = try SafetensorsFile(contentsOf: path)
        func floats(_ name: String, _ expected: [Int]) throws -> [Float] {
            let shape = try file.shape(of: name)
            guard shape == expected else {
                throw NetworkFileError.shape(path: path, name: name, expected: expected, actual: shape)
            }
            return try file.floats(of: name)
        }
        _ = try forEachMoment { name, parameter, moment in
            parameter.fromFileLayout(try floats(name, parameter.fileShape), into: moment)
        }
        for (prefix, state) in zip(Self.prefixes, states) where !state.updates.isEmpty {
            state.updates[0] = try floats(prefix + Self.updates, [1])[0]
        }
    }

    private func forEachMoment<Result>(
        _ body: (String, Parameter, UnsafeMutablePointer<Float>) throws -> Result
    ) rethrows -> [Result] {
        try zip(Self.prefixes, states).flatMap { prefix, state in
            try zip(options.rule.moments, state.moments).flatMap { ending, moment in
                try state.network.arena.parameters.map { try body(prefix + $0.name + ending, $0, moment.baseAddress! + $0.offset) }
            }
        }
    }
}
