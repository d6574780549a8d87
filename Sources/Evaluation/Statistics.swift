extension Evaluation {
    /// The standard error of an accuracy p on n images: √(p (1 − p) / n).
    static func standardError(accuracy: Double, images: Int) -> Double {
        (accuracy * (1 - accuracy) / Double(max(images, 1))).squareRoot()
    }
}

extension Array where Element == Double {
    /// Nil if there are no values.
    var mean: Double? { isEmpty ? nil : reduce(0, +) / Double(count) }

    /// The sample's standard deviation, with n − 1; nil for less than two values.
    var standardDeviation: Double? {
        guard count >= 2, let mean else { return nil }
        return (reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count - 1)).squareRoot()
    }

    /// The mean of the middle two for an even number of values; nil if there are no values.
    package var median: Double? {
        let sorted = sorted()
        guard let last = sorted.indices.last else { return nil }
        return (sorted[last / 2] + sorted[(last + 1) / 2]) / 2
    }
}
