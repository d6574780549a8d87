"""Writes images/: one small file of every supported kind, and PIL's decoding of each (NAME-EXTENSION.ppm).

Needs pillow, numpy and cjpeg (libjpeg-turbo-progs). Transparent images are composed over white, as in this project. PIL's convert("RGB")
would show the hidden colours.
"""
import pathlib

import numpy as np
from PIL import Image

import image_variants

FOLDER = pathlib.Path(__file__).parent / "images"
FOLDER.mkdir(exist_ok=True)

y, x = np.mgrid[0:21, 0:30]
channels = [128 + 120 * np.sin(x / 5), 128 + 120 * np.cos(y / 4 + x / 9), (x * 7 + y * 3) % 256 * 0.5 + 60]
rgb = np.stack(channels, 2).clip(0, 255).astype(np.uint8)
image = Image.fromarray(rgb)


def keep(name, written, **options):
    path = FOLDER / name
    written.save(path, **options)
    stem, extension = name.rsplit(".", 1)
    image_variants.expected(path.read_bytes()).save(FOLDER / f"{stem}-{extension}.ppm")


def exif(orientation):
    data = Image.Exif()
    data[0x0112] = orientation
    return data


keep("baseline.jpg", image, quality=90, subsampling=0)
keep("subsampled.jpg", image, quality=90, subsampling=2)
keep("progressive.jpg", image, quality=90, progressive=True, subsampling=0)
keep("grey.jpg", image.convert("L"), quality=90)
keep("cmyk.jpg", image.convert("CMYK"), quality=95)
for orientation in (3, 5, 6):
    keep(f"rotated{orientation}.jpg", image, quality=90, subsampling=0, exif=exif(orientation))
keep("rgb.png", image)
keep("palette.png", image.quantize(32))
alpha = image.convert("RGBA")
alpha.putalpha(Image.fromarray((x * 8 % 256).astype(np.uint8)))
keep("alpha.png", alpha)
keep("grey.png", image.convert("L"))
keep("grey16.png", Image.fromarray((np.asarray(image.convert("L")).astype(np.uint16) * 257 + (x % 5)).astype(np.uint16)))
keep("interlaced.png", image, interlace=1)
# A JPEG with the wrong extension. The decoder goes by the content.
image.save(FOLDER / "jpeg-named.png", format="JPEG", quality=90, subsampling=0)
Image.open(FOLDER / "jpeg-named.png").save(FOLDER / "jpeg-named-png.ppm")

# A part of image_variants.py, in a folder of their own.
KEPT = """
exif-after-comment exif-after-segments exif-big-endian exif-long exif-type1 exif-type5 exif-bad-value9 exif-two-segments exif-truncated
exif-entry-outside exif-in-app3 exif-after-padding xmp-attribute xmp-element xmp-after-exif profile-bad jfif-version rgb
adobe-transform-unknown cmyk-plain ycck sampling-1x2 sampling-4x1 sampling-4x2 sampling-3x1 sampling-1x1-2x1 separate-scans restart
arithmetic trailing-bytes no-end-but-bytes mpo

grey1 grey2-interlaced grey4 grey16 grey16-small-values palette1 palette2-interlaced palette4-transparent palette8-short rgb8-key grey8-key
rgb16 rgba16-interlaced grey-alpha8 grey-alpha16 gamma gamma-small chromaticities profile unknown-critical exif-before exif-after
raw-profile-before raw-profile-compressed-after xmp-before xmp-text-before many-parts window-too-small no-end cut-in-checksum
cut-in-data-checksum wrong-chunk-checksum animation

lossy lossless lossy-alpha lossless-alpha exif exif-unmarked xmp animation animation-alpha trailing-bytes
""".split("\n\n")
variants = FOLDER / "variants"
variants.mkdir(exist_ok=True)
for extension, names in zip(("jpg", "png", "webp"), KEPT):
    files = dict(image_variants.variants(image_variants.picture(19, 13)))
    for name in names.split():
        (variants / f"{name}.{extension}").write_bytes(files[f"{name}.{extension}"])
        image_variants.expected(files[f"{name}.{extension}"]).save(variants / f"{name}-{extension}.ppm")
