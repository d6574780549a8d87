/// One panel of a line chart, in pixels.
struct PlotFrame {
    /// The sizes of the drawing and its parts in pixels.
    enum Size {
        static let width = 1000.0
        static let left = 70.0
        static let right = 24.0
        static let top = 66.0
        static let plotHeight = 340.0
        /// Height of the ticks and the title of the horizontal axis.
        static let axisHeight = 66.0
        static let bottom = 12.0
        static let gap = 44.0
        static let label = 12.0
    }

    private let panel: LineChart.Panel
    private let horizontal: Axis
    private let vertical: Axis
    private let left: Double
    private let width: Double
    private let isFirst: Bool

    init(_ panel: LineChart.Panel, vertical: Axis, index: Int, count: Int) {
        self.panel = panel
        self.vertical = vertical
        horizontal = Axis(covering: 0...(panel.series.flatMap { $0.points.map(\.x) }.max() ?? 1), steps: 6)
        width = (Size.width - Size.left - Size.right - Size.gap * Double(count - 1)) / Double(count)
        left = Size.left + Double(index) * (width + Size.gap)
        isFirst = index == 0
    }

    var elements: [SVGElement] {
        grid + panel.series.flatMap(curve) + panel.series.flatMap(markers) + labels
    }

    private func place(_ point: LineChart.Point) -> (x: Double, y: Double) {
        (left + width * horizontal.place(point.x), Size.top + Size.plotHeight * (1 - vertical.place(point.y)))
    }

    private var grid: [SVGElement] {
        let bottom = Size.top + Size.plotHeight
        let (light, dark) = (SVGStyle(stroke: "#e4e4e4", strokeWidth: 1), SVGStyle(stroke: "#555", strokeWidth: 1))
        let grey = SVGStyle(fill: "#333")
        var result: [SVGElement] = []
        for tick in vertical.ticks {
            let y = place(LineChart.Point(x: 0, y: tick)).y
            result.append(.line(from: (left, y), to: (left + width, y), light))
            if isFirst { result.append(.text(vertical.text(tick), x: left - 8, y: y + 4, size: 12, anchor: .end, grey)) }
        }
        for tick in horizontal.ticks {
            let x = place(LineChart.Point(x: tick, y: 0)).x
            result.append(.line(from: (x, Size.top), to: (x, bottom), light))
            result.append(.line(from: (x, bottom), to: (x, bottom + 5), dark))
            result.append(.text(horizontal.text(tick), x: x, y: bottom + 20, size: 12, anchor: .middle, grey))
        }
        result.append(.polyline([(left, Size.top), (left, bottom), (left + width, bottom)], dark))
        result.append(.text(panel.axisTitle, x: left + width / 2, y: bottom + 42, size: 13, anchor: .middle))
        return result
    }

    private func curve(_ series: LineChart.Series) -> [SVGElement] {
        guard let line = series.line, series.points.count > 1 else { return [] }
        return [.polyline(series.points.map(place), SVGStyle(stroke: series.color, strokeWidth: line.width, dashes: line.dashes))]
    }

    private func markers(_ series: LineChart.Series) -> [SVGElement] {
        guard let marker = series.marker else { return [] }
        return series.points.map { marker.element(at: place($0), color: series.color) }
    }

    private var labels: [SVGElement] {
        var placer = LabelPlacer(
            bounds: LabelPlacer.Box(left: left, top: Size.top, right: left + width, bottom: Size.top + Size.plotHeight),
            paths: panel.series.map { series in
                LabelPlacer.Path(
                    points: series.points.map(place), isConnected: series.line != nil, markerRadius: series.marker?.radius ?? 0)
            })
        return panel.series.flatMap { series in
            series.points.flatMap { point -> [SVGElement] in
                guard let label = point.label else { return [] }
                let box = placer.place(label, beside: place(point), size: Size.label)
                func text(_ style: SVGStyle) -> SVGElement {
                    .text(label, x: (box.left + box.right) / 2, y: box.bottom - 1.5, size: Size.label, anchor: .middle, style)
                }
                // A pale outline keeps the label legible on lines.
                return [text(SVGStyle(fill: "white", stroke: "white", strokeWidth: 4, opacity: 0.8)), text(SVGStyle(fill: series.color))]
            }
        }
    }
}

extension LineChart.Marker {
    /// The distance in pixels from the centre to the edge, including the outline.
    var radius: Double {
        switch self {
        case .dot: return 2.5
        case .ring: return 7.5
        case .square: return 5.5
        case .diamond: return 8
        }
    }

    func element(at place: (x: Double, y: Double), color: String) -> SVGElement {
        let (x, y) = place
        switch self {
        case .dot: return .circle(x: x, y: y, radius: 2.5, SVGStyle(fill: color))
        case .ring: return .circle(x: x, y: y, radius: 6, SVGStyle(fill: "white", stroke: color, strokeWidth: 3))
        case .square: return .rect(x: x - 5, y: y - 5, width: 10, height: 10, SVGStyle(fill: color, stroke: "white", strokeWidth: 1))
        case .diamond:
            return .polyline(
                [(x, y - 7.5), (x + 7.5, y), (x, y + 7.5), (x - 7.5, y), (x, y - 7.5)],
                SVGStyle(fill: color, stroke: "white", strokeWidth: 1))
        }
    }
}
