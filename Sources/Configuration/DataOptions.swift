import ImageData

extension TrainingConfiguration {
    /// The source of the images and their preparation.
    public struct DataOptions: Equatable, Sendable {
        /// Path of a folder with train/CLASS/ and val/CLASS/ (or validation/CLASS/).
        public var folder: String
        /// The part of the training images that replaces the folder's validation images; nil to use the validation images.
        public var fold: CrossValidationFold?
        /// Decoding threads of each rank; 0 for the number of computing threads.
        public var decodingThreads: Int
        /// Batches that are decoded in advance.
        public var prefetchBatches: Int
        /// Normalisation of red, green and blue, for pixel values 0 … 1.
        public var mean: [Float]
        public var standardDeviation: [Float]
        /// Evaluation resizes the shorter side to this factor times the resolution, and crops the centre. One factor for all resolutions,
        /// or one for each.
        public var resizeRatios: [Double]
        public var augmentation: AugmentationOptions
        /// How an epoch selects its images.
        public var sampling: Sampling
        /// How often an epoch uses each image that it selects.
        public var repeats: Int

        init(_ section: ConfigurationSection) {
            folder = section.text(
                "folder",
                about: """
                    a data set: class folders (`train/CLASS/`, `val/CLASS/`), lists (`train.csv`, `val.csv`, or `.jsonl`) or shards \
                    (`train-*.tar`, `val-*.tar`); relative to the working directory ([data.md](data.md))
                    """)
            let fold = section.optionalText(
                "fold",
                about: """
                    cross-validation: `2/5` validates on the second of five parts of the training images and trains on the others \
                    ([policy.md](policy.md))
                    """)
            self.fold = fold.flatMap { text in
                let fold = CrossValidationFold(text)
                if fold == nil {
                    section.report(
                        "fold", "is '\(text)'; write the part and the number of parts, such as 2/5 (the number of parts is at least 2)")
                }
                return fold
            }
            decodingThreads = section.integer(
                "decodingThreads", default: 0, 0...256, about: "decoding threads per rank; 0: as many as compute")
            prefetchBatches = section.integer("prefetchBatches", default: 4, 1...64, about: "batches decoded ahead")
            let mean = section.numbers(
                "mean", default: [0.485, 0.456, 0.406], count: 3, .fraction, about: "of red, green and blue; ImageNet's")
            let deviation = section.numbers(
                "standardDeviation", default: [0.229, 0.224, 0.225], count: 3, .positive, about: "of red, green and blue; ImageNet's")
            self.mean = mean.map { Float($0) }
            standardDeviation = deviation.map { Float($0) }
            resizeRatios = section.numberOrList(
                "resizeRatio", default: 1.143, .between(1, 4),
                about: """
                    evaluation resizes the shorter side to this factor times the resolution and crops the centre. A list has one factor \
                    for each resolution, see [data.md](data.md#a-resize-ratio-for-each-resolution)
                    """)
            augmentation = AugmentationOptions(section.section("augmentation"))
            sampling = section.choice(
                "sampling", default: .shuffle,
                about: """
                    `shuffle`: an epoch uses each image once. `balanced`: each class equally often \
                    ([data.md](data.md#which-images-an-epoch-uses))
                    """)
            repeats = section.integer(
                "repeats", default: 1, 1...16, about: "R of repeated augmentation: an epoch uses one R-th of the images, R times each")
            section.finish()
        }

        var text: ConfigurationText {
            .section([
                ("folder", .value(folder)), ("fold", .value(fold?.description)), ("decodingThreads", .value(decodingThreads)),
                ("prefetchBatches", .value(prefetchBatches)), ("mean", .scalar("\(mean)")),
                ("standardDeviation", .scalar("\(standardDeviation)")),
                ("resizeRatio", resizeRatios.count == 1 ? .value(resizeRatios[0]) : .value(resizeRatios)),
                ("augmentation", augmentation.text), ("sampling", .scalar(sampling.rawValue)), ("repeats", .value(repeats)),
            ])
        }

        /// The factor of the widest view. Images are loaded with it at the largest resolution.
        public var widestResizeRatio: Double { resizeRatios.min() ?? 1 }

        /// The side of each resolution's centre crop, as a share of the widest view's side.
        package func views(resolutionCount: Int) -> [Double] {
            (0..<resolutionCount).map { widestResizeRatio / resizeRatios[resizeRatios.count == 1 ? 0 : $0] }
        }
    }
}

extension AugmentationOptions {
    init(_ section: ConfigurationSection) {
        func range(_ key: String, _ value: ClosedRange<Double>, _ allowed: NumberRange, about: String) -> ClosedRange<Double> {
            let bounds = section.numbers(key, default: [value.lowerBound, value.upperBound], count: 2, allowed, about: about)
            if bounds[0] <= bounds[1] { return bounds[0]...bounds[1] }
            section.report(key, "is \(bounds); the smaller number comes first")
            return value
        }
        let standard = AugmentationOptions()
        self = standard
        cropScale = range(
            "cropScale", standard.cropScale, .positiveFraction, about: "range of the area of a random crop, as a share of the image")
        cropRatio = range("cropRatio", standard.cropRatio, .between(0.1, 10), about: "range of the crop's width divided by its height")
        flip = section.boolean("flip", default: standard.flip, about: "mirrors an image with probability ½")
        brightness = section.number("brightness", default: 0, .fraction, about: "b: the factor is drawn from 1 ± b")
        contrast = section.number("contrast", default: 0, .fraction, about: "c: the factor is drawn from 1 ± c")
        saturation = section.number("saturation", default: 0, .fraction, about: "s: the factor is drawn from 1 ± s")
        hue = section.number("hue", default: 0, .between(0, 0.5), about: "the hue is rotated by up to this share of the colour circle")
        trivialAugment = section.boolean(
            "trivialAugment", default: standard.trivialAugment,
            about: "one operation of TrivialAugment (Wide) for each image, after crop and flip")
        erasing = section.number(
            "erasing", default: standard.erasing, .fraction, about: "probability that a rectangle of an image is set to the mean colour")
        mixing = MixingOptions(
            mixup: section.number("mixup", default: 0, .between(0, 10), about: "α of mixup; 0: no mixup"),
            cutmix: section.number(
                "cutmix", default: 0, .between(0, 10),
                about: """
                    α of CutMix; 0: no CutMix. With both, each image gets one of them, with probability ½ each
                    """),
            probability: section.number("mixProbability", default: 1, .fraction, about: "probability that an image is mixed"))
        section.finish()
    }

    var text: ConfigurationText {
        .section([
            ("cropScale", .value([cropScale.lowerBound, cropScale.upperBound])),
            ("cropRatio", .value([cropRatio.lowerBound, cropRatio.upperBound])), ("flip", .value(flip)),
            ("brightness", .value(brightness)), ("contrast", .value(contrast)), ("saturation", .value(saturation)),
            ("hue", .value(hue)), ("trivialAugment", .value(trivialAugment)), ("erasing", .value(erasing)),
            ("mixup", .value(mixing.mixup)), ("cutmix", .value(mixing.cutmix)), ("mixProbability", .value(mixing.probability)),
        ])
    }
}
