import Foundation
import Inference
import Kernels
import NeuralNetwork

/// Writes the logits of a classifier: `network-logits ARCHITECTURE WEIGHTS CLASSES EPSILON SIZE IMAGES LOGITS`. IMAGES has normalised
/// pixels [N, SIZE, SIZE, 3] in single precision, and LOGITS receives [N, CLASSES]. Tests/Fixtures/compare_with_torch.py runs it.
@main
struct NetworkLogits {
    static func main() throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        guard arguments.count == 7, let backbone = Backbone(rawValue: arguments[0]), let classes = Int(arguments[2]),
            let epsilon = Double(arguments[3]), let size = Int(arguments[4])
        else { throw Usage() }
        let network = backbone.architecture().makeNetwork(outputs: classes, resolutionCount: 2, batchNormEpsilon: epsilon)
        network.arena.initialize(seed: 1, stream: 0)
        let result = try NetworkFile.loadPretrained(arguments[1], into: network)
        guard result.hasLastLayer else { throw Usage() }
        let images = try Data(contentsOf: URL(fileURLWithPath: arguments[5])).withUnsafeBytes { [Float]($0.bindMemory(to: Float.self)) }
        let count = images.count / (size * size * 3)
        let context = KernelContext(threadCount: 1)
        let frozen = FrozenNetwork(network)
        var logits = Data()
        for index in 0..<count {
            let image = Array(images[index * size * size * 3..<(index + 1) * size * size * 3])
            let shape = Shape(batch: 1, height: size, width: size, channels: 3)
            try frozen.logits(Tensor(shape, image, context), resolutionIndex: index % 2).values.withUnsafeBytes {
                logits.append(contentsOf: $0)
            }
        }
        try logits.write(to: URL(fileURLWithPath: arguments[6]))
    }

    struct Usage: Error, CustomStringConvertible {
        var description: String { "network-logits ARCHITECTURE WEIGHTS CLASSES EPSILON SIZE IMAGES LOGITS" }
    }
}
