"""Compares the logits of every backbone with torchvision's and timm's, at two sizes, on photographs.

Run with: python compare_with_torch.py PROGRAM FOLDER [NAME…], with the program network-logits and a folder of photographs. Needs torch,
torchvision, timm, numpy and pillow. Weights are random with a fixed seed: the running statistics are those of the photographs, and the
factors of batch norms are random. They travel as a `.pth` file, torchvision's with `module.` before each name. Differences are those from
PyTorch in double precision, divided by the deviation of the logits. Prints the largest one for each network, and that of PyTorch in single
precision for comparison. Ends with status 1 if one is above 1e-4.
"""
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import timm
import torch
import torchvision
from PIL import Image

SIZES = (224, 160)
IMAGES = 8
CLASSES = 10
TIMM = {
    "resnet18": "resnet18", "resnet50": "resnet50", "resnext50_32x4d": "resnext50_32x4d", "wide_resnet50_2": "wide_resnet50_2",
    "mobilenet_v2": "mobilenetv2_100", "mobilenet_v3_large": "mobilenetv3_large_100", "mobilenet_v3_small": "mobilenetv3_small_100",
    "efficientnet_b0": "efficientnet_b0", "efficientnet_b1": "efficientnet_b1", "efficientnet_b2": "efficientnet_b2",
}
NAMES = (
    "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "mobilenet_v2", "resnext50_32x4d", "resnext101_32x8d",
    "resnext101_64x4d", "wide_resnet50_2", "wide_resnet101_2", "mobilenet_v3_large", "mobilenet_v3_small", "efficientnet_b0",
    "efficientnet_b1", "efficientnet_b2", "mnasnet0_5", "mnasnet0_75", "mnasnet1_0", "mnasnet1_3",
)


def photographs(folder, size):
    """Returns normalised photographs [N, 3, size, size]."""
    paths = sorted(p for p in pathlib.Path(folder).rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    images = []
    for path in paths[:: max(1, len(paths) // IMAGES)][:IMAGES]:
        pixels = np.asarray(Image.open(path).convert("RGB").resize((size, size), Image.BILINEAR), np.float32) / 255
        images.append((pixels - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225))
    return torch.from_numpy(np.stack(images).astype(np.float32)).permute(0, 3, 1, 2).contiguous()


def randomise(network, images):
    """Gives batch norms random factors and the running statistics of the images.

    The last batch norm of a residual block has smaller factors, as in trained networks. With factors near 1, the rounding errors of all
    programs grow from block to block."""
    torch.manual_seed(1)
    for name, module in network.named_modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            block = network.get_submodule(name.rsplit(".", 1)[0]) if name.startswith("layer") else None
            is_last = block is not None and name.endswith(".bn3" if hasattr(block, "bn3") else ".bn2")
            torch.nn.init.uniform_(module.weight, *((0.1, 0.4) if is_last else (0.5, 1.5)))
            torch.nn.init.uniform_(module.bias, -0.3, 0.3)
            module.momentum = None
    network.train()
    with torch.no_grad():
        network(images)
    network.eval()


def logits(program, name, path, epsilon, images):
    with tempfile.TemporaryDirectory() as folder:
        size = images.shape[-1]
        images.permute(0, 2, 3, 1).contiguous().numpy().tofile(f"{folder}/images")
        command = [program, name, path, str(CLASSES), str(epsilon), str(size), f"{folder}/images", f"{folder}/logits"]
        subprocess.run(command, check=True)
        return torch.from_numpy(np.fromfile(f"{folder}/logits", np.float32).reshape(-1, CLASSES))


def compare(program, folder, name, library):
    """Returns the largest difference of the logits at each size, and PyTorch's own, both divided by the deviation of the logits."""
    torch.manual_seed(1)
    if library == "timm":
        network = timm.create_model(TIMM[name], num_classes=CLASSES, drop_rate=0, drop_path_rate=0)
    else:
        network = getattr(torchvision.models, name)(num_classes=CLASSES)
    randomise(network, photographs(folder, SIZES[0]))
    epsilon = {m.eps for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)}.pop()
    state = network.state_dict()
    differences = []
    with tempfile.NamedTemporaryFile(suffix=".pth") as file:
        torch.save(state if library == "timm" else {"state_dict": {f"module.{k}": v for k, v in state.items()}}, file.name)
        for size in SIZES:
            images = photographs(folder, size)
            with torch.no_grad():
                single = network.float()(images)
                expected = network.double()(images.double())
            found = logits(program, name, file.name, epsilon, images)
            differences.append([((values - expected).abs().max() / expected.std()).item() for values in (found, single)])
    return differences


if __name__ == "__main__":
    program, folder, *names = sys.argv[1:]
    torch.set_num_threads(1)
    worst = 0
    for name in names or NAMES:
        for library in ("torchvision", "timm") if name in TIMM else ("torchvision",):
            differences = compare(program, folder, name, library)
            worst = max([worst] + [own for own, _ in differences])
            print(f"{name:20} {library:12} "
                  + "  ".join(f"{s} px: {own:.1e} (PyTorch {torchs:.1e})" for s, (own, torchs) in zip(SIZES, differences)), flush=True)
    print(f"largest difference {worst:.1e}; limit 1e-4")
    sys.exit(worst > 1e-4)
