import CEXIF
import Foundation

/// The orientation of the camera: the EXIF tag 0x0112, 1 … 8. Other values and missing EXIF data mean upright (1).
struct EXIFOrientation: Equatable {
    let value: Int

    init(value: Int) {
        self.value = (1...8).contains(value) ? value : 1
    }

    init(jpeg: Data) {
        let found = jpeg.withUnsafeBytes { bytes -> Int in
            guard let source = bytes.bindMemory(to: UInt8.self).baseAddress,
                let exif = exif_data_new_from_data(source, UInt32(bytes.count))
            else { return 1 }
            defer { exif_data_unref(exif) }
            guard let entry = exif_content_get_entry(exif.pointee.ifd.0, EXIF_TAG_ORIENTATION),
                entry.pointee.format == EXIF_FORMAT_SHORT, entry.pointee.components >= 1
            else { return 1 }
            return Int(exif_get_short(entry.pointee.data, exif_data_get_byte_order(exif)))
        }
        self.init(value: found)
    }

    /// Returns the upright image.
    func apply(to image: PixelImage) -> PixelImage {
        if value == 1 { return image }
        let (width, height) = (image.width, image.height)
        // Orientations 5 … 8 exchange width and height.
        let (newWidth, newHeight) = value >= 5 ? (height, width) : (width, height)
        var pixels = [UInt8](repeating: 0, count: image.pixels.count)
        for row in 0..<newHeight {
            for column in 0..<newWidth {
                let (sourceRow, sourceColumn) = source(row, column, width: width, height: height)
                for channel in 0..<3 {
                    pixels[(row * newWidth + column) * 3 + channel] = image.pixels[(sourceRow * width + sourceColumn) * 3 + channel]
                }
            }
        }
        return PixelImage(width: newWidth, height: newHeight, pixels: pixels)
    }

    /// Returns the row and column, in the stored image of `width` × `height`, of a pixel of the upright image.
    private func source(_ row: Int, _ column: Int, width: Int, height: Int) -> (Int, Int) {
        switch value {
        case 2: return (row, width - 1 - column)
        case 3: return (height - 1 - row, width - 1 - column)
        case 4: return (height - 1 - row, column)
        case 5: return (column, row)
        case 6: return (height - 1 - column, row)
        case 7: return (height - 1 - column, width - 1 - row)
        default: return (column, width - 1 - row)
        }
    }
}
