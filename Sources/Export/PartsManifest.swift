import Foundation
import Interchange

/// `manifest.json` of the parts of a network: which file decides, and which file classifies at each resolution.
public struct PartsManifest: Codable, Equatable, Sendable {
    /// What decides.
    public struct Decider: Codable, Equatable, Sendable {
        public var file: String
        /// Whether it also returns the logits at the smallest resolution. They are the answer if it chooses that one.
        public var answersSmallest: Bool
    }

    /// The classifier at one resolution.
    public struct Classifier: Codable, Equatable, Sendable {
        /// In pixels.
        public var resolution: Int
        /// Nil if the decider answers at this resolution, or never chooses it.
        public var file: String?
    }

    public private(set) var format = "drnet-parts"
    public private(set) var version = 1
    /// Nil if all images take one resolution, the only one with a file.
    public var decider: Decider?
    /// In the order of the decider's choices, largest first.
    public var classifiers: [Classifier]
    public var metadata: ExportMetadata

    private enum CodingKeys: CodingKey {
        case format, version, decider, classifiers, metadata
    }
}
