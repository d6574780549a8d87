/// One panel of a line chart, in pixels.
struct PlotFrame {
    private let panel: LineChart.Panel
    private let horizontal: Axis
    private let vertical: Axis
    private let left: Double
    private let width: Double
    private let isFirst: Bool
    private let size: LineChart.Layout
    private let theme: LineChart.Theme

    init(
        _ panel: LineChart.Panel, vertical: Axis, index: Int, count: Int, _ size: LineChart.Layout, _ theme: LineChart.Theme
    ) {
        self.panel = panel
        self.vertical = vertical
        self.size = size
        self.theme = theme
        let values = panel.series.flatMap { $0.points.map(\.x) }
        let lower = panel.range.map { min($0.lowerBound, values.min() ?? $0.lowerBound) } ?? 0
        let upper = max(values.max() ?? 1, panel.range?.upperBound ?? 0)
        horizontal = Axis(covering: lower...upper, steps: size.horizontalSteps)
        let available: Double = size.width - size.left - size.right
        width = (available - size.gap * Double(count - 1)) / Double(count)
        left = size.left + Double(index) * (width + size.gap)
        isFirst = index == 0
    }

    var elements: [SVGElement] {
        grid + marks + panel.series.flatMap(intervals) + panel.series.flatMap(curve) + panel.series.flatMap(markers) + labels
    }

    private func place(_ point: LineChart.Point) -> (x: Double, y: Double) {
        (left + width * horizontal.place(point.x), size.top + size.plotHeight * (1 - vertical.place(point.y)))
    }

    private var grid: [SVGElement] {
        let bottom = size.top + size.plotHeight
        let (light, dark) = (SVGStyle(stroke: theme.grid, strokeWidth: 1), SVGStyle(stroke: theme.axis, strokeWidth: 1))
        let grey = SVGStyle(fill: theme.tick)
        var result: [SVGElement] = []
        for tick in vertical.ticks {
            let y = place(LineChart.Point(x: 0, y: tick)).y
            result.append(.line(from: (left, y), to: (left + width, y), light))
            if isFirst { result.append(.text(vertical.text(tick), x: left - 8, y: y + 4, size: 12, anchor: .end, grey)) }
        }
        for tick in horizontal.ticks {
            let x = place(LineChart.Point(x: tick, y: 0)).x
            result.append(.line(from: (x, size.top), to: (x, bottom), light))
            result.append(.line(from: (x, bottom), to: (x, bottom + 5), dark))
            result.append(.text(horizontal.text(tick), x: x, y: bottom + 20, size: 12, anchor: .middle, grey))
        }
        result.append(.polyline([(left, size.top), (left, bottom), (left + width, bottom)], dark))
        result.append(.text(panel.axisTitle, x: left + width / 2, y: bottom + 42, size: 13, anchor: .middle))
        return result
    }

    private func curve(_ series: LineChart.Series) -> [SVGElement] {
        guard let line = series.line, series.points.count > 1 else { return [] }
        return [.polyline(series.points.map(place), SVGStyle(stroke: series.color, strokeWidth: line.width, dashes: line.dashes))]
    }

    /// The uncertainties of the points.
    private func intervals(_ series: LineChart.Series) -> [SVGElement] {
        let style = SVGStyle(stroke: series.color, strokeWidth: 1.2)
        return series.points.flatMap { point -> [SVGElement] in
            guard let interval = point.interval else { return [] }
            let x = place(point).x
            let ends = [interval.lowerBound, interval.upperBound].map { place(LineChart.Point(x: point.x, y: $0)).y }
            return [.line(from: (x, ends[0]), to: (x, ends[1]), style)]
                + ends.map { .line(from: (x - 4, $0), to: (x + 4, $0), style) }
        }
    }

    private var marks: [SVGElement] {
        panel.marks.enumerated().flatMap { index, mark -> [SVGElement] in
            let x = place(LineChart.Point(x: mark.x, y: 0)).x
            let next = index + 1 < panel.marks.count ? place(LineChart.Point(x: panel.marks[index + 1].x, y: 0)).x : left + width
            let line = SVGElement.line(
                from: (x, size.top), to: (x, size.top + size.plotHeight), SVGStyle(stroke: theme.axis, strokeWidth: 1, dashes: [2, 3]))
            guard x + 4 + LabelPlacer.width(mark.label, size: 11) <= next else { return [line] }
            return [line, .text(mark.label, x: x + 4, y: size.top + 11, size: 11, SVGStyle(fill: theme.tick))]
        }
    }

    private func markers(_ series: LineChart.Series) -> [SVGElement] {
        guard let marker = series.marker else { return [] }
        return series.points.map { marker.element(at: place($0), color: series.color, paper: theme.paper) }
    }

    private var labels: [SVGElement] {
        var placer = LabelPlacer(
            bounds: LabelPlacer.Box(left: left, top: size.top, right: left + width, bottom: size.top + size.plotHeight),
            paths: panel.series.map { series in
                LabelPlacer.Path(
                    points: series.points.map(place), isConnected: series.line != nil, markerRadius: series.marker?.radius ?? 0)
            })
        return panel.series.flatMap { series in
            series.points.flatMap { point -> [SVGElement] in
                guard let label = point.label else { return [] }
                let box = placer.place(label, beside: place(point), size: size.label)
                func text(_ style: SVGStyle) -> SVGElement {
                    .text(label, x: (box.left + box.right) / 2, y: box.bottom - 1.5, size: size.label, anchor: .middle, style)
                }
                // A pale outline keeps the label legible on lines.
                return [
                    text(SVGStyle(fill: theme.paper, stroke: theme.paper, strokeWidth: 4, opacity: 0.8)),
                    text(SVGStyle(fill: series.color)),
                ]
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
        case .diamond, .triangle: return 8
        case .cross: return 6
        }
    }

    /// - Parameter paper: the colour of the page.
    func element(at place: (x: Double, y: Double), color: String, paper: String) -> SVGElement {
        let (x, y) = place
        let filled = SVGStyle(fill: color, stroke: paper, strokeWidth: 1)
        switch self {
        case .dot: return .circle(x: x, y: y, radius: 2.5, SVGStyle(fill: color))
        case .ring: return .circle(x: x, y: y, radius: 6, SVGStyle(fill: paper, stroke: color, strokeWidth: 3))
        case .square: return .rect(x: x - 5, y: y - 5, width: 10, height: 10, filled)
        case .diamond: return .polyline([(x, y - 7.5), (x + 7.5, y), (x, y + 7.5), (x - 7.5, y), (x, y - 7.5)], filled)
        case .triangle: return .polyline([(x, y - 7), (x + 7, y + 5.5), (x - 7, y + 5.5), (x, y - 7)], filled)
        case .cross:
            return .group(
                SVGStyle(stroke: color, strokeWidth: 2.5),
                [
                    .line(from: (x - 4.5, y - 4.5), to: (x + 4.5, y + 4.5), SVGStyle()),
                    .line(from: (x - 4.5, y + 4.5), to: (x + 4.5, y - 4.5), SVGStyle()),
                ])
        }
    }
}
