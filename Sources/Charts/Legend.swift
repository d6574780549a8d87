/// Draws the names of a line chart's series in as many rows as necessary.
struct Legend {
    private static let rowHeight = 22.0
    private static let symbolWidth = 34.0
    private static let size = 13.0

    let elements: [SVGElement]
    let height: Double

    init(_ series: [LineChart.Series], width: Double, _ theme: LineChart.Theme = LineChart.Theme()) {
        var (x, y) = (0.0, Self.rowHeight / 2)
        var elements: [SVGElement] = []
        for one in series {
            let itemWidth = Self.symbolWidth + 8 + LabelPlacer.width(one.name, size: Self.size) + 16
            if x > 0, x + itemWidth > width { (x, y) = (0, y + Self.rowHeight) }
            if let line = one.line {
                let style = SVGStyle(stroke: one.color, strokeWidth: line.width, dashes: line.dashes)
                elements.append(.line(from: (x, y), to: (x + Self.symbolWidth, y), style))
            }
            if let marker = one.marker {
                elements.append(marker.element(at: (x + Self.symbolWidth / 2, y), color: one.color, paper: theme.paper))
            }
            elements.append(.text(one.name, x: x + Self.symbolWidth + 8, y: y + 4.5, size: Self.size))
            x += itemWidth
        }
        self.elements = elements
        height = y + Self.rowHeight / 2
    }
}
