import Foundation

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// An element of an XML document.
public final class XMLTree {
    public let name: String
    public let attributes: [String: String]
    public fileprivate(set) var children: [XMLTree] = []
    /// Directly inside the element.
    public fileprivate(set) var text = ""

    fileprivate init(name: String, attributes: [String: String]) {
        self.name = name
        self.attributes = attributes
    }

    public func children(named name: String) -> [XMLTree] { children.filter { $0.name == name } }

    /// - Throws: where the document is not well-formed.
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
