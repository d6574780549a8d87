import Foundation
import XCTest

@testable import Randomness

final class BetaTests: XCTestCase {
    private func numbers(_ alpha: Double, count: Int = 100_000) -> [Double] {
        var random = CounterRandom(seed: 5, purpose: .mixing)
        return (0..<count).map { _ in random.beta(alpha) }
    }

    /// Beta(α, α) has the mean ½, the variance 1 / (4 (2α + 1)) and the fourth central moment 3 / (16 (2α + 1) (2α + 3)). The tolerances
    /// are five standard errors.
    func testBetaNumbersHaveTheMomentsOfTheDistribution() {
        for alpha in [0.1, 0.2, 0.8, 1, 3] {
            let numbers = numbers(alpha)
            XCTAssertTrue(numbers.allSatisfy { (0...1).contains($0) })
            let count = Double(numbers.count)
            func moment(_ power: Int) -> Double { numbers.reduce(0) { $0 + pow($1 - 0.5, Double(power)) } / count }
            let variance = 1 / (4 * (2 * alpha + 1))
            let fourth = 3 / (16 * (2 * alpha + 1) * (2 * alpha + 3))
            XCTAssertEqual(moment(1), 0, accuracy: 5 * (variance / count).squareRoot(), "mean for \(alpha)")
            let deviation = ((fourth - variance * variance) / count).squareRoot()
            XCTAssertEqual(moment(2), variance, accuracy: 5 * deviation, "variance for \(alpha)")
            XCTAssertEqual(moment(3), 0, accuracy: 5 * (fourth / 4 / count).squareRoot(), "skewness for \(alpha)")
            XCTAssertEqual(moment(4), fourth, accuracy: 5 * (fourth / 16 / count).squareRoot(), "fourth moment for \(alpha)")
        }
    }

    /// Beta(½, ½) is the arcsine distribution, and Beta(1, 1) is uniform. The largest distance of the distribution functions is below
    /// 1.95 / √n in 999 of 1,000 samples (Kolmogorov and Smirnov).
    func testBetaNumbersHaveTheDistributionFunction() {
        let cases: [(Double, (Double) -> Double)] = [(0.5, { 2 / .pi * asin($0.squareRoot()) }), (1, { $0 })]
        for (alpha, distribution) in cases {
            let sorted = numbers(alpha).sorted()
            let count = Double(sorted.count)
            let distance = sorted.enumerated().map { abs(distribution($1) - (Double($0) + 0.5) / count) }.max()!
            XCTAssertLessThan(distance, 1.95 / count.squareRoot(), "\(alpha)")
        }
    }

    func testATinyParameterGivesNumbersAtTheEndsAndNoNaN() {
        let numbers = numbers(1e-6, count: 1000)
        XCTAssertTrue(numbers.allSatisfy { $0 < 1e-9 || $0 > 1 - 1e-9 })
        XCTAssertEqual(Double(numbers.filter { $0 > 0.5 }.count), 500, accuracy: 80)
    }
}
