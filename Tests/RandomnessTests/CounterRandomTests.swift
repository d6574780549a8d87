import XCTest

@testable import Randomness

final class CounterRandomTests: XCTestCase {
    /// Known answers of Random123 (kat_vectors, philox4x32 10).
    func testPhiloxMatchesKnownAnswers() {
        let ones = UInt32.max
        let cases: [((UInt32, UInt32, UInt32, UInt32), (UInt32, UInt32), [UInt32])] = [
            ((0, 0, 0, 0), (0, 0), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ((ones, ones, ones, ones), (ones, ones), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                (0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344), (0xa409_3822, 0x299f_31d0),
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
            ),
        ]
        for (counter, key, expected) in cases {
            let words = CounterRandom.philox(counter: counter, key: key)
            XCTAssertEqual([words.0, words.1, words.2, words.3], expected)
        }
    }

    func testAStreamDependsOnItsKeyOnly() {
        func stream(_ seed: UInt64, _ purpose: RandomPurpose, _ step: Int, _ sample: Int) -> [UInt32] {
            var random = CounterRandom(seed: seed, purpose: purpose, step: step, sample: sample)
            return (0..<9).map { _ in random.nextWord() }
        }
        let one = stream(1, .gumbelNoise, 2, 3)
        XCTAssertEqual(stream(1, .gumbelNoise, 2, 3), one)
        for other in [
            stream(2, .gumbelNoise, 2, 3), stream(1, .augmentation, 2, 3), stream(1, .gumbelNoise, 3, 3), stream(1, .gumbelNoise, 2, 4),
        ] {
            XCTAssertTrue(Set(other).isDisjoint(with: one))
        }
    }

    func testUniformNumbersAreInsideTheIntervalAndUniform() {
        var random = CounterRandom(seed: 7, purpose: .dropout)
        let numbers = (0..<100_000).map { _ in random.uniform() }
        XCTAssertTrue(numbers.allSatisfy { $0 > 0 && $0 < 1 })
        XCTAssertEqual(numbers.reduce(0, +) / 100_000, 0.5, accuracy: 0.005)
        XCTAssertEqual(Float(numbers.filter { $0 < 0.1 }.count) / 100_000, 0.1, accuracy: 0.005)
    }

    func testNormalNumbersHaveStandardMoments() {
        var random = CounterRandom(seed: 7, purpose: .initialization)
        let numbers = (0..<100_000).map { _ in Double(random.normal()) }
        XCTAssertEqual(numbers.reduce(0, +) / 100_000, 0, accuracy: 0.015)
        XCTAssertEqual(numbers.reduce(0) { $0 + $1 * $1 } / 100_000, 1, accuracy: 0.02)
    }

    func testAPermutationContainsEveryNumberOnce() {
        for count in [0, 1, 2, 1000] {
            var random = CounterRandom(seed: 1, purpose: .shuffling, step: 4)
            XCTAssertEqual(random.permutation(count).sorted(), Array(0..<count))
        }
        var (first, second) = (CounterRandom(seed: 1, purpose: .shuffling), CounterRandom(seed: 1, purpose: .shuffling, step: 1))
        XCTAssertNotEqual(first.permutation(100), second.permutation(100))
    }
}
