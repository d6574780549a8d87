/// Curves and points in panels side by side, with a common vertical axis and one legend for all.
public struct LineChart {
    public struct Series {
        public var name: String
        /// As in CSS.
        public var color: String
        /// Nil for points that are not connected.
        public var line: Line?
        /// Nil for a mere line.
        public var marker: Marker?
        public var points: [Point]

        public init(_ name: String, color: String, line: Line? = nil, marker: Marker? = nil, points: [Point]) {
            self.name = name
            self.color = color
            self.line = line
            self.marker = marker
            self.points = points
        }
    }

    public struct Line {
        public var width: Double
        public var dashes: [Double]

        public init(width: Double, dashes: [Double] = []) {
            self.width = width
            self.dashes = dashes
        }
    }

    public enum Marker {
        case dot, ring, square, diamond
    }

    /// Finite numbers, in the units of the axes.
    public struct Point {
        public var x: Double
        public var y: Double
        /// Written beside the point.
        public var label: String?

        public init(x: Double, y: Double, label: String? = nil) {
            self.x = x
            self.y = y
            self.label = label
        }
    }

    public struct Panel {
        /// Of the horizontal axis, which begins at 0.
        public var axisTitle: String
        /// In the order in which they are painted.
        public var series: [Series]

        public init(axisTitle: String, series: [Series]) {
            self.axisTitle = axisTitle
            self.series = series
        }
    }

    public var title: String
    public var subtitle: String
    public var verticalTitle: String
    /// With the same series each, of which the legend tells once.
    public var panels: [Panel]

    public init(title: String, subtitle: String, verticalTitle: String, panels: [Panel]) {
        self.title = title
        self.subtitle = subtitle
        self.verticalTitle = verticalTitle
        self.panels = panels
    }

    /// The drawing.
    public var document: SVGDocument {
        let size = PlotFrame.Size.self
        let legend = Legend(panels.first?.series ?? [], width: size.width - size.left - size.right)
        var document = SVGDocument(
            width: size.width, height: size.top + size.plotHeight + size.axisHeight + legend.height + size.bottom, title: title)
        document.add(.text(title, x: size.left, y: 28, size: 16, isBold: true))
        document.add(.text(subtitle, x: size.left, y: 48, size: 12, SVGStyle(fill: "#555")))
        document.add(
            .text(verticalTitle, x: 20, y: size.top + size.plotHeight / 2, size: 13, anchor: .middle, rotation: -90))
        let heights = panels.flatMap { $0.series.flatMap { $0.points.map(\.y) } }
        let vertical = Axis(covering: (heights.min() ?? 0)...(heights.max() ?? 1), steps: 8)
        for (index, panel) in panels.enumerated() {
            let frame = PlotFrame(panel, vertical: vertical, index: index, count: panels.count)
            document.add(.group(SVGStyle(), frame.elements))
        }
        document.add(.group(x: size.left, y: size.top + size.plotHeight + size.axisHeight, SVGStyle(), legend.elements))
        return document
    }
}
