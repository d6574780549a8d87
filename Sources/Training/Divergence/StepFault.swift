import Communication
import Foundation
import Interchange

/// A step whose loss or gradient is not finite: which ranks have such a loss, and the images of their batch.
struct StepFault: Equatable, CustomStringConvertible {
    /// This step on one rank.
    struct Part: Codable, Equatable {
        var host: String
        /// Σ cross entropy of the rank's images.
        var lossIsFinite: Bool
        /// The rank's images, by their paths in the data set, at most `longestList`.
        var files: [String]
        /// The number of the rank's images.
        var images: Int
    }

    /// In rank order.
    var ranks: [Part]
    /// Of the global batch.
    var loss: Double
    /// Of the summed gradients.
    var gradientNorm: Double

    /// The largest number of images of a rank, and of ranks, that are named.
    static let longestList = 8

    var description: String {
        let faulty = ranks.indices.filter { !ranks[$0].lossIsFinite }
        // A gradient that is not finite cannot be assigned to a rank, because it was summed already.
        let shown = faulty.isEmpty ? Array(ranks.indices) : faulty
        let places = shown.prefix(Self.longestList).map { rank in
            "rank \(rank) on \(ranks[rank].host) (\(Self.files(ranks[rank])))"
        }
        let more = shown.count > places.count ? " and \(shown.count - places.count) more ranks" : ""
        let list = places.joined(separator: ", ") + more
        return faulty.isEmpty
            ? "the gradient is not finite (norm \(gradientNorm)), and the loss is, on every rank: \(list)"
            : "the loss is \(loss): it is not finite on \(list)"
    }

    private static func files(_ part: Part) -> String {
        guard part.images > 0 else { return "no images" }
        let more = part.images - part.files.count
        return "images " + part.files.joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
    }

    /// Collects the parts of all ranks. Collective.
    ///
    /// - Parameters:
    ///   - own: of this rank.
    ///   - loss: of the global batch.
    ///   - gradientNorm: of the summed gradients.
    ///   - communicator: of this rank.
    static func gather(_ own: Part, loss: Double, gradientNorm: Double, _ communicator: Communicator) throws -> StepFault {
        let text = String(decoding: try JSON.encode(own, .compact), as: UTF8.self)
        let ranks = try communicator.allGatherStrings(text, label: "images of a step that is not finite").enumerated().map {
            try JSON.decode(Part.self, from: Data($1.utf8), source: "the step of rank \($0)")
        }
        return StepFault(ranks: ranks, loss: loss, gradientNorm: gradientNorm)
    }
}
