import DynamicResolution

extension ImageCosts {
    /// In units of 10⁹ multiply-adds.
    public static func gigaFLOPs(_ flops: FLOPsModel) -> ImageCosts { flops.costs.scaled(by: 1e-9) }

    /// The mean cost of a cascade through all resolutions that ends at them with these shares. An image pays for the resolution at which it
    /// ends, and for all smaller ones.
    func mean(cascadedShares shares: [Double]) -> Double {
        shares.indices.reduce(0) { $0 + shares[$1] * classifier[$1...].reduce(0, +) }
    }

    /// The shares of two neighbouring resolutions whose mean cost, without a decision, is `cost`. If the cost is outside of the range, all
    /// images use the largest or the smallest resolution.
    func neighbouringShares(cost: Double) -> [Double] {
        var shares = [Double](repeating: 0, count: classifier.count)
        // Costs decrease along the resolutions.
        guard let smaller = classifier.firstIndex(where: { $0 <= cost }), smaller > 0 else {
            shares[cost < classifier[0] ? classifier.count - 1 : 0] = 1
            return shares
        }
        shares[smaller - 1] = (cost - classifier[smaller]) / (classifier[smaller - 1] - classifier[smaller])
        shares[smaller] = 1 - shares[smaller - 1]
        return shares
    }
}
