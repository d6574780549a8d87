import Charts

/// The looks of the report's charts. The colours are variables of the page's style sheet, which has a light and a dark value for each.
/// Every series also has its own dashes or marker, so that no information is in colours alone.
enum ReportChart {
    static let (ink, blue, orange, green, purple, grey) = (
        "var(--ink)", "var(--blue)", "var(--orange)", "var(--green)", "var(--purple)", "var(--grey)"
    )

    /// Looks of series that are of the same kind, such as resolutions or runs.
    static func look(_ index: Int) -> (color: String, line: LineChart.Line, marker: LineChart.Marker) {
        let colors = [blue, orange, green, purple, ink]
        let dashes: [[Double]] = [[], [8, 4], [2, 3], [9, 3, 2, 3], [4, 4]]
        let markers: [LineChart.Marker] = [.square, .triangle, .diamond, .ring, .cross]
        return (
            colors[index % colors.count], LineChart.Line(width: 2, dashes: dashes[(index + index / colors.count) % dashes.count]),
            markers[index % markers.count]
        )
    }

    private static var theme: LineChart.Theme {
        var theme = LineChart.Theme()
        theme.background = nil
        (theme.paper, theme.grid, theme.axis, theme.tick) = ("var(--paper)", "var(--line)", "var(--grey)", "var(--muted)")
        return theme
    }

    /// A chart with a caption.
    ///
    /// - Parameters:
    ///   - title: what it shows.
    ///   - description: for readers who cannot see it.
    ///   - verticalTitle: of the vertical axis.
    ///   - range: the values that the vertical axis covers at least.
    ///   - panel: the series.
    /// - Returns: nil if no series has two different places, or one has a marker at one place.
    static func figure(
        _ title: String, description: String, verticalTitle: String, range: ClosedRange<Double>? = nil, _ panel: LineChart.Panel
    ) -> HTML? {
        var panel = panel
        panel.series = panel.series.compactMap { series in
            var series = series
            series.points = series.points.compactMap(drawable)
            return series.points.isEmpty ? nil : series
        }
        guard Set(panel.series.flatMap { $0.points.map(\.x) }).count > 1 else { return nil }
        var chart = LineChart(title: title, subtitle: description, verticalTitle: verticalTitle, panels: [panel])
        chart.layout = .column
        chart.theme = theme
        chart.verticalRange = range
        var document = chart.document
        document.fontFamily = "inherit"
        return .element("figure", [("class", "chart")], [.element("figcaption", [], [.text(title)]), .trusted(document.rendered)])
    }

    /// The point, if a drawing can show it. Records and tables can contain any number.
    private static func drawable(_ point: LineChart.Point) -> LineChart.Point? {
        func isDrawable(_ value: Double) -> Bool { value.isFinite && abs(value) < 1e12 }
        guard isDrawable(point.x), isDrawable(point.y) else { return nil }
        var point = point
        if let interval = point.interval, !isDrawable(interval.lowerBound) || !isDrawable(interval.upperBound) { point.interval = nil }
        return point
    }

    /// Points of finite values, with at most `limit` of them: neighbours are averaged.
    static func points(_ values: [(x: Double, y: Double?)], limit: Int = 240) -> [LineChart.Point] {
        let finite = values.compactMap { value in
            value.y.flatMap { drawable(LineChart.Point(x: value.x, y: $0)) }
        }
        let size = (finite.count + limit - 1) / max(limit, 1)
        guard size > 1 else { return finite }
        return stride(from: 0, to: finite.count, by: size).map { start in
            let part = finite[start..<min(start + size, finite.count)]
            func mean(_ value: KeyPath<LineChart.Point, Double>) -> Double {
                part.reduce(0) { $0 + $1[keyPath: value] } / Double(part.count)
            }
            return LineChart.Point(x: mean(\.x), y: mean(\.y))
        }
    }
}

extension [LineChart.Point] {
    /// The same points, with a label at the last one.
    func labelled(_ label: String) -> [LineChart.Point] {
        var copy = self
        if let last = copy.indices.last { copy[last].label = label }
        return copy
    }
}
