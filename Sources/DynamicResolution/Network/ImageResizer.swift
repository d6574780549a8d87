import Kernels
import NeuralNetwork

/// Resizes batches of square images from the largest resolution to the candidates' and the predictor's size, bilinearly and antialiased.
struct ImageResizer: Sendable {
    private let resolutions: [Int]
    private let predictorInputSize: Int
    /// Positions and weights of the input pixels, by output size.
    private let tables: [Int: BilinearResize]

    /// Rows of the output that one task computes.
    private static let bandRows = 16

    /// - Parameter resolutions: the candidates, largest first.
    init(resolutions: [Int], predictorInputSize: Int) {
        self.resolutions = resolutions
        self.predictorInputSize = predictorInputSize
        let input = resolutions[0]
        let sizes = Set(resolutions + [predictorInputSize]).subtracting([input])
        tables = Dictionary(
            uniqueKeysWithValues: sizes.map {
                ($0, BilinearResize(inputHeight: input, inputWidth: input, outputHeight: $0, outputWidth: $0))
            })
    }

    /// Images [N, r_1, r_1, C] → [N, r_j, r_j, C].
    func resizing(_ images: Tensor, toResolution index: Int) -> Tensor { resizing(images, to: resolutions[index]) }

    /// Images [N, r_1, r_1, C] → [N, r_p, r_p, C].
    func resizingForPredictor(_ images: Tensor) -> Tensor { resizing(images, to: predictorInputSize) }

    /// The same tensor where the size does not change.
    private func resizing(_ images: Tensor, to size: Int) -> Tensor {
        let shape = images.shape
        precondition(
            shape.height == resolutions[0] && shape.width == resolutions[0],
            "images come in at the largest resolution, \(resolutions[0]), not as \(shape)")
        guard let resize = tables[size] else { return images }
        let output = Tensor(Shape(batch: shape.batch, height: size, width: size, channels: shape.channels), images.context)
        images.context.threads.forEachBand(images: shape.batch, rows: size, bandRows: Self.bandRows) { image, rows in
            resize(
                UnsafePointer(images.image(image)), rowStride: shape.width * shape.channels, channels: shape.channels, outputRows: rows,
                into: output.image(image))
        }
        return output
    }
}
