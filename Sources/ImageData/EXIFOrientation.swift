/// The orientation of the camera: the EXIF tag 0x0112, 1 … 8. Other values and missing EXIF data mean upright (1).
struct EXIFOrientation: Equatable {
    let value: Int

    init(value: Int) {
        self.value = (1...8).contains(value) ? value : 1
    }

    /// Takes the orientation of EXIF data. XMP data is used only if the EXIF data has no such tag, as Pillow's `getexif` does.
    ///
    /// - Parameters:
    ///   - exif: a TIFF file, which can follow "Exif\0\0".
    ///   - xmp: an XMP packet.
    init(exif: ArraySlice<UInt8>?, xmp: ArraySlice<UInt8>?) {
        if let exif, let value = TIFFDirectory.orientation(exif) {
            self.init(value: value)
        } else {
            self.init(value: xmp.flatMap(Self.inXMP) ?? 1)
        }
    }

    /// Finds the digit in tiff:Orientation="6" (an attribute) or <tiff:Orientation>6 (an element).
    private static func inXMP(_ packet: ArraySlice<UInt8>) -> Int? {
        let name = Array("tiff:Orientation".utf8)
        var rest = packet
        while let start = rest.firstIndex(of: name[0]) {
            rest = rest[start...]
            if rest.starts(with: name) {
                let value = rest.dropFirst(name.count)
                let length = value.starts(with: "=\"".utf8) ? 2 : value.starts(with: ">".utf8) ? 1 : nil
                if let length, let digit = value.dropFirst(length).first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) {
                    return Int(digit - UInt8(ascii: "0"))
                }
            }
            rest = rest.dropFirst()
        }
        return nil
    }

    /// Returns the upright image.
    func apply(to image: PixelImage) -> PixelImage {
        if value == 1 { return image }
        let (width, height) = (image.width, image.height)
        // Orientations 5 … 8 exchange width and height.
        let (newWidth, newHeight) = value >= 5 ? (height, width) : (width, height)
        let pixels = [UInt8](unsafeUninitializedCapacity: image.pixels.count) { target, count in
            image.pixels.withUnsafeBufferPointer { stored in
                for row in 0..<newHeight {
                    for column in 0..<newWidth {
                        let (sourceRow, sourceColumn) = source(row, column, width: width, height: height)
                        let (to, from) = ((row * newWidth + column) * 3, (sourceRow * width + sourceColumn) * 3)
                        for channel in 0..<3 { target[to + channel] = stored[from + channel] }
                    }
                }
            }
            count = image.pixels.count
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
