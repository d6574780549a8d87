import CPNG
import Foundation

/// Decodes one PNG file. Supports grey, palette and RGB files with 1 to 16 bits, with or without interlacing. Transparent pixels are
/// composed over white.
struct PNGDecoder {
    let path: String
    let data: Data

    func decode() throws -> PixelImage {
        try data.withUnsafeBytes { bytes in
            try PNGControl.withControl { control in try decode(bytes, control) }
        }
    }

    private func decode(_ bytes: UnsafeRawBufferPointer, _ control: UnsafeMutablePointer<png_image>) throws -> PixelImage {
        guard png_image_begin_read_from_memory(control, bytes.baseAddress, bytes.count) != 0 else {
            throw damaged(control.pointee.messageText)
        }
        let (width, height) = (Int(control.pointee.width), Int(control.pointee.height))
        try ImageDecoder.checkSize(path: path, width: width, height: height)
        control.pointee.format = png_uint_32(PNG_FORMAT_FLAG_COLOR | PNG_FORMAT_FLAG_ALPHA)
        // By default, libpng reads 16-bit files without a gamma chunk as linear light. Cameras and PIL mean sRGB.
        control.pointee.flags |= png_uint_32(PNG_IMAGE_FLAG_16BIT_sRGB)
        var pixels = [UInt8](repeating: 0, count: width * height * 4)
        guard png_image_finish_read(control, nil, &pixels, 0, nil) != 0 else { throw damaged(control.pointee.messageText) }
        return PixelImage(width: width, height: height, pixels: Self.overWhite(pixels))
    }

    private func damaged(_ reason: String) -> ImageError { .damaged(path: path, format: "PNG", reason: reason) }

    private static func overWhite(_ rgba: [UInt8]) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: rgba.count / 4 * 3)
        for pixel in 0..<rgba.count / 4 {
            let alpha = Int(rgba[4 * pixel + 3])
            for channel in 0..<3 {
                let value = Int(rgba[4 * pixel + channel]) * alpha + 255 * (255 - alpha)
                result[3 * pixel + channel] = UInt8((value + 127) / 255)
            }
        }
        return result
    }
}
