import Randomness
import XCTest

@testable import ImageData

final class ImageMixerTests: XCTestCase {
    private let size = 32

    private func mixtures(_ options: MixingOptions, count: Int = 4000) -> [Mixture] {
        let mixer = ImageMixer(options, size: size, seed: 4, epoch: 1)
        return (0..<count).map(mixer.mixture)
    }

    private func isBlend(_ mixture: Mixture) -> Bool {
        if case .blend = mixture { return true }
        return false
    }

    func testProbabilityAndChoiceOfTheMethod() {
        let both = mixtures(MixingOptions(mixup: 0.2, cutmix: 1, probability: 0.6))
        // The standard deviations are 31 and 24.
        XCTAssertEqual(Double(both.filter { $0 != .none }.count), 2400, accuracy: 155)
        XCTAssertEqual(Double(both.filter(isBlend).count), 1200, accuracy: 145)
        XCTAssertTrue(mixtures(MixingOptions(mixup: 0.2)).allSatisfy(isBlend))
        XCTAssertFalse(mixtures(MixingOptions(cutmix: 1)).contains { isBlend($0) || $0 == .none })
    }

    /// For α = 1 the shares are uniform. Clipping at the image's border makes CutMix's smaller.
    func testSharesFollowTheBetaDistribution() {
        func mean(_ options: MixingOptions) -> Float {
            mixtures(options).reduce(0) { $0 + $1.share(size: size) } / 4000
        }
        XCTAssertEqual(mean(MixingOptions(mixup: 1)), 0.5, accuracy: 0.02)
        XCTAssertEqual(mean(MixingOptions(mixup: 0.2)), 0.5, accuracy: 0.04)
        let cutmix = mean(MixingOptions(cutmix: 1))
        XCTAssertTrue((0.2...0.45).contains(cutmix), "\(cutmix)")
    }

    func testTheShareOfCutMixIsThatOfThePixelsThatChange() {
        let boxes = mixtures(MixingOptions(cutmix: 1), count: 300)
        XCTAssertTrue(boxes.contains { $0.share(size: size) == 0 }, "a box can be empty")
        for mixture in boxes {
            guard case .paste(let box) = mixture else { return XCTFail("\(mixture)") }
            XCTAssertTrue(box.top >= 0 && box.left >= 0 && box.top + box.height <= size && box.left + box.width <= size)
            var image = [Float](repeating: 1, count: size * size * 3)
            mixture.apply(&image, [Float](repeating: 3, count: image.count), size: size)
            XCTAssertTrue(image.allSatisfy { $0 == 1 || $0 == 3 })
            XCTAssertEqual(Float(image.filter { $0 == 3 }.count) / Float(image.count), mixture.share(size: size), accuracy: 1e-6)
        }
    }

    /// Away from the borders, the box has the sides 2 · int(½ √share · size), as in torchvision.
    func testTheBoxHasTorchvisionsSides() {
        for (share, side) in [(0.25, 16), (0.1, 10), (0.0009, 0)] {
            let boxes = (0..<200).map { sample -> CropWindow in
                var random = CounterRandom(seed: 1, purpose: .mixing, sample: sample)
                return ImageMixer.box(share: share, size: size, &random)
            }
            XCTAssertEqual(boxes.map(\.height).max(), side)
            XCTAssertEqual(boxes.map(\.width).max(), side)
            XCTAssertTrue(boxes.allSatisfy { $0.height >= side / 2 && $0.width >= side / 2 })
        }
    }

    func testMixupBlendsAllPixels() {
        var image: [Float] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
        Mixture.blend(share: 0.25).apply(&image, [Float](repeating: -1, count: 12), size: 2)
        XCTAssertEqual(image, (1...12).map { 0.75 * Float($0) - 0.25 })
    }

    func testPartnersAreInTheSameStepAndTheSameForAllRanksAndMicroBatches() {
        let items = (0..<29).map { EpochItem(index: $0) }
        // Steps of 12, 12 and 5 images.
        let expected = (0..<29).map { place -> Int in
            let (first, count) = (place / 12 * 12, place < 24 ? 12 : 5)
            return first + (place - first + count - 2) % count
        }
        for ranks in 1...5 {
            for parts in [1, 2, 3] {
                let samplers = (0..<ranks).map {
                    EpochSampler(items: items, batchSize: 12 / parts, batchesPerStep: parts, rank: $0, rankCount: ranks)
                }
                let partners = (0..<samplers[0].batchCount).flatMap { batch in samplers.flatMap { $0.partners(batch, shift: 2) } }
                XCTAssertEqual(partners.map(\.index), expected, "\(ranks) ranks, \(parts) micro-batches")
            }
        }
    }

    func testAStepOfOneImageHasItselfAsPartner() {
        let sampler = EpochSampler(items: (0..<5).map { EpochItem(index: $0) }, batchSize: 4, rank: 0, rankCount: 1)
        XCTAssertEqual(sampler.partners(1, shift: 1), [EpochItem(index: 4)])
        XCTAssertEqual(sampler.partners(1, shift: 3), [EpochItem(index: 4)])
    }
}
