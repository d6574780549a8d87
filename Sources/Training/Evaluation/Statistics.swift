extension Array where Element == Double {
    /// Nil where there are no values.
    var mean: Double? { isEmpty ? nil : reduce(0, +) / Double(count) }

    /// Of the sample, with n − 1; nil where there are less than two values.
    var standardDeviation: Double? {
        guard count >= 2, let mean else { return nil }
        return (reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count - 1)).squareRoot()
    }

    /// Nil where there are no values.
    var median: Double? {
        let sorted = sorted()
        guard let last = sorted.indices.last else { return nil }
        return (sorted[last / 2] + sorted[(last + 1) / 2]) / 2
    }
}
