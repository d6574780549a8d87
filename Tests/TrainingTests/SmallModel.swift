import DynamicResolution
import NeuralNetwork

/// A DRNet with two resolutions and few channels.
func smallModel() -> DRNet {
    func network(_ outputs: Int, _ copies: Int?) -> Network {
        let network = ResNet.Architecture(predictorWidths: [4, 4, 4, 8, 8]).makeNetwork(outputs: outputs, resolutionCount: copies)
        network.arena.initialize(seed: 1, stream: outputs)
        return network
    }
    return DRNet(
        resolutions: [64, 32], classifier: network(5, 2), predictor: network(2, nil), predictorInputSize: 32, classCount: 5)
}
