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
        case dot, ring, square, diamond, triangle, cross
    }

    /// A point with finite coordinates, in the units of the axes.
    public struct Point {
        /// The horizontal coordinate.
        public var x: Double
        /// The vertical coordinate.
        public var y: Double
        /// The text near the point; nil for none.
        public var label: String?
        /// The uncertainty of y, drawn as a vertical line with caps; nil for none.
        public var interval: ClosedRange<Double>?

        /// Creates a point.
        public init(x: Double, y: Double, label: String? = nil, interval: ClosedRange<Double>? = nil) {
            self.x = x
            self.y = y
            self.label = label
            self.interval = interval
        }
    }

    /// One panel of the chart, with its own horizontal axis.
    public struct Panel {
        /// The title of the horizontal axis.
        public var axisTitle: String
        /// The series, in painting order.
        public var series: [Series]
        /// The values that the horizontal axis covers at least; nil: from 0 to the largest value.
        public var range: ClosedRange<Double>?
        /// Places on the horizontal axis with a vertical line.
        public var marks: [Mark]

        /// Creates a panel.
        public init(axisTitle: String, series: [Series], range: ClosedRange<Double>? = nil, marks: [Mark] = []) {
            self.axisTitle = axisTitle
            self.series = series
            self.range = range
            self.marks = marks
        }
    }

    /// A place on the horizontal axis, such as the beginning of a stage.
    public struct Mark: Equatable, Sendable {
        /// The value on the axis.
        public var x: Double
        /// The text beside the line; it is left out if there is no room before the next mark.
        public var label: String

        /// Creates a mark.
        public init(x: Double, label: String) {
            self.x = x
            self.label = label
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
    /// The values that the vertical axis covers at least; nil: those of the points.
    public var verticalRange: ClosedRange<Double>?
    /// The sizes of the drawing.
    public var layout = Layout()
    /// The colours of all that is not a series.
    public var theme = Theme()

    /// Creates a chart.
    public init(title: String, subtitle: String, verticalTitle: String, panels: [Panel]) {
        self.title = title
        self.subtitle = subtitle
        self.verticalTitle = verticalTitle
        self.panels = panels
    }

    /// The chart as an SVG document.
    public var document: SVGDocument {
        let legend = Legend(panels.first?.series ?? [], width: layout.width - layout.left - layout.right, theme)
        var document = SVGDocument(
            width: layout.width, height: layout.top + layout.plotHeight + layout.axisHeight + legend.height + layout.bottom, title: title)
        document.background = theme.background
        if layout.showsTitle {
            document.add(.text(title, x: layout.left, y: 28, size: 16, isBold: true))
            document.add(.text(subtitle, x: layout.left, y: 48, size: 12, SVGStyle(fill: theme.secondary)))
        } else {
            document.summary = subtitle
        }
        document.add(
            .text(
                verticalTitle, x: layout.verticalTitle, y: layout.top + layout.plotHeight / 2, size: 13, anchor: .middle, rotation: -90))
        let heights =
            panels.flatMap {
                $0.series.flatMap { $0.points.flatMap { [$0.y] + ($0.interval.map { [$0.lowerBound, $0.upperBound] } ?? []) } }
            }
            + (verticalRange.map { [$0.lowerBound, $0.upperBound] } ?? [])
        let vertical = Axis(covering: (heights.min() ?? 0)...(heights.max() ?? 1), steps: layout.verticalSteps)
        for (index, panel) in panels.enumerated() {
            let frame = PlotFrame(panel, vertical: vertical, index: index, count: panels.count, layout, theme)
            document.add(.group(SVGStyle(), frame.elements))
        }
        document.add(.group(x: layout.left, y: layout.top + layout.plotHeight + layout.axisHeight, SVGStyle(), legend.elements))
        return document
    }
}
