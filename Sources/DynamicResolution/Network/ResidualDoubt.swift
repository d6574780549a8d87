/// How much of the doubt about an image at the smallest resolution remains at the others: the parameters of a cascade by a threshold.
///
/// With the doubt d = 1 − p of an image, p its largest probability at the smallest resolution, the expected error at resolution j is taken
/// as a_j d. A decision minimises a_j d + λ C_j. With two resolutions this is a threshold on p.
public struct ResidualDoubt: Codable, Equatable, Sendable {
    /// a_j of each resolution, largest first: 0 … 1, not decreasing, and 1 for the smallest.
    public private(set) var shares: [Double]

    /// The largest resolution has no doubt, and no resolution in between is used.
    public init(resolutions: Int) {
        shares = [0] + [Double](repeating: 1, count: resolutions - 1)
    }

    /// The errors at each resolution relative to those at the smallest, weighted by the doubt. A larger resolution is taken to be no worse
    /// than a smaller one. Without an error at the smallest resolution, the result is that of `init(resolutions:)`.
    ///
    /// - Parameters:
    ///   - doubts: of images that the classifier was not trained on.
    ///   - errors: for each of these images, whether the answer at each resolution is wrong.
    public init(doubts: [Double], errors: [[Bool]], resolutions: Int) {
        let sums = (0..<resolutions).map { column in
            zip(doubts, errors).reduce(0) { $0 + ($1.1[column] ? $1.0 : 0) }
        }
        self.init(resolutions: resolutions)
        guard let smallest = sums.last, smallest > 0 else { return }
        shares = [Double](repeating: 1, count: resolutions)
        for column in (0..<resolutions - 1).reversed() { shares[column] = min(sums[column] / smallest, shares[column + 1]) }
    }

    /// The scores [N × m] of images, without the costs: −a_j d.
    ///
    /// - Parameter doubts: d, [N].
    public func scores(_ doubts: [Double]) -> [Double] {
        doubts.flatMap { doubt in shares.map { -$0 * doubt } }
    }
}
