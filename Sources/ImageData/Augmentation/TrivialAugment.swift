import Randomness

/// TrivialAugment (Wide): one operation, of one strength, both drawn uniformly (Müller and Hutter, arXiv 2103.10158). Operations and
/// strengths are those of torchvision's `TrivialAugmentWide(interpolation=BILINEAR)` on PIL images, as its training recipes use it. The
/// pixels are the same, too.
struct TrivialAugment: Equatable {
    /// The operations, in torchvision's order.
    enum Operation: String, CaseIterable {
        case identity = "Identity"
        case shearX = "ShearX"
        case shearY = "ShearY"
        case translateX = "TranslateX"
        case translateY = "TranslateY"
        case rotate = "Rotate"
        case brightness = "Brightness"
        case color = "Color"
        case contrast = "Contrast"
        case sharpness = "Sharpness"
        case posterize = "Posterize"
        case solarize = "Solarize"
        case autoContrast = "AutoContrast"
        case equalize = "Equalize"
    }

    /// The number of strengths of an operation.
    static let strengths = 31

    let operation: Operation
    /// The strength's index, 0 ..< `strengths`.
    let strength: Int
    /// Whether the strength is negated.
    let isNegative: Bool

    init(_ operation: Operation, strength: Int, isNegative: Bool = false) {
        self.operation = operation
        self.strength = strength
        self.isNegative = isNegative
    }

    /// Draws an operation. Always draws three numbers.
    init(_ random: inout CounterRandom) {
        operation = Operation.allCases[random.integer(below: Operation.allCases.count)]
        strength = random.integer(below: Self.strengths)
        isNegative = random.integer(below: 2) == 1
    }

    /// Applies the operation to an image [size, size, 3] with values of 0 … 255. Operations work on bytes, as in PIL, so values are
    /// rounded. The identity changes nothing.
    func apply(_ values: UnsafeMutablePointer<Float>, size: Int) {
        guard operation != .identity else { return }
        let count = size * size * 3
        var image = ByteImage(width: size, height: size, pixels: (0..<count).map { UInt8(min(max(values[$0], 0), 255).rounded()) })
        apply(&image)
        image.pixels.withUnsafeBufferPointer { bytes in
            for index in 0..<count { values[index] = Float(bytes[index]) }
        }
    }

    /// Applies the operation to an image.
    func apply(_ image: inout ByteImage) {
        let value = Double(magnitude)
        switch operation {
        case .identity: return
        case .shearX: image.transform(.shear(x: value))
        case .shearY: image.transform(.shear(y: value))
        case .translateX: image.transform(.translation(x: value.rounded(.towardZero)))
        case .translateY: image.transform(.translation(y: value.rounded(.towardZero)))
        case .rotate: image.rotate(degrees: value)
        case .brightness: image.blendWithBlack(Float(1 + value))
        case .color: image.blendWithGrey(Float(1 + value))
        case .contrast: image.blendWithMeanGrey(Float(1 + value))
        case .sharpness: image.blendWithSmoothed(Float(1 + value))
        case .posterize: image.posterize(bits: Int(value))
        case .solarize: image.solarize(threshold: value)
        case .autoContrast: image.stretchContrast()
        case .equalize: image.equalize()
        }
    }

    /// The signed strength in the operation's unit: shares, pixels, degrees, bits or grey levels. In single precision, as in torchvision.
    var magnitude: Float {
        func between(_ start: Float, _ end: Float) -> Float {
            // torch.linspace counts from both ends and rounds once: a translation of strength 15 is 15.999999, hence 15 pixels.
            let step = (end - start) / Float(Self.strengths - 1)
            let isFirstHalf = strength < Self.strengths / 2
            return isFirstHalf
                ? start.addingProduct(step, Float(strength)) : end.addingProduct(-step, Float(Self.strengths - 1 - strength))
        }
        func signed(_ value: Float) -> Float { isNegative ? -value : value }
        switch operation {
        case .identity, .autoContrast, .equalize: return 0
        case .shearX, .shearY, .brightness, .color, .contrast, .sharpness: return signed(between(0, 0.99))
        case .translateX, .translateY: return signed(between(0, 32))
        case .rotate: return signed(between(0, 135))
        case .posterize: return 8 - (Float(strength) / (Float(Self.strengths - 1) / 6)).rounded(.toNearestOrEven)
        case .solarize: return between(255, 0)
        }
    }
}
