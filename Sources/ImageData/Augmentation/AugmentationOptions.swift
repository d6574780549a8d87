/// The options of random augmentation. The defaults are those of torchvision's `RandomResizedCrop` and `RandomHorizontalFlip`.
public struct AugmentationOptions: Equatable, Sendable {
    /// The range of a crop's area, as a share of the image's area.
    public var cropScale: ClosedRange<Double>
    /// The range of a crop's width divided by its height, before the crop is resized to a square.
    public var cropRatio: ClosedRange<Double>
    /// Whether to mirror an image with probability 0.5.
    public var flip: Bool
    /// The brightness factor is drawn from 1 ± this value; 0 disables the change.
    public var brightness: Double
    /// The contrast factor is drawn from 1 ± this value; 0 disables the change.
    public var contrast: Double
    /// The saturation factor is drawn from 1 ± this value; 0 disables the change.
    public var saturation: Double
    /// The largest rotation of the hue in either direction, as a share of the colour circle, 0 … 0.5.
    public var hue: Double
    /// Whether each image gets one operation of TrivialAugment.
    public var trivialAugment: Bool
    /// The probability that a rectangle of an image is erased.
    public var erasing: Double
    /// How images are mixed with one another.
    public var mixing: MixingOptions

    /// Creates options.
    public init(
        cropScale: ClosedRange<Double> = 0.08...1, cropRatio: ClosedRange<Double> = 0.75...1.333, flip: Bool = true,
        brightness: Double = 0, contrast: Double = 0, saturation: Double = 0, hue: Double = 0, trivialAugment: Bool = false,
        erasing: Double = 0, mixing: MixingOptions = MixingOptions()
    ) {
        self.cropScale = cropScale
        self.cropRatio = cropRatio
        self.flip = flip
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.hue = hue
        self.trivialAugment = trivialAugment
        self.erasing = erasing
        self.mixing = mixing
    }
}

/// The options of mixup and CutMix. The defaults mix nothing.
public struct MixingOptions: Equatable, Sendable {
    /// α of mixup's beta distribution; 0 disables mixup.
    public var mixup: Double
    /// α of CutMix's beta distribution; 0 disables CutMix.
    public var cutmix: Double
    /// The probability that an image is mixed.
    public var probability: Double

    /// Creates options.
    public init(mixup: Double = 0, cutmix: Double = 0, probability: Double = 1) {
        self.mixup = mixup
        self.cutmix = cutmix
        self.probability = probability
    }

    /// Whether any image can be mixed.
    public var isActive: Bool { (mixup > 0 || cutmix > 0) && probability > 0 }
}
