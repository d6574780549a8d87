import Foundation
import Randomness
import TestSupport
import XCTest

@testable import ImageData

/// Compares TrivialAugment with torchvision's on PIL images. `make_augmentation_fixtures.py` wrote the expected results.
final class TrivialAugmentTests: XCTestCase {
    private static let folder = repositoryRoot + "/Tests/Fixtures/augmentation/"
    private let side = 40

    private struct Case: Decodable {
        var operation: String
        var strength: Int
        var isNegative: Bool
        var magnitude: Float
        var checksums: [String: UInt32]
        /// The place in samples.png.
        var sample: Int?

        var augment: TrivialAugment? {
            TrivialAugment.Operation(rawValue: operation).map { TrivialAugment($0, strength: strength, isNegative: isNegative) }
        }
    }

    private func cases() throws -> [Case] {
        try JSONDecoder().decode([Case].self, from: Data(contentsOf: URL(fileURLWithPath: Self.folder + "trivial_augment.json")))
    }

    private func image(_ name: String) throws -> ByteImage {
        let image = try ImageDecoder.decode(contentsOf: Self.folder + name + ".png")
        return ByteImage(width: image.width, height: image.height, pixels: image.pixels)
    }

    /// FNV-1a with 32 bits.
    private func checksum(_ bytes: [UInt8]) -> UInt32 {
        bytes.reduce(0x811C_9DC5) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
    }

    func testOperationsAndStrengthsAreTorchvisions() throws {
        let cases = try cases()
        XCTAssertEqual(cases.count, 1 + 9 * 62 + 2 * 31 + 2)
        var names: [String] = []
        for one in cases where names.last != one.operation { names.append(one.operation) }
        XCTAssertEqual(names, TrivialAugment.Operation.allCases.map(\.rawValue))
        for one in cases {
            XCTAssertEqual(try XCTUnwrap(one.augment).magnitude, one.magnitude, "\(one.operation) \(one.strength)")
        }
    }

    func testThePixelsOfAnImageAreThoseOfPIL() throws {
        let input = try image("input")
        let samples = try image("samples").pixels
        let count = side * side * 3
        var compared = 0
        for one in try cases() {
            guard let sample = one.sample else { continue }
            var result = input
            try XCTUnwrap(one.augment).apply(&result)
            let expected = samples[sample * count..<(sample + 1) * count].map { Float($0) }
            assertClose(result.pixels.map { Float($0) }, expected, relativeTolerance: 0, absoluteTolerance: 0, one.operation)
            compared += 1
        }
        XCTAssertEqual(compared, TrivialAugment.Operation.allCases.count)
    }

    func testEveryStrengthOfEveryOperationGivesThePixelsOfPIL() throws {
        for name in ["input", "flat"] {
            let input = try image(name)
            for one in try cases() {
                var result = input
                try XCTUnwrap(one.augment).apply(&result)
                let label = "\(name): \(one.operation) \(one.strength)\(one.isNegative ? " negative" : "")"
                XCTAssertEqual(checksum(result.pixels), one.checksums[name], label)
            }
        }
    }

    func testOperationsStrengthsAndSignsAreDrawnUniformly() {
        let draws = (0..<14_000).map { sample -> TrivialAugment in
            var random = CounterRandom(seed: 3, purpose: .trivialAugment, step: 1, sample: sample)
            return TrivialAugment(&random)
        }
        for operation in TrivialAugment.Operation.allCases {
            // 1,000 are expected; the standard deviation is 30.
            XCTAssertEqual(Double(draws.filter { $0.operation == operation }.count), 1000, accuracy: 150, operation.rawValue)
        }
        for strength in [0, 15, 30] {
            XCTAssertEqual(Double(draws.filter { $0.strength == strength }.count), 14_000 / 31, accuracy: 110, "\(strength)")
        }
        XCTAssertEqual(Double(draws.filter(\.isNegative).count), 7000, accuracy: 300)
    }

    func testFloatsAreRoundedToBytesAndTheIdentityChangesNothing() {
        let values: [Float] = [-3, 10.4, 10.6, 254.6, 300, 127.5, 1, 2, 3, 4, 5, 6]
        var unchanged = values
        TrivialAugment(.identity, strength: 4).apply(&unchanged, size: 2)
        XCTAssertEqual(unchanged, values)
        var rounded = values
        TrivialAugment(.brightness, strength: 0).apply(&rounded, size: 2)
        XCTAssertEqual(rounded, [0, 10, 11, 255, 255, 128, 1, 2, 3, 4, 5, 6])
    }

    /// With a normalisation that keeps bytes, and without crop and flip, the transform's result is that of the drawn operation.
    func testTheTransformAppliesItBeforeNormalisationAndChangesNoOtherDraw() throws {
        let input = try image("input")
        let photo = PixelImage(width: side, height: side, pixels: input.pixels)
        func output(_ trivialAugment: Bool, flip: Bool, _ sample: Int) -> [Float] {
            let transform = TrainingTransform(
                size: side,
                augmentation: AugmentationOptions(cropScale: 1...1, cropRatio: 1...1, flip: flip, trivialAugment: trivialAugment),
                normalization: Normalization(mean: [0, 0, 0], standardDeviation: [1, 1, 1]), seed: 8, epoch: 2)
            var output = [Float](repeating: 0, count: side * side * 3)
            transform.apply(photo, sampleIndex: sample, into: &output)
            return output.map { $0 * 255 }
        }
        for sample in 0..<30 {
            var random = CounterRandom(seed: 8, purpose: .trivialAugment, step: 2, sample: sample)
            let augment = TrivialAugment(&random)
            for flip in [false, true] {
                var expected = output(false, flip: flip, sample)
                augment.apply(&expected, size: side)
                assertClose(
                    output(true, flip: flip, sample), expected, relativeTolerance: 0, absoluteTolerance: 1e-3, augment.operation.rawValue)
            }
        }
    }
}
