/// torchvision's ResNeXt (Xie et al., CVPR 2017) and Wide ResNet (Zagoruyko and Komodakis, BMVC 2016): ResNets of bottleneck blocks, whose
/// 3×3 convolutions are grouped or wider.
public enum ResNeXt {
    static let backbones = [
        ("resnext50_32x4d", 50, 32, 4), ("resnext101_32x8d", 101, 32, 8), ("resnext101_64x4d", 101, 64, 4), ("wide_resnet50_2", 50, 1, 128),
        ("wide_resnet101_2", 101, 1, 128),
    ].map { name, depth, groups, groupWidth in
        Backbone(name, blocks: ResNet.architecture(depth: depth, .init()).blocks.reduce(0, +)) { options in
            var architecture = ResNet.architecture(depth: depth, options)
            (architecture.groups, architecture.groupWidth) = (groups, groupWidth)
            return architecture
        }
    }
}
