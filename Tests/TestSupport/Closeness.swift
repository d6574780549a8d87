import XCTest

/// Describes how two vectors differ, or returns nil if they are close: |a − b| ≤ absolute + relative · |expected| for each element.
public func closenessFailure(
    _ actual: [Float], _ expected: [Float], relativeTolerance: Float, absoluteTolerance: Float, label: String
) -> String? {
    guard actual.count == expected.count else {
        return "\(label): \(actual.count) elements, expected \(expected.count)"
    }
    var worst: (index: Int, excess: Float)?
    var count = 0
    for index in actual.indices {
        let difference = abs(actual[index] - expected[index])
        let allowed = absoluteTolerance + relativeTolerance * abs(expected[index])
        // A NaN is never close.
        if difference <= allowed { continue }
        count += 1
        let excess = difference.isNaN ? Float.infinity : difference
        if worst == nil || excess > worst!.excess { worst = (index, excess) }
    }
    guard let worst else { return nil }
    return "\(label): \(count) of \(actual.count) elements differ; largest difference at \(worst.index): \(actual[worst.index]), "
        + "expected \(expected[worst.index]) (difference \(worst.excess))"
}

/// Fails with a description of the differences if two vectors are not close.
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

/// Returns ‖actual − expected‖ / ‖expected‖, or the norm of the difference if `expected` is zero.
public func relativeDifference(_ actual: [Float], _ expected: [Float]) -> Double {
    guard actual.count == expected.count else { return .infinity }
    let difference = zip(actual, expected).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }.squareRoot()
    let norm = expected.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    return norm > 0 ? difference / norm : difference
}
