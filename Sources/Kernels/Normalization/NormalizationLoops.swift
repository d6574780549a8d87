/// The loops of a normalisation before an activation that limits x, for one row of a matrix (`ChannelNormalization`).
extension ChannelNormalization {
    /// results ← limited(values · scale + shift (+ added)).
    struct Apply<Number: StoredNumber>: ChannelLoop {
        var values: UnsafePointer<Number>
        var scale: UnsafePointer<Float>
        var shift: UnsafePointer<Float>
        var added: UnsafePointer<Float>?
        var low: Float
        var high: Float
        var results: UnsafeMutablePointer<Float>

        @inline(__always)
        func callAsFunction<Lanes: ChannelLanes>(_: Lanes.Type, _ channel: Int) {
            var sum = Number.load(Lanes.self, values + channel) * Lanes(at: scale + channel) + Lanes(at: shift + channel)
            if let added { sum = sum + Lanes(at: added + channel) }
            sum.limited(low, high).store(to: results + channel)
        }
    }

    /// first += g, second += g · (x − mean). g is the gradient where the output is between the limits. The output is computed from x if it
    /// is not in memory.
    struct AddGradientSums<Number: StoredNumber>: ChannelLoop {
        var gradients: UnsafePointer<Float>
        var values: UnsafePointer<Number>
        var outputs: UnsafePointer<Number>?
        var scale: UnsafePointer<Float>
        var shift: UnsafePointer<Float>
        var mean: UnsafePointer<Float>
        var low: Float
        var high: Float
        var first: UnsafeMutablePointer<Float>
        var second: UnsafeMutablePointer<Float>

        @inline(__always)
        func callAsFunction<Lanes: ChannelLanes>(_: Lanes.Type, _ channel: Int) {
            let value = Number.load(Lanes.self, values + channel)
            let result =
                outputs.map { Number.load(Lanes.self, $0 + channel) } ?? value * Lanes(at: scale + channel) + Lanes(at: shift + channel)
            let passed = Lanes(at: gradients + channel).passed(where: result, isAbove: low, below: high)
            (Lanes(at: first + channel) + passed).store(to: first + channel)
            (Lanes(at: second + channel) + passed * (value - Lanes(at: mean + channel))).store(to: second + channel)
        }
    }

    /// results ← g · gradientFactor + x · inputFactor + constant, with g as above. With an output in memory, gradients ← g.
    struct InputGradientOfRow<Number: StoredNumber>: ChannelLoop {
        var gradients: UnsafeMutablePointer<Float>
        var values: UnsafePointer<Number>
        var outputs: UnsafePointer<Number>?
        var factors: Factors
        var low: Float
        var high: Float
        var results: UnsafeMutablePointer<Float>

        @inline(__always)
        func callAsFunction<Lanes: ChannelLanes>(_: Lanes.Type, _ channel: Int) {
            let value = Number.load(Lanes.self, values + channel)
            let result =
                outputs.map { Number.load(Lanes.self, $0 + channel) }
                ?? value * Lanes(at: factors.scale + channel) + Lanes(at: factors.shift + channel)
            let passed = Lanes(at: UnsafePointer(gradients) + channel).passed(where: result, isAbove: low, below: high)
            if outputs != nil { passed.store(to: gradients + channel) }
            (passed * Lanes(at: factors.gradientFactor + channel) + value * Lanes(at: factors.inputFactor + channel)
                + Lanes(at: factors.constant + channel)).store(to: results + channel)
        }
    }

    /// The factors of a gradient; see the properties of the same names.
    struct Factors {
        var scale: UnsafePointer<Float>
        var shift: UnsafePointer<Float>
        var gradientFactor: UnsafePointer<Float>
        var inputFactor: UnsafePointer<Float>
        var constant: UnsafePointer<Float>
    }
}

extension ChannelSums {
    /// first += x − shift, second += (x − shift)².
    struct AddMoments<Number: StoredNumber>: ChannelLoop {
        var values: UnsafePointer<Number>
        var shift: UnsafePointer<Float>
        var first: UnsafeMutablePointer<Float>
        var second: UnsafeMutablePointer<Float>

        @inline(__always)
        func callAsFunction<Lanes: ChannelLanes>(_: Lanes.Type, _ channel: Int) {
            let value = Number.load(Lanes.self, values + channel) - Lanes(at: shift + channel)
            (Lanes(at: first + channel) + value).store(to: first + channel)
            (Lanes(at: second + channel) + value * value).store(to: second + channel)
        }
    }
}
