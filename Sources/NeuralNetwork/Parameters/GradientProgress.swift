/// Reports during the last backward pass of a step which gradients are complete, so that their sums over the ranks can begin.
///
/// A backward pass computes the gradients from the last layer to the first. Parameters are in the arena in the order of the forward pass.
/// Complete gradients are therefore the end of the arena, which grows.
public final class GradientProgress {
    /// Whether the next backward pass is the last one of this network in the step. Earlier passes report nothing.
    public var isLastPass = false
    private var report: ((Int) -> Void)?

    public init() {}

    /// Begins a step.
    ///
    /// - Parameter report: receives an offset in the arena. The gradients from it on are complete. Nil: the step reports nothing.
    public func begin(_ report: ((Int) -> Void)?) {
        self.report = report
        isLastPass = false
    }

    /// The gradients from `offset` on are complete.
    func complete(from offset: Int) {
        if isLastPass { report?(offset) }
    }

    /// All gradients of the network are complete. A rank without images for the last pass has no such pass, and calls this method alone.
    public func completeAll() {
        report?(0)
        report = nil
    }
}
