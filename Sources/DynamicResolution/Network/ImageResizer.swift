import Kernels
import NeuralNetwork

/// Resizes batches of square images between the loader's size and those of the predictor and the candidates, bilinearly and
/// antialiased.
final class ImageResizer {
    private var tables: [Sizes: BilinearResize] = [:]

    /// Rows of the output that one task computes.
    private static let bandRows = 16

    private struct Sizes: Hashable {
        var input: Int
        var output: Int
    }

    /// images [N, H, H, C] → [N, size, size, C]. The same tensor where the size does not change.
    func resize(_ images: Tensor, to size: Int) -> Tensor {
        let shape = images.shape
        if shape.height == size { return images }
        let resize = table(Sizes(input: shape.height, output: size))
        let output = Tensor(Shape(batch: shape.batch, height: size, width: size, channels: shape.channels), images.context)
        images.context.threads.forEachBand(images: shape.batch, rows: size, bandRows: Self.bandRows) { image, rows in
            resize(
                UnsafePointer(images.image(image)), rowStride: shape.width * shape.channels, channels: shape.channels, outputRows: rows,
                into: output.image(image))
        }
        return output
    }

    private func table(_ sizes: Sizes) -> BilinearResize {
        if let table = tables[sizes] { return table }
        let table = BilinearResize(
            inputHeight: sizes.input, inputWidth: sizes.input, outputHeight: sizes.output, outputWidth: sizes.output)
        tables[sizes] = table
        return table
    }
}
