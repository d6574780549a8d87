import CWebP

/// Decodes one WebP file: lossy or lossless, with or without transparency, and the first frame of an animation. Transparent pixels are
/// composed over white.
struct WebPDecoder {
    let path: String
    let file: [UInt8]

    func decode() throws -> PixelImage {
        try file.withUnsafeBufferPointer { bytes in
            var features = WebPBitstreamFeatures()
            let status = WebPGetFeatures(bytes.baseAddress, bytes.count, &features)
            guard status == VP8_STATUS_OK else { throw damaged(status) }
            let (width, height) = (Int(features.width), Int(features.height))
            try ImageDecoder.checkSize(path: path, width: width, height: height)
            var data = WebPData(bytes: bytes.baseAddress, size: bytes.count)
            // The demultiplexer checks the sizes of all chunks.
            guard let container = WebPDemux(&data) else { throw damaged("its chunks are damaged or truncated") }
            defer { WebPDemuxDelete(container) }
            let image =
                features.has_animation != 0
                ? try decodeFirstFrame(&data, hasAlpha: features.has_alpha != 0)
                : try decodeStill(bytes, width: width, height: height, hasAlpha: features.has_alpha != 0)
            return EXIFOrientation(exif: Self.chunk("EXIF", container), xmp: Self.chunk("XMP ", container)).apply(to: image)
        }
    }

    private func decodeStill(_ bytes: UnsafeBufferPointer<UInt8>, width: Int, height: Int, hasAlpha: Bool) throws -> PixelImage {
        let channels = hasAlpha ? 4 : 3
        let pixels = try [UInt8](unsafeUninitializedCapacity: width * height * channels) { pixels, count in
            var configuration = WebPDecoderConfig()
            guard WebPInitDecoderConfig(&configuration) != 0 else { throw damaged("libwebp has another version than its headers") }
            configuration.output.colorspace = hasAlpha ? MODE_RGBA : MODE_RGB
            configuration.output.is_external_memory = 1
            configuration.output.u.RGBA = WebPRGBABuffer(rgba: pixels.baseAddress, stride: Int32(width * channels), size: pixels.count)
            let status = WebPDecode(bytes.baseAddress, bytes.count, &configuration)
            WebPFreeDecBuffer(&configuration.output)
            guard status == VP8_STATUS_OK else { throw damaged(status) }
            count = pixels.count
        }
        let rgb = hasAlpha ? pixels.withUnsafeBufferPointer { Self.overWhite($0.baseAddress!, width * height) } : pixels
        return PixelImage(width: width, height: height, pixels: rgb)
    }

    private func decodeFirstFrame(_ data: inout WebPData, hasAlpha: Bool) throws -> PixelImage {
        var options = WebPAnimDecoderOptions()
        var information = WebPAnimInfo()
        guard WebPAnimDecoderOptionsInit(&options) != 0, let decoder = WebPAnimDecoderNew(&data, &options) else {
            throw damaged("the animation cannot be decoded")
        }
        defer { WebPAnimDecoderDelete(decoder) }
        var (frame, timestamp): (UnsafeMutablePointer<UInt8>?, Int32) = (nil, 0)
        guard WebPAnimDecoderGetInfo(decoder, &information) != 0, WebPAnimDecoderGetNext(decoder, &frame, &timestamp) != 0, let frame else {
            throw damaged("the first frame cannot be decoded")
        }
        let (width, height) = (Int(information.canvas_width), Int(information.canvas_height))
        // A frame of a file without transparency can be smaller than the image. Pillow shows black around it.
        let rgb = hasAlpha ? Self.overWhite(frame, width * height) : Self.withoutAlpha(frame, width * height)
        return PixelImage(width: width, height: height, pixels: rgb)
    }

    private static func chunk(_ name: String, _ container: OpaquePointer) -> ArraySlice<UInt8>? {
        var iterator = WebPChunkIterator()
        defer { WebPDemuxReleaseChunkIterator(&iterator) }
        guard WebPDemuxGetChunk(container, name, 1, &iterator) != 0 else { return nil }
        return Array(UnsafeBufferPointer(start: iterator.chunk.bytes, count: iterator.chunk.size))[...]
    }

    private static func overWhite(_ rgba: UnsafePointer<UInt8>, _ pixels: Int) -> [UInt8] {
        convert(rgba, pixels) { Transparency.overWhite($0, alpha: $1) }
    }

    private static func withoutAlpha(_ rgba: UnsafePointer<UInt8>, _ pixels: Int) -> [UInt8] {
        convert(rgba, pixels) { value, _ in value }
    }

    @inline(__always)
    private static func convert(_ rgba: UnsafePointer<UInt8>, _ pixels: Int, _ color: (UInt8, UInt8) -> UInt8) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: pixels * 3) { target, count in
            for pixel in 0..<pixels {
                for channel in 0..<3 { target[3 * pixel + channel] = color(rgba[4 * pixel + channel], rgba[4 * pixel + 3]) }
            }
            count = pixels * 3
        }
    }

    private func damaged(_ status: VP8StatusCode) -> ImageError {
        switch status {
        case VP8_STATUS_OUT_OF_MEMORY: .noMemory(path: path)
        case VP8_STATUS_NOT_ENOUGH_DATA, VP8_STATUS_SUSPENDED: damaged("it is truncated")
        case VP8_STATUS_UNSUPPORTED_FEATURE: damaged("it uses an unknown feature of the format")
        default: damaged("its data is invalid")
        }
    }

    private func damaged(_ reason: String) -> ImageError { .damaged(path: path, format: "WebP", reason: reason) }
}
