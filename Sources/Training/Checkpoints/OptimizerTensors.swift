import Inference
import Interchange
import NeuralNetwork

/// The optimizer's state in a checkpoint.
extension SGD {
    private static let prefixes = ["classifier.", "predictor."]

    /// The velocities, with the names of their parameters and torchvision's layouts.
    func tensors() -> [NamedTensor] {
        forEachVelocity { prefix, parameter, velocity in
            NamedTensor(
                name: prefix + parameter.name, shape: parameter.fileShape, values: parameter.inFileLayout(velocity))
        }
    }

    /// Reads the tensors that `tensors()` returned.
    ///
    /// - Throws: `NetworkFileError` or `InterchangeError` if the file does not match the networks.
    func load(_ path: String) throws {
        let file = try SafetensorsFile(contentsOf: path)
        _ = try forEachVelocity { prefix, parameter, velocity in
            let name = prefix + parameter.name
            let shape = try file.shape(of: name)
            guard shape == parameter.fileShape else {
                throw NetworkFileError.shape(path: path, name: name, expected: parameter.fileShape, actual: shape)
            }
            parameter.fromFileLayout(try file.floats(of: name), into: velocity)
        }
    }

    private func forEachVelocity<Result>(
        _ body: (String, Parameter, UnsafeMutablePointer<Float>) throws -> Result
    ) rethrows -> [Result] {
        try zip(Self.prefixes, zip(networks, velocities)).flatMap { prefix, pair in
            try pair.0.arena.parameters.map { try body(prefix, $0, pair.1.baseAddress! + $0.offset) }
        }
    }
}
