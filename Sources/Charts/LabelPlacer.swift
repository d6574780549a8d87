/// Finds a position for each label near its point. It avoids curves, points and other labels if possible.
struct LabelPlacer {
    struct Box {
        var left: Double
        var top: Double
        var right: Double
        var bottom: Double

        func contains(_ point: (x: Double, y: Double)) -> Bool {
            (left...right).contains(point.x) && (top...bottom).contains(point.y)
        }

        func overlaps(_ other: Box) -> Bool {
            left < other.right && other.left < right && top < other.bottom && other.top < bottom
        }

        func lies(in other: Box) -> Bool {
            left >= other.left && right <= other.right && top >= other.top && bottom <= other.bottom
        }
    }

    /// The points of one series.
    struct Path {
        var points: [(x: Double, y: Double)]
        var isConnected: Bool
        var markerRadius = 0.0
    }

    private let bounds: Box
    /// Sample points of everything that is drawn.
    private let occupied: [(x: Double, y: Double)]
    private var taken: [Box] = []

    init(bounds: Box, paths: [Path]) {
        self.bounds = bounds
        occupied = paths.flatMap { path in
            path.points.flatMap { Self.corners($0, path.markerRadius) }
                + (path.isConnected ? zip(path.points, path.points.dropFirst()).flatMap(Self.between) : [])
        }
    }

    /// Returns the point, and the points around it that its marker reaches.
    private static func corners(_ point: (x: Double, y: Double), _ radius: Double) -> [(x: Double, y: Double)] {
        [(0.0, 0.0), (-1, 0), (1, 0), (0, -1), (0, 1)].map { (point.x + radius * $0.0, point.y + radius * $0.1) }
    }

    /// Returns points on the line from `start` to `end`, about four pixels apart.
    private static func between(_ start: (x: Double, y: Double), _ end: (x: Double, y: Double)) -> [(x: Double, y: Double)] {
        let steps = max(1, Int(max(abs(end.x - start.x), abs(end.y - start.y)) / 4))
        return (0...steps).map { step in
            let share = Double(step) / Double(steps)
            return (start.x + share * (end.x - start.x), start.y + share * (end.y - start.y))
        }
    }

    /// Returns the box of a label: the candidate that covers the least. Candidates near the point come first.
    mutating func place(_ label: String, beside point: (x: Double, y: Double), size: Double) -> Box {
        let (width, height) = (Self.width(label, size: size), size)
        var best: (box: Box, score: Int)?
        for distance in [9.0, 22, 36] {
            for (right, down) in [(1.0, 1.0), (1, 0), (0, 1), (-1, -1), (-1, 0), (0, -1), (1, -1), (-1, 1)] {
                let x = point.x + right * (distance + width / 2)
                let y = point.y + down * ((right == 0 ? distance : distance / 2) + height / 2)
                let box = Box(left: x - width / 2, top: y - height / 2, right: x + width / 2, bottom: y + height / 2)
                guard box.lies(in: bounds) else { continue }
                let score = 1000 * taken.filter(box.overlaps).count + occupied.filter(box.contains).count
                if score < best?.score ?? .max { best = (box, score) }
            }
        }
        // No candidate is inside the bounds: place the label below the point.
        let box =
            best?.box
            ?? Box(left: point.x - width / 2, top: point.y + 9, right: point.x + width / 2, bottom: point.y + 9 + height)
        taken.append(box)
        return box
    }

    /// Returns the approximate width of a text in a sans-serif font.
    static func width(_ text: String, size: Double) -> Double { 0.54 * size * Double(text.count) }
}
