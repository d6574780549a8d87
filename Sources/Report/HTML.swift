/// A part of an HTML page. Every text is escaped when the part is made, so that the name of a class, a file or a run cannot become markup.
///
/// A string literal is escaped text, too, with everything that is interpolated into it.
struct HTML: ExpressibleByStringInterpolation {
    /// The part as HTML text.
    let markup: String

    init(stringLiteral text: String) { markup = Self.escaped(text) }

    private init(markup: String) { self.markup = markup }

    /// Text.
    static func text(_ text: String) -> HTML { HTML(markup: escaped(text)) }

    /// A name that the user chose. Its direction of writing does not affect the text around it.
    static func name(_ text: String) -> HTML { element("bdi", [], [.text(text)]) }

    /// Markup that is complete by itself, such as a drawing. It is not escaped.
    static func trusted(_ markup: String) -> HTML { HTML(markup: markup) }

    /// Parts one after the other.
    static func group(_ parts: [HTML]) -> HTML { HTML(markup: parts.map(\.markup).joined()) }

    /// An element with an end tag.
    static func element(_ name: String, _ attributes: [(String, String)] = [], _ children: [HTML]) -> HTML {
        HTML(markup: "<\(name)\(list(attributes))>\(children.map(\.markup).joined())</\(name)>")
    }

    /// An element that has no content and no end tag, such as `img`.
    static func void(_ name: String, _ attributes: [(String, String)]) -> HTML { HTML(markup: "<\(name)\(list(attributes))/>") }

    /// A paragraph.
    static func paragraph(_ parts: HTML..., style: String? = nil) -> HTML {
        element("p", style.map { [("class", $0)] } ?? [], parts)
    }

    private static func list(_ attributes: [(String, String)]) -> String {
        attributes.map { " \($0.0)=\"\(escaped($0.1))\"" }.joined()
    }

    /// Escapes text for the content of elements and for attributes in quotes. Characters that HTML forbids become the replacement
    /// character.
    static func escaped(_ text: String) -> String {
        var result = ""
        result.unicodeScalars.reserveCapacity(text.unicodeScalars.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\t", "\n": result.unicodeScalars.append(scalar)
            case _ where isForbidden(scalar.value): result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// Control characters, and code points that are no characters.
    private static func isForbidden(_ value: UInt32) -> Bool {
        value < 0x20 || (0x7F...0x9F).contains(value) || (0xFDD0...0xFDEF).contains(value) || value & 0xFFFE == 0xFFFE
    }
}

extension HTML {
    /// A table in a box of its own, which scrolls where the page is narrow.
    struct Table {
        struct Column {
            var title: String
            var isNumber = true

            init(_ title: String, isNumber: Bool = true) {
                self.title = title
                self.isNumber = isNumber
            }
        }

        var caption: String
        var columns: [Column]
        /// One part for each column. The first one names the row.
        var rows: [[HTML]]

        var html: HTML {
            func cell(_ index: Int, _ content: HTML) -> HTML {
                index == 0
                    ? .element("th", [("scope", "row")], [content])
                    : .element("td", columns[index].isNumber ? [("class", "number")] : [], [content])
            }
            let heading = columns.map { column in
                HTML.element("th", [("scope", "col")] + (column.isNumber ? [("class", "number")] : []), [.text(column.title)])
            }
            let table = HTML.element(
                "table", [],
                [
                    .element("caption", [], [.text(caption)]), .element("thead", [], [.element("tr", [], heading)]),
                    .element("tbody", [], rows.map { row in .element("tr", [], row.enumerated().map(cell)) }),
                ])
            return HTML.scrolling(table, label: caption)
        }
    }

    /// A box that scrolls sideways. The keyboard reaches it. It is a group and no region, because a page has many of the same name.
    static func scrolling(_ content: HTML, label: String) -> HTML {
        element("div", [("class", "scroll"), ("role", "group"), ("aria-label", label), ("tabindex", "0")], [content])
    }

    /// A part that is closed at first.
    static func details(_ summary: String, _ content: [HTML]) -> HTML {
        element("details", [], [element("summary", [], [.text(summary)])] + content)
    }

    /// A list of sentences.
    static func list(_ items: [HTML], style: String? = nil) -> HTML {
        element("ul", style.map { [("class", $0)] } ?? [], items.map { element("li", [], [$0]) })
    }
}

/// Where a section is in the page: the level of its heading, and the beginning of its identifiers.
struct Place {
    /// 1 … 6, of the headings of the sections.
    var level: Int
    /// Empty, or unique for each run.
    var prefix: String

    /// A section with a heading. It is a landmark if the page is about one run; the names of landmarks must differ.
    func section(_ title: String, id: String, _ content: [HTML]) -> HTML {
        let id = prefix + id
        return .element(
            "section", prefix.isEmpty ? [("aria-labelledby", id)] : [], [.element("h\(level)", [("id", id)], [.text(title)])] + content)
    }

    /// The heading of a part of a section.
    func heading(_ title: String) -> HTML { .element("h\(min(level + 1, 6))", [], [.text(title)]) }
}
