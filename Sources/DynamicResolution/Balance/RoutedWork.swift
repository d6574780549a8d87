/// The images of a micro-batch in each pass of the classifier over a routed sub-batch, as indices in the order of the batch. With m
/// resolutions, kind j is the training of resolution j, and kind m + j is the forward pass of the images that probe it.
struct RoutedWork: Equatable {
    /// 2 m lists.
    let images: [[Int]]
    /// m.
    let resolutionCount: Int

    /// - Parameters:
    ///   - decision: on this rank's images.
    ///   - isCascade: whether all images have a pass at the smallest resolution, which then has no routed sub-batch.
    init(_ decision: PolicyDecision, resolutionCount: Int, isCascade: Bool) {
        self.resolutionCount = resolutionCount
        var images = [decision.choices, decision.probes].flatMap {
            Router.subBatches(choices: $0, resolutionCount: resolutionCount)
        }
        if isCascade { (images[resolutionCount - 1], images[2 * resolutionCount - 1]) = ([], []) }
        self.images = images
    }

    /// The number of a pass.
    func kind(_ resolution: Int, isProbe: Bool) -> Int { isProbe ? resolutionCount + resolution : resolution }

    /// The resolution index of a kind.
    func resolution(_ kind: Int) -> Int { kind % resolutionCount }
}
