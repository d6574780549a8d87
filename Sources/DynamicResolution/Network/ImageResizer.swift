import Kernels
import NeuralNetwork

/// Resizes batches of square images from the largest resolution to the candidates' and the predictor's size, bilinearly and antialiased. A
/// candidate can have a view: it then sees the central part of the images only.
struct ImageResizer: Sendable {
    private let inputSize: Int
    /// Positions and weights of the input pixels for each candidate, largest first; nil where the image does not change.
    private let candidates: [BilinearResize?]
    /// The same for the predictor, which sees whole images.
    private let predictor: BilinearResize?

    /// Rows of the output that one task computes.
    private static let bandRows = 16

    /// - Parameters:
    ///   - resolutions: the candidates, largest first.
    ///   - predictorInputSize: the size of the predictor's input.
    ///   - views: the side of the central square that each candidate sees, as a share of the image's side; nil for whole images.
    init(resolutions: [Int], predictorInputSize: Int, views: [Double]? = nil) {
        let input = resolutions[0]
        func table(_ size: Int, view: Double = 1) -> BilinearResize? {
            size == input && view == 1 ? nil : BilinearResize(inputSize: input, outputSize: size, centralShare: view)
        }
        inputSize = input
        candidates = resolutions.enumerated().map { table($1, view: views?[$0] ?? 1) }
        predictor = table(predictorInputSize)
    }

    /// Images [N, r_1, r_1, C] → [N, r_j, r_j, C].
    func resizing(_ images: Tensor, toResolution index: Int) -> Tensor { resizing(images, candidates[index]) }

    /// Images [N, r_1, r_1, C] → [N, r_p, r_p, C].
    func resizingForPredictor(_ images: Tensor) -> Tensor { resizing(images, predictor) }

    /// The weights of the input's pixels along one axis, [output × input]; nil where the image does not change.
    ///
    /// - Parameter index: of the candidate; nil for the predictor's input.
    func matrix(toResolution index: Int?) -> [Float]? {
        let resize = index.map { candidates[$0] } ?? predictor
        return resize?.rowMatrix
    }

    /// The same tensor for nil.
    private func resizing(_ images: Tensor, _ resize: BilinearResize?) -> Tensor {
        let shape = images.shape
        precondition(
            shape.height == inputSize && shape.width == inputSize,
            "images come in at the largest resolution, \(inputSize), not as \(shape)")
        guard let resize else { return images }
        let size = resize.outputHeight
        let output = Tensor(Shape(batch: shape.batch, height: size, width: size, channels: shape.channels), images.context)
        images.context.threads.forEachBand(images: shape.batch, rows: size, bandRows: Self.bandRows) { image, rows in
            resize(
                UnsafePointer(images.image(image)), rowStride: shape.width * shape.channels, channels: shape.channels, outputRows: rows,
                into: output.image(image))
        }
        return output
    }
}
