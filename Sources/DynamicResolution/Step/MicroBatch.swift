import NeuralNetwork

/// One micro-batch of this rank: images at the largest resolution [N, r_1, r_1, 3], with what belongs to them.
public struct MicroBatch {
    public var images: Tensor
    public var labels: [Int32]
    /// Indices in the data set, which key the noise.
    public var sampleIndices: [Int]
    /// The second label of each mixed image; empty if no image is mixed.
    public var partnerLabels: [Int32]
    /// The share of the second label in each image's target, 0…1; empty if no image is mixed. An image that is not mixed has 0.
    public var partnerShares: [Float]
    /// The teacher's logits [N, 1, 1, classes]; nil without a teacher.
    var teacherLogits: Tensor?
    /// Whether the images have the resolution of their pass already, because they came from other ranks.
    var isResized = false

    /// - Parameters:
    ///   - images: at the largest resolution.
    ///   - labels: one for each image.
    ///   - sampleIndices: in the data set, one for each image.
    ///   - partnerLabels: the second label of each mixed image; empty if no image is mixed.
    ///   - partnerShares: the share of the second label; empty if no image is mixed.
    public init(
        images: Tensor, labels: [Int32], sampleIndices: [Int], partnerLabels: [Int32] = [], partnerShares: [Float] = []
    ) {
        precondition(partnerLabels.count == partnerShares.count, "each second label has a share")
        precondition(partnerLabels.isEmpty || partnerLabels.count == labels.count, "all images have a second label, or none")
        self.images = images
        self.labels = labels
        self.sampleIndices = sampleIndices
        self.partnerLabels = partnerLabels
        self.partnerShares = partnerShares
    }

    /// The images `indices`; without a copy where they are all of them.
    public func gathering(_ indices: [Int]) -> Tensor {
        indices.count == labels.count ? images : images.gathering(indices)
    }

    /// What the classifier learns about an image.
    func target(of image: Int) -> ClassificationTarget {
        var target = ClassificationTarget(label: Int(labels[image]))
        target.teacherLogits = teacherLogits.map { UnsafePointer($0.image(image)) }
        if !partnerShares.isEmpty { (target.partner, target.share) = (Int(partnerLabels[image]), partnerShares[image]) }
        return target
    }
}
