import DynamicResolution

/// The files of a checkpoint that hold tensors.
package enum CheckpointFiles {
    package static let classifier = "classifier.safetensors"
    package static let predictor = "predictor.safetensors"
    package static let optimizer = "optimizer.safetensors"
}

/// The part of a checkpoint's state that inference needs.
struct TrainedState: Decodable {
    var identity: RunIdentity
    /// λ of the trained operating point; nil for 0.
    var costWeight: Double?
    /// Of a cascade by a threshold; nil for other deciders.
    var residualDoubt: ResidualDoubt?
}
