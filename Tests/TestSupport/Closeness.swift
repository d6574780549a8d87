import XCTest

/// Says how two vectors differ, element by element: |a − b| ≤ absolute + relative · |expected|. Nil where they are close.
public func closenessFailure(
    _ actual: [Float], _ expected: [Float], relativeTolerance: Float, absoluteTolerance: Float, label: String
) -> String? {
    guard actual.count == expected.count else {
        return "\(label): \(actual.count) elements instead of \(expected.count)"
    }
    var worst: (index: Int, excess: Float)?
    var count = 0
    for index in actual.indices {
        let difference = abs(actual[index] - expected[index])
        let allowed = absoluteTolerance + relativeTolerance * abs(expected[index])
        // A NaN is close to nothing.
        if difference <= allowed { continue }
        count += 1
        let excess = difference.isNaN ? Float.infinity : difference
        if worst == nil || excess > worst!.excess { worst = (index, excess) }
    }
    guard let worst else { return nil }
    return "\(label): \(count) of \(actual.count) elements differ; the most at \(worst.index): \(actual[worst.index]) instead of "
        + "\(expected[worst.index]) (difference \(worst.excess))"
}

public func assertClose(
    _ actual: [Float], _ expected: [Float], relativeTolerance: Float = 1e-5, absoluteTolerance: Float = 1e-6, _ label: String,
    file: StaticString = #filePath, line: UInt = #line
) {
    if let failure = closenessFailure(
        actual, expected, relativeTolerance: relativeTolerance, absoluteTolerance: absoluteTolerance, label: label)
    {
        XCTFail(failure, file: file, line: line)
    }
}

/// ‖actual − expected‖ / ‖expected‖; the norm of the difference where nothing is expected.
public func relativeDifference(_ actual: [Float], _ expected: [Float]) -> Double {
    guard actual.count == expected.count else { return .infinity }
    let difference = zip(actual, expected).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }.squareRoot()
    let norm = expected.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    return norm > 0 ? difference / norm : difference
}
