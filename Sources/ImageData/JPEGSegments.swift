/// The segments of a JPEG file before its first scan that say how the camera was held.
///
/// The search is Pillow's: it skips bytes that are no marker, and takes all segments up to the first scan.
struct JPEGSegments {
    /// The EXIF data, "Exif\0\0" first. Data that is divided into several segments is joined.
    private(set) var exif: [UInt8]?
    /// The last XMP packet.
    private(set) var xmp: ArraySlice<UInt8>?

    private static let exifName = Array("Exif\0\0".utf8)
    private static let xmpName = Array("http://ns.adobe.com/xap/1.0/\0".utf8)
    private static let (startOfScan, application1): (UInt8, UInt8) = (0xDA, 0xE1)

    init(_ file: [UInt8]) {
        // After the marker of the start of the image.
        var position = 2
        while position + 1 < file.count {
            guard file[position] == 0xFF else {
                position += 1
                continue
            }
            let marker = file[position + 1]
            switch marker {
            // The second byte can begin a marker.
            case 0xFF: position += 1
            case 0x00: position += 2
            // Pillow rejects these.
            case 0x01..<0xC0: return
            default:
                position += 2
                guard Self.hasContent(marker) else { continue }
                guard position + 2 <= file.count else { return }
                let length = Int(file[position]) << 8 | Int(file[position + 1])
                guard length >= 2, position + length <= file.count else { return }
                if marker == Self.application1 { add(file[(position + 2)..<(position + length)]) }
                if marker == Self.startOfScan { return }
                position += length
            }
        }
    }

    /// Whether a marker has a length and content: tables, frames, scans, application segments, comments.
    private static func hasContent(_ marker: UInt8) -> Bool {
        switch marker {
        // Extensions, restarts, start and end of the image.
        case 0xC8, 0xD0...0xD9, 0xF0...0xFD, 0xFF: false
        default: true
        }
    }

    private mutating func add(_ content: ArraySlice<UInt8>) {
        if content.starts(with: Self.exifName) {
            exif = exif.map { $0 + content.dropFirst(Self.exifName.count) } ?? Array(content)
        } else if content.starts(with: Self.xmpName) {
            xmp = content.dropFirst(Self.xmpName.count)
        }
    }
}
