import Foundation
import ImageData

/// A small picture of an image file, for the page itself.
enum Thumbnail {
    /// The longer side in pixels. A page with 100 of them has about half a megabyte.
    static let side = 144
    private static let quality = 78

    /// The picture as an element.
    ///
    /// - Parameters:
    ///   - source: the image.
    ///   - description: for readers who cannot see it.
    /// - Returns: a box with a word in place of a file that is gone or damaged.
    static func html(_ source: ImageSource, description: String) -> HTML {
        guard let picture = try? ImageDecoder.decode(source).scaled(toFit: side),
            let bytes = try? ImageEncoder.jpeg(picture, path: source.description, quality: quality)
        else { return .element("div", [("class", "missing")], ["the file cannot be read"]) }
        return .void(
            "img",
            [
                ("src", "data:image/jpeg;base64," + Data(bytes).base64EncodedString()), ("alt", description),
                ("width", "\(picture.width)"), ("height", "\(picture.height)"),
            ])
    }
}
