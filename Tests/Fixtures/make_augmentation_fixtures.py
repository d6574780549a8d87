"""Writes augmentation/: what torchvision's TrivialAugmentWide (bilinear, on PIL images) makes of input.png and flat.png.

trivial_augment.json lists every operation with every strength and sign: the strength, and the FNV-1a checksum of the pixels for each input.
samples.png holds the pixels of one strength of each operation, one below the other: a failure then shows which pixels differ.

Needs pillow, numpy, torch and torchvision.
"""
import json
import pathlib

import numpy as np
import torch
from PIL import Image
from torchvision.transforms.autoaugment import TrivialAugmentWide, _apply_op
from torchvision.transforms.functional import InterpolationMode

FOLDER = pathlib.Path(__file__).parent / "augmentation"
FOLDER.mkdir(exist_ok=True)
SIDE = 40
SAMPLED = 24


def fnv(pixels):
    value = 0x811C9DC5
    for byte in pixels:
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


def inputs():
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    noise = np.random.default_rng(1).integers(-15, 16, (SIDE, SIDE, 3))
    channels = [120 + 90 * np.sin(x / 6 + y / 11), 110 + 80 * np.cos(y / 5), 40 + 3 * x + y]
    varied = (np.stack(channels, 2) + noise).clip(0, 255).astype(np.uint8)
    # One channel is constant, one has two values, and one is almost white.
    flat = np.stack([np.full((SIDE, SIDE), 77), np.where(x < 9, 30, 200), 250 + (x + y) % 6], 2).astype(np.uint8)
    return {"input": Image.fromarray(varied), "flat": Image.fromarray(flat)}


def cases():
    for name, (magnitudes, signed) in TrivialAugmentWide()._augmentation_space(31).items():
        if magnitudes.ndim == 0:
            yield name, 0, False, 0.0
            continue
        for index in range(31):
            for negative in (False, True) if signed else (False,):
                value = float(magnitudes[index].item())
                yield name, index, negative, -value if negative else value


images = inputs()
for name, image in images.items():
    image.save(FOLDER / f"{name}.png")
entries, samples = [], []
for operation, index, negative, value in cases():
    entry = {"operation": operation, "strength": index, "isNegative": negative, "magnitude": value, "checksums": {}}
    for name, image in images.items():
        result = _apply_op(image.copy(), operation, value, InterpolationMode.BILINEAR, None)
        entry["checksums"][name] = fnv(result.tobytes())
        if name == "input" and (not negative and (index == SAMPLED or operation in ("Identity", "AutoContrast", "Equalize"))):
            entry["sample"] = len(samples)
            samples.append(np.asarray(result))
    entries.append(entry)
(FOLDER / "trivial_augment.json").write_text("[\n" + ",\n".join(json.dumps(entry) for entry in entries) + "\n]\n")
Image.fromarray(np.concatenate(samples)).save(FOLDER / "samples.png")
