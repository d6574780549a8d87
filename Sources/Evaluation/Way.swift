/// A way to use the weights of a trained network on a set of images. It names a row of a table, a series of a curve, and the key that finds
/// either.
public enum Way: Hashable, Sendable {
    /// The predictor chooses each image's resolution. Costs include the predictor.
    case dynamic
    /// All images use one resolution, in pixels.
    case fixed(resolution: Int)
    /// A series: `fixed` at each resolution, largest first.
    case fixedResolutions
    /// The expectation of random choices that have the shares of the dynamic network.
    case randomSameShares
    /// The expectation of random choices between two neighbouring resolutions that have the mean cost of the dynamic network.
    case randomSameCost
    /// A series: the expectations of random choices between two neighbouring resolutions, at several shares.
    case randomMix
    /// The smallest resolution runs first; the next larger one runs while the top probability is below a threshold. An image costs the sum
    /// of all resolutions that ran.
    case cascade
    /// The smallest resolution runs first; the largest one runs too if 1 minus the top probability exceeds λ. An image costs the sum.
    case thresholdCascade
    /// Each image uses the smallest resolution that classifies it correctly. No choice of one resolution an image is more accurate.
    case oracle

    /// The name in tables and in files.
    public var name: String {
        if case .fixed(let resolution) = self { return Self.fixedPrefix + "\(resolution)" }
        return Self.names[self] ?? ""
    }

    /// - Returns: nil if no way has the name.
    init?(name: String) {
        if let found = Self.names.first(where: { $0.value == name }) {
            self = found.key
        } else if name.hasPrefix(Self.fixedPrefix), let resolution = Int(name.dropFirst(Self.fixedPrefix.count)) {
            self = .fixed(resolution: resolution)
        } else {
            return nil
        }
    }

    private static let fixedPrefix = "fixed "

    private static let names: [Way: String] = [
        .dynamic: "dynamic", .fixedResolutions: "fixed", .randomSameShares: "random, same shares", .randomSameCost: "random, same cost",
        .randomMix: "randomMix", .cascade: "cascade", .thresholdCascade: "threshold cascade", .oracle: "oracle",
    ]
}

extension Way: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let name = try container.decode(String.self)
        guard let way = Way(name: name) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(name)' names no way to use a network")
        }
        self = way
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(name)
    }
}
