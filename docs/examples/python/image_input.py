"""Image files as the input of an exported network: float32 [1, size, size, 3], RGB, 0 … 255."""

import numpy as np
from PIL import Image, ImageOps


def load(path, preprocessing):
    """preprocessing: the object of that name in the metadata. The values are not rounded to bytes, as in drnet."""
    size = preprocessing["size"]
    image = ImageOps.exif_transpose(Image.open(path))
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    pixels = np.asarray(image.convert("RGB"), np.float32)
    height, width = pixels.shape[:2]
    short, long = min(height, width), max(height, width)
    shorter = max(size, int(size * preprocessing["resizeRatio"] + 0.5))
    longer = int(shorter * long / short)
    target = (shorter, longer) if width <= height else (longer, shorter)
    planes = [Image.fromarray(np.ascontiguousarray(pixels[:, :, c])).resize(target, Image.BILINEAR) for c in range(3)]
    left, top = round((target[0] - size) / 2), round((target[1] - size) / 2)
    return np.stack([np.asarray(plane)[top : top + size, left : left + size] for plane in planes], axis=-1)[None]
