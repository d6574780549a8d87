import CZlib

/// The chunks of a PNG file that say how the camera was held, and whether the file ends within its pixels. Never reads outside of the file.
///
/// libpng could read these chunks, too. It would then allocate memory for all texts of the file.
struct PNGChunks {
    private(set) var exif: ArraySlice<UInt8>?
    /// EXIF data as hexadecimal text, as ImageMagick writes it.
    private var rawProfile: [UInt8]?
    /// The XMP packet as valid text, and as bytes that are not UTF-8. Pillow prefers the text.
    private var xmpText: ArraySlice<UInt8>?
    private var xmpBytes: ArraySlice<UInt8>?
    /// Whether the file ends inside of a chunk with pixels.
    private(set) var endsInsidePixels = false

    /// The largest text after decompression, in bytes. Pillow has the same limit.
    private static let textLimit = 1 << 20

    init(_ file: [UInt8]) {
        var position = 8
        while position + 8 <= file.count {
            let length = file[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
            let name = String(decoding: file[position + 4..<position + 8], as: UTF8.self)
            let end = position + 8 + length
            guard end <= file.count else {
                endsInsidePixels = name == "IDAT"
                return
            }
            add(name, file[position + 8..<end])
            if name == "IEND" { return }
            position = end + 4
        }
    }

    /// Pillow prefers the chunk eXIf to the text.
    var orientation: EXIFOrientation {
        let profile = exif ?? rawProfile.flatMap(Self.decodeProfile)?[...]
        return EXIFOrientation(exif: profile, xmp: xmpText.flatMap { $0.isEmpty ? nil : $0 } ?? xmpBytes)
    }

    private mutating func add(_ name: String, _ content: ArraySlice<UInt8>) {
        switch name {
        case "eXIf": exif = content
        case "tEXt", "zTXt":
            let (key, rest) = Self.split(content)
            // The first byte of a compressed text is the method.
            guard let text = name == "tEXt" ? rest : Self.inflate(rest.dropFirst())?[...] else { return }
            switch String(decoding: key, as: UTF8.self) {
            case "exif" where name == "tEXt": exif = text
            case "Raw profile type exif": rawProfile = Array(text)
            case "XML:com.adobe.xmp": xmpText = text
            default: break
            }
        case "iTXt": addInternational(content)
        default: break
        }
    }

    /// Content: key, 0, whether it is compressed, method, language, 0, translated key, 0, text.
    private mutating func addInternational(_ content: ArraySlice<UInt8>) {
        let (key, rest) = Self.split(content)
        let name = String(decoding: key, as: UTF8.self)
        guard name == "XML:com.adobe.xmp" || name == "Raw profile type exif", rest.count >= 2, let isCompressed = rest.first,
            let method = rest.dropFirst().first
        else { return }
        let (_, afterLanguage) = Self.split(rest.dropFirst(2))
        let (_, stored) = Self.split(afterLanguage)
        guard isCompressed == 0 || method == 0, let text = isCompressed == 0 ? stored : Self.inflate(stored)?[...] else { return }
        let isText = String(validating: text, as: UTF8.self) != nil
        if name == "XML:com.adobe.xmp" {
            xmpBytes = text
            if isText { xmpText = text }
        } else if isText {
            rawProfile = Array(text)
        }
    }

    /// Splits bytes at the first zero, which belongs to neither part. If there is no zero, the second part is empty.
    private static func split(_ bytes: ArraySlice<UInt8>) -> (ArraySlice<UInt8>, ArraySlice<UInt8>) {
        guard let zero = bytes.firstIndex(of: 0) else { return (bytes, bytes[bytes.endIndex...]) }
        return (bytes[..<zero], bytes[(zero + 1)...])
    }

    /// Decodes hexadecimal text after three lines: an empty one, the kind, the length. Returns nil if it has anything else.
    private static func decodeProfile(_ text: [UInt8]) -> [UInt8]? {
        let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropFirst(3)
        var result: [UInt8] = []
        var high: Int?
        for character in lines.joined() where character != UInt8(ascii: " ") {
            guard let digit = Character(UnicodeScalar(character)).hexDigitValue else { return nil }
            if let first = high {
                result.append(UInt8(first << 4 | digit))
                high = nil
            } else {
                high = digit
            }
        }
        return high == nil ? result : nil
    }

    /// Decompresses at most `textLimit` bytes. Returns nil if the data is damaged or larger.
    static func inflate(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
        // zlib compares the address of the structure between the calls. In Swift, the address that `&` yields is valid for one call only.
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        defer { stream.deallocate() }
        guard inflateInit_(stream, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else { return nil }
        defer { inflateEnd(stream) }
        var source = Array(bytes)
        // The memory grows with the text, so that many small chunks do not allocate the limit each.
        var result: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 1 << 14)
        return source.withUnsafeMutableBufferPointer { source in
            stream.pointee.next_in = source.baseAddress
            stream.pointee.avail_in = UInt32(source.count)
            while true {
                let (status, produced) = block.withUnsafeMutableBufferPointer { block in
                    stream.pointee.next_out = block.baseAddress
                    stream.pointee.avail_out = UInt32(block.count)
                    let status = CZlib.inflate(stream, Z_NO_FLUSH)
                    return (status, block.count - Int(stream.pointee.avail_out))
                }
                result += block[..<produced]
                guard result.count <= textLimit, status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else { return nil }
                if status != Z_OK { return result }
            }
        }
    }
}
