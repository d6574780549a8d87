import ImageData
import Randomness

/// A synthetic image: a sign of a given class and difficulty, at a random position on a cluttered background, in random colours.
struct SyntheticSign {
    let pattern: SignPattern
    let difficulty: Difficulty

    func draw(_ random: inout CounterRandom) -> PixelImage {
        let side = 124 + random.integer(below: 9)
        var canvas = Canvas(
            side: side, from: .random(30, 225, &random), to: .random(30, 225, &random))
        for _ in 0..<5 + random.integer(below: 5) { addBlob(&canvas, &random) }
        for _ in 0..<2 + random.integer(below: 3) { addBeam(&canvas, &random) }
        addSign(&canvas, &random)
        return canvas.image(noise: 5, &random)
    }

    private func addSign(_ canvas: inout Canvas, _ random: inout CounterRandom) {
        let side = random.uniform(difficulty.side.lowerBound, difficulty.side.upperBound)
        let period = Double(random.uniform(difficulty.period.lowerBound, difficulty.period.upperBound))
        let phase = Double(random.uniform(0, 2 * .pi))
        let dark = Color.random(0, 70, &random)
        let light = Color.random(190, 255, &random)
        let frame = random.uniform() < 0.5 ? dark : light
        let half = side / 2
        // Keeps the sign away from the border, so that training crops rarely cut it.
        let low = min(half + 8, Float(canvas.side) / 2)
        let high = max(Float(canvas.side) - half - 8, Float(canvas.side) / 2)
        let (x, y) = (random.uniform(low - 0.01, high + 0.01), random.uniform(low - 0.01, high + 0.01))
        canvas.paint(centerX: x, centerY: y, reach: half + 3) { dx, dy in
            let distance = max(abs(dx), abs(dy))
            if distance > half + 3 { return nil }
            if distance > half { return (frame, 1) }
            return (dark.mixed(with: light, pattern.coverage(dx, dy, period, phase)), 1)
        }
    }

    /// Paints a disc with a soft edge.
    private func addBlob(_ canvas: inout Canvas, _ random: inout CounterRandom) {
        let side = Float(canvas.side)
        let radius = random.uniform(8, 34)
        let color = Color.random(0, 255, &random)
        canvas.paint(centerX: random.uniform(0, side), centerY: random.uniform(0, side), reach: radius) { dx, dy in
            let distance = (dx * dx + dy * dy).squareRoot()
            return distance < radius ? (color, min(0.8, (radius - distance) / 4)) : nil
        }
    }

    /// Paints a straight band across the image.
    private func addBeam(_ canvas: inout Canvas, _ random: inout CounterRandom) {
        let side = Float(canvas.side)
        let (a, b) = (random.uniform(-1, 1), random.uniform(-1, 1))
        let norm = max((a * a + b * b).squareRoot(), 0.01)
        let width = random.uniform(1.5, 7)
        let color = Color.random(0, 255, &random)
        canvas.paint(centerX: random.uniform(0, side), centerY: random.uniform(0, side), reach: 2 * side) { dx, dy in
            let distance = abs(a * dx + b * dy) / norm
            return distance < width ? (color, min(0.8, width - distance)) : nil
        }
    }
}

extension SignPattern {
    /// Returns the mean brightness over a pixel, sampled at nine positions.
    func coverage(_ x: Float, _ y: Float, _ period: Double, _ phase: Double) -> Float {
        var sum = 0.0
        for row in -1...1 {
            for column in -1...1 {
                sum += value(x: Double(x) + Double(column) / 3, y: Double(y) + Double(row) / 3, period: period, phase: phase)
            }
        }
        return Float(sum / 9)
    }
}
