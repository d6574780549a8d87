"""Compares the decoder with Pillow on many files, and prints each difference.

    compare_with_pillow.py IMAGE_DUMP [FOLDER]

IMAGE_DUMP is the built program image-dump (launch/test builds .build-tests/release/image-dump). Without FOLDER, the files are those of
image_variants.py in several sizes, and random mutations of them. With FOLDER, they are its image files.

The pixels must be equal, except for transparency (docs/architecture.md). For mutations, only files that both decode are compared; a file
that Pillow decodes and this project rejects is counted, because Pillow ignores damage of pixels.
"""
import pathlib
import random
import subprocess
import sys
import tempfile
import warnings
import zlib

import numpy as np
from PIL import Image

import image_variants

warnings.simplefilter("ignore")
TOLERANCE = 1
# libjpeg-turbo's versions smooth missing details differently.
DEPENDS_ON_VERSION = "few-scans.jpg"


def dump(program, paths):
    """The decoder's pixels, or its error, of each path."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, folder], input="\n".join(map(str, paths)) + "\n", text=True, check=True)
        for number in range(len(paths)):
            pixels = pathlib.Path(folder, f"{number}.ppm")
            yield np.asarray(Image.open(pixels)) if pixels.exists() else pathlib.Path(folder, f"{number}.txt").read_text()


def reference(data):
    try:
        image = image_variants.expected(data)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None if image is None else np.asarray(image)


def worst(ours, theirs):
    if ours.shape != theirs.shape:
        return f"{ours.shape[1]}×{ours.shape[0]} instead of {theirs.shape[1]}×{theirs.shape[0]}"
    return int(np.abs(ours.astype(int) - theirs).max())


def compare(program, paths, strict):
    counts = {"equal": 0, "different": 0, "version": 0, "only Pillow": 0, "only we": 0, "neither": 0}
    largest = 0
    for path, ours in zip(paths, dump(program, paths)):
        theirs = reference(path.read_bytes())
        if theirs is None:
            continue
        if isinstance(ours, str) or isinstance(theirs, str):
            kind = "neither" if isinstance(ours, str) and isinstance(theirs, str) else "only Pillow" if isinstance(ours, str) else "only we"
            counts[kind] += 1
            if strict and kind != "neither":
                print(f"{path.name}: {kind}: {ours if isinstance(ours, str) else theirs}")
            continue
        difference = worst(ours, theirs)
        if isinstance(difference, str) or difference > TOLERANCE:
            counts["version" if path.name.endswith(DEPENDS_ON_VERSION) else "different"] += 1
            print(f"{path.name}: differs by {difference}")
        else:
            counts["equal"] += 1
            largest = max(largest, difference)
    print(counts, "largest accepted difference", largest)
    return counts


def mutated(data, generator):
    data = bytearray(data)
    for _ in range(generator.randint(1, 3)):
        kind, place = generator.randrange(4), generator.randrange(len(data))
        if kind == 0:
            data[place] ^= 1 << generator.randrange(8)
        elif kind == 1:
            data[place] = generator.randrange(256)
        elif kind == 2:
            del data[place:place + generator.randint(1, 8)]
        else:
            data[place:place] = bytes(generator.randrange(256) for _ in range(generator.randint(1, 4)))
    return bytes(data) or b"\0"


def main():
    program = sys.argv[1]
    if len(sys.argv) > 2:
        suffixes = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp"}
        compare(program, sorted(path for path in pathlib.Path(sys.argv[2]).rglob("*") if path.suffix.lower() in suffixes), True)
        return
    with tempfile.TemporaryDirectory() as temporary:
        generator = random.Random(1)
        plain, changed = [], []
        for number, (width, height) in enumerate([(19, 13), (1, 1), (1, 9), (9, 1), (64, 48), (131, 67)]):
            if min(width, height) < 4:
                rgb = image_variants.picture(8, 8, number)[:height, :width].copy()
            else:
                rgb = image_variants.picture(width, height, number)
            if rgb.shape[0] < 3 or rgb.shape[1] < 4:
                files = list(small_variants(rgb))
            else:
                files = list(image_variants.variants(rgb))
            for name, data in files:
                path = pathlib.Path(temporary, f"{width}x{height}-{name}")
                path.write_bytes(data)
                plain.append(path)
                for copy in range(3 if width < 60 else 0):
                    other = pathlib.Path(temporary, f"mutation{copy}-{path.name}")
                    other.write_bytes(mutated(data, generator))
                    changed.append(other)
        failed = compare(program, plain, True)
        print(f"{len(changed)} mutations, checksum {zlib.crc32(b''.join(path.read_bytes() for path in changed)):x}")
        compare(program, changed, False)
    if failed["different"] or failed["only Pillow"]:
        sys.exit(1)


def small_variants(rgb):
    """The kinds that also exist for images of a few pixels."""
    image = Image.fromarray(rgb)
    yield "plain.jpg", image_variants.pillow_jpeg(image)
    yield "sampling.jpg", image_variants.cjpeg(image, "-sample", "2x2")
    yield "rgb.png", image_variants.png(rgb, 8, 2)
    yield "interlaced.png", image_variants.png(rgb, 8, 2, interlaced=True)
    yield "grey1.png", image_variants.png(rgb[..., :1] >> 7, 1, 0)
    yield "grey1-interlaced.png", image_variants.png(rgb[..., :1] >> 7, 1, 0, interlaced=True)
    yield "lossy.webp", image_variants.pillow_webp(image)


main()
