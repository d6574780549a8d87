import Kernels

extension PixelImage {
    /// The image as a thumbnail: both sides are at most `side` pixels, and the aspect ratio is kept. A smaller image is unchanged.
    ///
    /// - Parameter side: at least 1.
    public func scaled(toFit side: Int) -> PixelImage {
        let longer = max(width, height)
        guard longer > side else { return self }
        func scaled(_ length: Int) -> Int { max(1, Int((Double(length) * Double(side) / Double(longer)).rounded())) }
        let (newWidth, newHeight) = (scaled(width), scaled(height))
        let resize = BilinearResize(inputHeight: height, inputWidth: width, outputHeight: newHeight, outputWidth: newWidth)
        var values = [Float](repeating: 0, count: newWidth * newHeight * 3)
        values.withUnsafeMutableBufferPointer { target in
            pixels.withUnsafeBufferPointer { source in
                if let source = source.baseAddress, let target = target.baseAddress {
                    resize(source, rowStride: width * 3, channels: 3, into: target)
                }
            }
        }
        return PixelImage(width: newWidth, height: newHeight, pixels: values.map { UInt8(min(255, max(0, $0.rounded()))) })
    }
}
