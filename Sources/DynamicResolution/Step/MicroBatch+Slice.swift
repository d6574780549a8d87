import NeuralNetwork

extension MicroBatch {
    /// Some consecutive images, as a micro-batch of their own.
    public func slice(_ range: Range<Int>) -> MicroBatch {
        func part<Element>(_ elements: [Element]) -> [Element] { elements.isEmpty ? [] : Array(elements[range]) }
        return MicroBatch(
            images: images.gathering(Array(range)), labels: Array(labels[range]), sampleIndices: Array(sampleIndices[range]),
            partnerLabels: part(partnerLabels), partnerShares: part(partnerShares))
    }
}
