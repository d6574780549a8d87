/// An SVG drawing. Elements are painted in order. Coordinates are in pixels, y points down, and all numbers are finite.
public struct SVGDocument {
    /// Width in pixels.
    public let width: Double
    /// Height in pixels.
    public let height: Double
    /// A description of the drawing for readers who cannot see it.
    public let title: String
    /// A longer description for the same readers; empty for none.
    public var summary = ""
    /// The background colour in CSS notation; nil for a transparent background.
    public var background: String? = "white"
    /// The font of all texts, in CSS notation.
    public var fontFamily = "Helvetica, Arial, sans-serif"
    /// The elements, in painting order.
    public private(set) var elements: [SVGElement] = []

    /// Creates an empty drawing.
    public init(width: Double, height: Double, title: String) {
        self.width = width
        self.height = height
        self.title = title
    }

    /// Adds an element on top of the existing ones.
    public mutating func add(_ element: SVGElement) {
        elements.append(element)
    }

    /// The whole document as XML text.
    public var rendered: String {
        let paper = background.map { SVGElement.rect(x: 0, y: 0, width: width, height: height, SVGStyle(fill: $0)) }
        let root = SVGElement(
            "svg",
            [
                ("xmlns", "http://www.w3.org/2000/svg"), ("width", SVGElement.number(width)), ("height", SVGElement.number(height)),
                ("viewBox", "0 0 \(SVGElement.number(width)) \(SVGElement.number(height))"), ("font-family", fontFamily), ("role", "img"),
            ],
            children: [SVGElement("title", [], text: title)] + (summary.isEmpty ? [] : [SVGElement("desc", [], text: summary)])
                + (paper.map { [$0] } ?? []) + elements)
        return root.rendered(indentation: "")
    }
}

/// The painting style of a shape. Colours are in CSS notation. A property that is nil is inherited from the enclosing group.
public struct SVGStyle {
    /// The colour of the interior.
    public var fill: String?
    /// The colour of the outline.
    public var stroke: String?
    /// The width of the outline in pixels.
    public var strokeWidth: Double?
    /// Lengths of dashes and gaps in pixels; empty for a solid line.
    public var dashes: [Double]
    /// The opacity, 0 … 1.
    public var opacity: Double?

    /// Creates a style.
    public init(
        fill: String? = nil, stroke: String? = nil, strokeWidth: Double? = nil, dashes: [Double] = [], opacity: Double? = nil
    ) {
        self.fill = fill
        self.stroke = stroke
        self.strokeWidth = strokeWidth
        self.dashes = dashes
        self.opacity = opacity
    }

    fileprivate var attributes: [(String, String)] {
        let dashArray = dashes.isEmpty ? nil : dashes.map(SVGElement.number).joined(separator: " ")
        let all = [
            ("fill", fill), ("stroke", stroke), ("stroke-width", strokeWidth.map(SVGElement.number)),
            ("stroke-dasharray", dashArray), ("opacity", opacity.map(SVGElement.number)),
        ]
        return all.compactMap { name, value in value.map { (name, $0) } }
    }
}

/// One element of a drawing.
public struct SVGElement {
    /// The part of a text that is aligned with its point.
    public enum Anchor: String {
        case start, middle, end
    }

    private let name: String
    private let attributes: [(name: String, value: String)]
    private let text: String?
    private let children: [SVGElement]

    fileprivate init(_ name: String, _ attributes: [(String, String)], text: String? = nil, children: [SVGElement] = []) {
        self.name = name
        self.attributes = attributes.map { (name: $0.0, value: $0.1) }
        self.text = text
        self.children = children
    }

    /// Returns a rectangle.
    public static func rect(
        x: Double, y: Double, width: Double, height: Double, cornerRadius: Double = 0, _ style: SVGStyle
    ) -> SVGElement {
        let corner = cornerRadius > 0 ? [("rx", number(cornerRadius))] : []
        let place = [("x", number(x)), ("y", number(y)), ("width", number(width)), ("height", number(height))]
        return SVGElement("rect", place + corner + style.attributes)
    }

    /// Returns a line between two points.
    public static func line(
        from start: (x: Double, y: Double), to end: (x: Double, y: Double), _ style: SVGStyle
    ) -> SVGElement {
        let place = [("x1", number(start.x)), ("y1", number(start.y)), ("x2", number(end.x)), ("y2", number(end.y))]
        return SVGElement("line", place + style.attributes)
    }

    /// Returns a line through several points, without a fill unless the style has one.
    public static func polyline(_ points: [(x: Double, y: Double)], _ style: SVGStyle) -> SVGElement {
        var style = style
        style.fill = style.fill ?? "none"
        let list = points.map { "\(number($0.x)),\(number($0.y))" }.joined(separator: " ")
        return SVGElement("polyline", [("points", list)] + style.attributes)
    }

    /// Returns a circle.
    public static func circle(x: Double, y: Double, radius: Double, _ style: SVGStyle) -> SVGElement {
        SVGElement("circle", [("cx", number(x)), ("cy", number(y)), ("r", number(radius))] + style.attributes)
    }

    /// Returns one line of text. The point is on the text's baseline.
    ///
    /// - Parameter rotation: degrees clockwise about the point.
    public static func text(
        _ text: String, x: Double, y: Double, size: Double, anchor: Anchor = .start, isBold: Bool = false, rotation: Double = 0,
        _ style: SVGStyle = SVGStyle()
    ) -> SVGElement {
        var attributes = [("x", number(x)), ("y", number(y)), ("font-size", number(size))]
        if anchor != .start { attributes.append(("text-anchor", anchor.rawValue)) }
        if isBold { attributes.append(("font-weight", "bold")) }
        if rotation != 0 { attributes.append(("transform", "rotate(\(number(rotation)) \(number(x)) \(number(y)))")) }
        return SVGElement("text", attributes + style.attributes, text: text)
    }

    /// Returns a group that moves its elements by (x, y). Elements inherit the style properties that they do not set.
    public static func group(
        x: Double = 0, y: Double = 0, _ style: SVGStyle = SVGStyle(), _ children: [SVGElement]
    ) -> SVGElement {
        let place = x == 0 && y == 0 ? [] : [("transform", "translate(\(number(x)) \(number(y)))")]
        return SVGElement("g", place + style.attributes, children: children)
    }
}

// MARK: - Rendering

extension SVGElement {
    fileprivate func rendered(indentation: String) -> String {
        let start = "\(indentation)<\(name)" + attributes.map { " \($0.name)=\"\(Self.escaped($0.value))\"" }.joined()
        if let text { return "\(start)>\(Self.escaped(text))</\(name)>\n" }
        if children.isEmpty { return start + "/>\n" }
        let inside = children.map { $0.rendered(indentation: indentation + "  ") }.joined()
        return "\(start)>\n\(inside)\(indentation)</\(name)>\n"
    }

    /// Formats a number in hundredths of a pixel, without trailing zeros.
    fileprivate static func number(_ value: Double) -> String {
        precondition(value.isFinite, "numbers in a drawing must be finite, not \(value)")
        let rounded = (value * 100).rounded() / 100
        return rounded == rounded.rounded() && abs(rounded) < 1e15 ? "\(Int(rounded))" : "\(rounded)"
    }

    /// Escapes text for XML. Control characters that XML cannot represent become the replacement character.
    private static func escaped(_ text: String) -> String {
        text.unicodeScalars.reduce(into: "") { result, scalar in
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "\t", "\n", "\r": result += " "
            case _ where scalar.value < 0x20 || (0xFFFE...0xFFFF).contains(scalar.value): result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
    }
}
