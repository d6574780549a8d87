"""Writes images/: one small file of every supported kind, and PIL's decoding of each (NAME-EXTENSION.ppm).

Needs pillow and numpy. Transparent images are composed over white, as in this project. PIL's convert("RGB") would show the hidden colours.
"""
import pathlib

import numpy as np
from PIL import Image, ImageOps

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
    opened = ImageOps.exif_transpose(Image.open(path))
    if opened.mode in ("RGBA", "LA") or "transparency" in opened.info:
        opened = opened.convert("RGBA")
        opened = Image.alpha_composite(Image.new("RGBA", opened.size, "white"), opened)
    elif opened.mode.startswith("I"):
        opened = Image.fromarray((np.asarray(opened).astype(np.float64) / 257).round().astype(np.uint8))
    opened.convert("RGB").save(FOLDER / f"{stem}-{extension}.ppm")


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
