import CTurboJPEG
import Foundation

/// Decodes one JPEG file. Supports baseline and progressive files in grey, YCbCr, RGB, CMYK and YCCK.
struct JPEGDecoder {
    let path: String
    let data: Data

    func decode() throws -> PixelImage {
        guard let decompressor = tjInitDecompress() else { throw damaged("libjpeg-turbo cannot start: not enough memory") }
        defer { tjDestroy(decompressor) }
        let image = try data.withUnsafeBytes { bytes -> PixelImage in
            let source = bytes.bindMemory(to: UInt8.self).baseAddress!
            var (width, height, subsampling, colorspace) = (Int32(0), Int32(0), Int32(0), Int32(0))
            guard
                tjDecompressHeader3(
                    decompressor, source, UInt(bytes.count), &width, &height, &subsampling, &colorspace) == 0
            else { throw damaged(reason(decompressor)) }
            try ImageDecoder.checkSize(path: path, width: Int(width), height: Int(height))
            let isCMYK = colorspace == TJCS_CMYK.rawValue || colorspace == TJCS_YCCK.rawValue
            let format = isCMYK ? TJPF_CMYK : TJPF_RGB
            var pixels = [UInt8](repeating: 0, count: Int(width) * Int(height) * (isCMYK ? 4 : 3))
            // PIL uses the accurate transform, too.
            let status = tjDecompress2(
                decompressor, source, UInt(bytes.count), &pixels, width, 0, height, Int32(format.rawValue), TJFLAG_ACCURATEDCT)
            if status != 0 && !isHarmless(decompressor) { throw damaged(reason(decompressor)) }
            return PixelImage(
                width: Int(width), height: Int(height), pixels: isCMYK ? Self.rgb(cmyk: pixels, inverted: hasAdobeMarker) : pixels)
        }
        return EXIFOrientation(jpeg: data).apply(to: image)
    }

    /// Whether the decompressor's warning can be ignored. Extraneous bytes between markers are harmless. A truncated file causes only a
    /// warning, too, but its missing part decodes as grey pixels, which must not be trained on.
    private func isHarmless(_ decompressor: tjhandle) -> Bool {
        tjGetErrorCode(decompressor) == TJERR_WARNING.rawValue && reason(decompressor).contains("extraneous bytes")
    }

    private func reason(_ decompressor: tjhandle) -> String { String(cString: tjGetErrorStr2(decompressor)) }

    private func damaged(_ reason: String) -> ImageError { .damaged(path: path, format: "JPEG", reason: reason) }

    /// Whether the file has an APP14 segment of Adobe. Adobe's programs store inverted inks and mark the file with this segment.
    private var hasAdobeMarker: Bool {
        data.prefix(65_536).range(of: Data("Adobe".utf8)) != nil
    }

    /// Converts CMYK to RGB without colour profiles, as PIL does: red = (1 − cyan)(1 − black), and likewise green and blue.
    private static func rgb(cmyk: [UInt8], inverted: Bool) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: cmyk.count / 4 * 3)
        for pixel in 0..<cmyk.count / 4 {
            func light(_ channel: Int) -> Int { inverted ? Int(cmyk[4 * pixel + channel]) : 255 - Int(cmyk[4 * pixel + channel]) }
            for channel in 0..<3 {
                result[3 * pixel + channel] = UInt8((light(channel) * light(3) + 127) / 255)
            }
        }
        return result
    }
}
