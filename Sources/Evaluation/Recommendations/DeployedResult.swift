import DynamicResolution
import Foundation
import Inference
import Interchange

/// Accuracy and cost of a deployment on some images, beside what it was expected to have.
public struct DeployedResult {
    public let images: Int
    public let top1: Double
    public let gigaFLOPs: Double

    /// - Parameters:
    ///   - results: of the deployed network.
    ///   - model: the network of the deployment.
    public init(_ results: [ImageResult], _ model: FrozenDRNet) {
        images = results.count
        top1 = results.map { $0.labelRank == 0 ? 1 : 0 }.mean ?? 0
        gigaFLOPs = ImageCosts.gigaFLOPs(model.flops).mean(shares: model.resolutions.indices.shares(of: results.map(\.choice)))
    }

    /// Two lines. The numbers of the images that made the recommendation are equal; those of others lie in the interval 95 times of 100.
    public func text(expected deployment: Deployment) -> String {
        let expected = deployment.expected
        let estimate = expected.crossFitted.top1
        return """
            deployed, \(deployment.description): \(Self.percent(top1)) % top-1 at \(Figures.threeDigits(gigaFLOPs)) GFLOPs an image
            expected: \(Self.percent(expected.top1)) % at \(Figures.threeDigits(expected.gigaFLOPs)) GFLOPs on the \
            \(expected.images) images of the recommendation; \(Self.percent(estimate.value)) % \
            (\(Self.percent(estimate.low)) … \(Self.percent(estimate.high))) on other images
            """
    }

    private static func percent(_ share: Double) -> String { String(format: "%.2f", 100 * share) }
}
