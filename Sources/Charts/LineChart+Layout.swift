extension LineChart {
    /// The sizes of a drawing and its parts, in pixels.
    public struct Layout: Sendable {
        /// Width of the drawing.
        public var width = 1000.0
        /// Height of the panels, without axes.
        public var plotHeight = 340.0
        /// Whether the title and the subtitle are drawn. Otherwise they are texts for readers who cannot see the drawing.
        public var showsTitle = true

        /// Creates the layout of a chart that fills a page.
        public init() {}

        /// A chart for a column of a page, or a telephone. The page shows the title.
        public static let column: Layout = {
            var layout = Layout()
            (layout.width, layout.plotHeight, layout.showsTitle) = (480, 250, false)
            return layout
        }()

        private var isNarrow: Bool { width < 700 }

        var left: Double { isNarrow ? 62 : 70 }
        var right: Double { isNarrow ? 16 : 24 }
        var top: Double { showsTitle ? 66 : 14 }
        /// Height of the ticks and the title of the horizontal axis.
        var axisHeight: Double { isNarrow ? 56 : 66 }
        var bottom: Double { isNarrow ? 4 : 12 }
        var gap: Double { 44 }
        var label: Double { 12 }
        /// Where the title of the vertical axis is.
        var verticalTitle: Double { isNarrow ? 14 : 20 }
        var verticalSteps: Int { isNarrow ? 6 : 8 }
        var horizontalSteps: Int { 6 }
    }

    /// The colours of a drawing, in CSS notation, except those of the series.
    public struct Theme: Sendable {
        /// Behind the drawing; nil for a transparent background.
        public var background: String? = "white"
        /// Around labels and in markers: the colour of the page.
        public var paper = "white"
        /// Lines of the grid.
        public var grid = "#e4e4e4"
        /// Lines of the axes and marks.
        public var axis = "#555"
        /// Numbers of the axes.
        public var tick = "#333"
        /// The subtitle.
        public var secondary = "#555"

        /// Creates the theme of a drawing on white paper.
        public init() {}
    }
}
