import Foundation

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// An element of an XML document.
public final class XMLTree {
    /// The name of the element.
    public let name: String
    /// The attributes by name.
    public let attributes: [String: String]
    /// The child elements in document order.
    public fileprivate(set) var children: [XMLTree] = []
    /// The text directly inside the element.
    public fileprivate(set) var text = ""

    fileprivate init(name: String, attributes: [String: String]) {
        self.name = name
        self.attributes = attributes
    }

    /// Returns the children with this name.
    public func children(named name: String) -> [XMLTree] { children.filter { $0.name == name } }

    /// Parses a document and returns its root.
    ///
    /// - Throws: if the document is not well-formed.
    public static func parse(_ document: String) throws -> XMLTree {
        let (parser, builder) = (XMLParser(data: Data(document.utf8)), Builder())
        parser.delegate = builder
        guard parser.parse(), let root = builder.root else { throw MalformedXML(problem: "\(parser.parserError as Any)") }
        return root
    }

    private struct MalformedXML: Error {
        var problem: String
    }

    private final class Builder: NSObject, XMLParserDelegate {
        var root: XMLTree?
        private var open: [XMLTree] = []

        func parser(
            _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
            attributes: [String: String]
        ) {
            let element = XMLTree(name: name, attributes: attributes)
            open.last?.children.append(element)
            root = root ?? element
            open.append(element)
        }

        func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
            open.removeLast()
        }

        func parser(_ parser: XMLParser, foundCharacters string: String) { open.last?.text += string }
    }
}
