import DynamicResolution
import Foundation

/// The files of a checkpoint that hold tensors.
package enum CheckpointFiles {
    package static let classifier = "classifier.safetensors"
    package static let predictor = "predictor.safetensors"
    package static let optimizer = "optimizer.safetensors"

    /// Whether inference can need a file of a checkpoint.
    package static func isOfNetwork(_ file: String) -> Bool {
        [classifier, predictor, averaged(classifier), averaged(predictor)].contains(file)
    }

    /// The file of a network's averaged weights, which only runs with `optimizer.emaDecay` have.
    package static func averaged(_ file: String) -> String {
        file.replacingOccurrences(of: ".safetensors", with: "-ema.safetensors")
    }

    /// The file that inference uses: the averaged weights, if the checkpoint has them.
    ///
    /// - Parameters:
    ///   - file: the name of a network's file.
    ///   - names: the names of all files of the checkpoint.
    package static func inferred(_ file: String, among names: [String]) -> String {
        names.contains(averaged(file)) ? averaged(file) : file
    }
}

/// The part of a checkpoint's state that inference needs.
struct TrainedState: Decodable {
    var identity: RunIdentity
    /// λ of the trained operating point; nil for 0.
    var costWeight: Double?
}
