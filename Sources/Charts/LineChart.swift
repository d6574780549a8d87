/// A chart of curves and points in adjacent panels, with a common vertical axis and one legend.
public struct LineChart {
    /// A named set of points, drawn as a curve, as markers or both.
    public struct Series {
        /// The name in the legend.
        public var name: String
        /// The colour, in CSS notation.
        public var color: String
        /// The line that connects the points; nil for none.
        public var line: Line?
        /// The marker at each point; nil for none.
        public var marker: Marker?
        /// The points, in the order in which the line connects them.
        public var points: [Point]

        /// Creates a series.
        public init(_ name: String, color: String, line: Line? = nil, marker: Marker? = nil, points: [Point]) {
            self.name = name
            self.color = color
            self.line = line
            self.marker = marker
            self.points = points
        }
    }

    /// The style of a line.
    public struct Line {
        /// The width in pixels.
        public var width: Double
        /// Lengths of dashes and gaps in pixels; empty for a solid line.
        public var dashes: [Double]

        /// Creates a line style.
        public init(width: Double, dashes: [Double] = []) {
            self.width = width
            self.dashes = dashes
        }
    }

    /// The shape of a marker.
    public enum Marker {
        case dot, ring, square, diamond
    }

    /// A point with finite coordinates, in the units of the axes.
    public struct Point {
        /// The horizontal coordinate.
        public var x: Double
        /// The vertical coordinate.
        public var y: Double
        /// The text near the point; nil for none.
        public var label: String?

        /// Creates a point.
        public init(x: Double, y: Double, label: String? = nil) {
            self.x = x
            self.y = y
            self.label = label
        }
    }

    /// One panel of the chart, with its own horizontal axis.
    public struct Panel {
        /// The title of the horizontal axis, which starts at 0.
        public var axisTitle: String
        /// The series, in painting order.
        public var series: [Series]

        /// Creates a panel.
        public init(axisTitle: String, series: [Series]) {
            self.axisTitle = axisTitle
            self.series = series
        }
    }

    /// The title of the chart.
    public var title: String
    /// The line below the title.
    public var subtitle: String
    /// The title of the common vertical axis.
    public var verticalTitle: String
    /// The panels, from left to right. All have the same series; the legend lists those of the first panel.
    public var panels: [Panel]

    /// Creates a chart.
    public init(title: String, subtitle: String, verticalTitle: String, panels: [Panel]) {
        self.title = title
        self.subtitle = subtitle
        self.verticalTitle = verticalTitle
        self.panels = panels
    }

    /// The chart as an SVG document.
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
