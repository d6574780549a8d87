import DynamicResolution
import Foundation
import ImageData
import NeuralNetwork
import TestSupport
import XCTest

@testable import Configuration
@testable import Inference

/// Compares what a network with a resize ratio for each resolution sees with what torchvision's transforms of that resolution alone would
/// show it: `EvaluationTransform` is compared with them elsewhere.
final class ResizeRatioTests: XCTestCase {
    private let resolutions = [64, 48, 32]

    /// A smooth photo, so that resizing twice loses little.
    private let photo: PixelImage = {
        var image = PixelImage(width: 150, height: 120, fill: (0, 0, 0))
        for row in 0..<120 {
            for column in 0..<150 {
                let (x, y) = (Double(column) / 12, Double(row) / 15)
                let values = [sin(x + y), cos(x - y / 2), sin(y) * cos(x)]
                for channel in 0..<3 { image.pixels[(row * 150 + column) * 3 + channel] = UInt8(127.5 + 120 * values[channel]) }
            }
        }
        return image
    }()

    private func image(size: Int, ratio: Double) -> Tensor {
        let tensor = Tensor(Shape(batch: 1, height: size, width: size, channels: 3))
        EvaluationTransform(size: size, resizeRatio: ratio, normalization: Normalization(mean: [0, 0, 0], standardDeviation: [1, 1, 1]))
            .apply(photo, sampleIndex: 0, into: tensor.data)
        return tensor
    }

    /// The images that the network classifies at each resolution.
    private func views(_ ratio: String) throws -> [[Float]] {
        let configuration = try TrainingConfiguration.load(
            path: "\(repositoryRoot)/configs/quickstart.yaml", overrides: ["resolutions=\(resolutions)", "data.resizeRatio=\(ratio)"])
        let network = FrozenDRNet(try DRNet(configuration, classCount: 3))
        let images = image(size: 64, ratio: configuration.data.widestResizeRatio)
        return resolutions.indices.map { network.resizing(images, toResolution: $0).values }
    }

    /// Values are 0 … 1. Resizing twice blurs; 0.02 are five grey levels.
    func testEachResolutionSeesTheCentreCropOfItsRatio() throws {
        let views = try views("[1.25, 1, 1.5]")
        for (index, ratio) in [1.25, 1, 1.5].enumerated() {
            assertClose(
                views[index], image(size: resolutions[index], ratio: ratio).values, relativeTolerance: 0, absoluteTolerance: 0.02,
                "\(resolutions[index]) pixels")
        }
        let other = image(size: 32, ratio: 1.25).values
        XCTAssertGreaterThan(zip(views[2], other).map { abs($0 - $1) }.max()!, 0.1, "the comparison can fail")
    }

    func testASingleRatioGivesTheBitsOfWholeImages() throws {
        let views = try views("1.25")
        XCTAssertEqual(try self.views("[1.25, 1.25, 1.25]"), views)
        let images = image(size: 64, ratio: 1.25)
        XCTAssertEqual(views[0], images.values)
        let model = try DRNet(
            TrainingConfiguration.load(
                path: "\(repositoryRoot)/configs/quickstart.yaml",
                overrides: ["resolutions=\(resolutions)", "data.resizeRatio=[1.25, 1, 1.5]"]), classCount: 3)
        for index in resolutions.indices {
            XCTAssertEqual(model.resizing(images, toResolution: index).values, views[index], "training sees whole images")
        }
    }
}
