import Randomness

/// Mixes images of a step with one another by mixup (Zhang et al., arXiv 1710.09412) or CutMix (Yun et al., arXiv 1905.04899).
///
/// What happens to an image depends only on seed, epoch and image. The partner depends on the order of the epoch, see
/// `EpochSampler.partners`. Results therefore depend neither on ranks nor on micro-batches.
public struct ImageMixer: Sendable {
    private let options: MixingOptions
    private let size: Int
    private let seed: UInt64
    private let epoch: Int
    /// The distance of an image and its partner in the order of the epoch.
    let shift: Int

    /// Creates the mixer of one epoch.
    ///
    /// - Parameters:
    ///   - options: at least one method is enabled.
    ///   - size: height and width of an image, in pixels.
    ///   - seed: of the run.
    ///   - epoch: counted over the whole run.
    ///   - repeats: how often the epoch uses each image. The uses are next to each other, and an image is not mixed with itself.
    public init(_ options: MixingOptions, size: Int, seed: UInt64, epoch: Int, repeats: Int = 1) {
        precondition(options.isActive, "nothing to mix")
        self.options = options
        self.size = size
        self.seed = seed
        self.epoch = epoch
        shift = repeats
    }

    /// Draws what happens to an image.
    ///
    /// Each image has its own draw, like timm's mode "elem". Every step then has about the same share of mixed images, and the batch norms
    /// see the same kind of batch in each step. torchvision draws once for a batch.
    ///
    /// - Parameter key: of the use of the image.
    func mixture(key: Int) -> Mixture {
        var random = CounterRandom(seed: seed, purpose: .mixing, step: epoch, sample: key)
        guard Double(random.uniform()) < options.probability else { return .none }
        let isChoice = options.mixup > 0 && options.cutmix > 0
        let usesMixup = isChoice ? random.uniform() < 0.5 : options.mixup > 0
        if usesMixup { return .blend(share: Float(1 - random.beta(options.mixup))) }
        return .paste(Self.box(share: 1 - random.beta(options.cutmix), size: size, &random))
    }

    /// Draws CutMix's box like torchvision: its centre is uniform, and its sides are those of `share` of the image before it is clipped.
    static func box(share: Double, size: Int, _ random: inout CounterRandom) -> CropWindow {
        let half = Int(0.5 * max(share, 0).squareRoot() * Double(size))
        let (x, y) = (random.integer(below: size), random.integer(below: size))
        let (left, top) = (max(x - half, 0), max(y - half, 0))
        return CropWindow(top: top, left: left, height: min(y + half, size) - top, width: min(x + half, size) - left)
    }
}

/// What happens to one image.
enum Mixture: Equatable {
    /// The image stays as it is.
    case none
    /// Mixup: image ← (1 − share) · image + share · partner.
    case blend(share: Float)
    /// CutMix: the partner's pixels replace those of a box. The box can be empty.
    case paste(CropWindow)

    /// The share of the partner in the image [size, size, 3], and in its target.
    func share(size: Int) -> Float {
        switch self {
        case .none: return 0
        case .blend(let share): return share
        case .paste(let box): return Float(box.width * box.height) / Float(size * size)
        }
    }

    /// Mixes an image [size, size, 3] with its partner, in place.
    func apply(_ image: UnsafeMutablePointer<Float>, _ partner: UnsafePointer<Float>, size: Int) {
        switch self {
        case .none: return
        case .blend(let share):
            let own = 1 - share
            for index in 0..<size * size * 3 { image[index] = own * image[index] + share * partner[index] }
        case .paste(let box):
            for row in box.top..<box.top + box.height {
                let start = (row * size + box.left) * 3
                (image + start).update(from: partner + start, count: box.width * 3)
            }
        }
    }
}
