"""Image files of every kind that Pillow decodes, written by Pillow, by cjpeg (libjpeg-turbo-progs) and by hand.

make_image_fixtures.py keeps one small set of them with Pillow's pixels. compare_with_pillow.py compares the decoder with Pillow on others.
"""
import io
import struct
import subprocess
import zlib

import numpy as np
from PIL import Image


def picture(width, height, seed=0):
    """A smooth image with some noise, as an array [height, width, 3]."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    channels = [128 + 120 * np.sin(x / 5), 128 + 120 * np.cos(y / 4 + x / 9), (x * 7 + y * 3) % 256 * 0.5 + 60]
    return (np.stack(channels, 2) + random.normal(0, 6, (height, width, 3))).clip(0, 255).astype(np.uint8)


# JPEG


def segment(marker, content):
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def insert(jpeg, *segments):
    """Inserts segments after the start of the image."""
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def without(jpeg, marker):
    """Removes the segments with a marker from the header."""
    result, position = jpeg[:2], 2
    while jpeg[position + 1] != 0xDA:
        end = position + 2 + struct.unpack(">H", jpeg[position + 2:position + 4])[0]
        if jpeg[position + 1] != marker:
            result += jpeg[position:end]
        position = end
    return result + jpeg[position:]


def tiff(orientation, order="<", kind=3, before=()):
    """EXIF data whose first directory has the tag Orientation as SHORT (3), LONG (4) or another type, after other entries."""
    entries = [struct.pack(order + "HHI", tag, 2, len(text)) + text.ljust(4, b"\0") for tag, text in before]
    value = {
        1: lambda: struct.pack("B3x", orientation), 2: lambda: str(orientation).encode().ljust(4, b"\0"),
        3: lambda: struct.pack(order + "HH", orientation, 0), 4: lambda: struct.pack(order + "I", orientation),
        5: lambda: struct.pack(order + "I", 8 + 2 + 12 * (len(before) + 1) + 4),
        6: lambda: struct.pack("b3x", orientation), 9: lambda: struct.pack(order + "i", orientation),
        11: lambda: struct.pack(order + "f", orientation),
    }[kind]()
    entries.append(struct.pack(order + "HHI", 0x0112, kind, 1) + value)
    header = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "I", 8)
    tail = struct.pack(order + "II", orientation, 1) if kind == 5 else b""
    return header + struct.pack(order + "H", len(entries)) + b"".join(entries) + struct.pack(order + "I", 0) + tail


def exif(*arguments, **options):
    return segment(0xE1, b"Exif\0\0" + tiff(*arguments, **options))


def xmp(text):
    return b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description ' + text + b"</x:xmpmeta>"


def xmp_segment(text):
    return segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp(text))


def pillow_jpeg(image, **options):
    file = io.BytesIO()
    image.save(file, "JPEG", **{"quality": 90, **options})
    return file.getvalue()


def cjpeg(image, *options, scans=None):
    file = io.BytesIO()
    image.save(file, "PPM")
    if scans:
        with open("/tmp/drnet-scans.txt", "w") as script:
            script.write(scans)
        options += ("-scans", "/tmp/drnet-scans.txt")
    return subprocess.run(["cjpeg", "-quality", "85", *options], input=file.getvalue(), stdout=subprocess.PIPE, check=True).stdout


def jpegs(rgb):
    image = Image.fromarray(rgb)
    plain = pillow_jpeg(image, subsampling=0)
    comment, profile = segment(0xFE, b"a comment"), segment(0xE2, b"ICC_PROFILE\0\1\1" + bytes(200))
    for orientation in range(2, 9):
        yield f"exif{orientation}", insert(plain, exif(orientation))
    yield "exif-after-comment", insert(plain, comment, exif(6))
    yield "exif-after-segments", insert(plain, comment, profile, segment(0xED, b"Photoshop 3.0\0"), xmp_segment(b"/>"), exif(8))
    yield "exif-big-endian", insert(plain, exif(6, order=">"))
    yield "exif-long", insert(plain, exif(6, kind=4))
    yield "exif-long-big-endian", insert(plain, exif(8, order=">", kind=4))
    for kind in (1, 2, 5, 6, 9, 11):
        yield f"exif-type{kind}", insert(plain, exif(6, kind=kind))
    for orientation in (0, 9, 99):
        yield f"exif-bad-value{orientation}", insert(plain, exif(orientation))
    yield "exif-two-segments", insert(plain, segment(0xE1, b"Exif\0\0" + tiff(6)[:12]), segment(0xE1, b"Exif\0\0" + tiff(6)[12:]))
    yield "exif-truncated", insert(plain, segment(0xE1, b"Exif\0\0" + tiff(6)[:15]))
    yield "exif-twice-marked", insert(plain, segment(0xE1, b"Exif\0\0Exif\0\0" + tiff(6)))
    yield "exif-after-entries", insert(plain, exif(6, before=[(0x010F, b"abc"), (0x0110, b"x")]))
    yield "exif-entry-outside", insert(plain, segment(0xE1, b"Exif\0\0" + outside_entry()))
    yield "exif-empty", insert(plain, segment(0xE1, b"Exif\0\0"))
    yield "exif-in-app3", insert(plain, segment(0xE3, b"Exif\0\0" + tiff(6)))
    yield "exif-after-padding", insert(plain, b"\xff\xff\xff\xff", exif(6))
    yield "xmp-attribute", insert(plain, xmp_segment(b'tiff:Orientation="6"/>'))
    yield "xmp-element", insert(plain, xmp_segment(b"><tiff:Orientation>8</tiff:Orientation>"))
    yield "xmp-single-quotes", insert(plain, xmp_segment(b"tiff:Orientation='6'/>"))
    yield "xmp-after-exif", insert(plain, exif(1), xmp_segment(b'tiff:Orientation="6"/>'))
    yield "xmp-two", insert(plain, xmp_segment(b'tiff:Orientation="6"/>'), xmp_segment(b'tiff:Orientation="3"/>'))
    yield "profile-bad", insert(plain, segment(0xE2, b"ICC_PROFILE\0\0\0" + bytes(9)))
    yield "jfif-version", plain.replace(b"JFIF\0\1\1", b"JFIF\0\7\7", 1)
    yield "rgb", pillow_jpeg(image, keep_rgb=True, subsampling=0)
    yield "adobe-transform-unknown", insert(without(plain, 0xE0), segment(0xEE, b"Adobe\0\x64\0\0\0\0\7"))
    yield "adobe-rgb", insert(without(plain, 0xE0), segment(0xEE, b"Adobe\0\x64\0\0\0\0\0"))
    yield "no-jfif", without(plain, 0xE0)
    cmyk = pillow_jpeg(image.convert("CMYK"))
    yield "cmyk-adobe", cmyk
    yield "cmyk-plain", without(cmyk, 0xEE)
    yield "ycck", insert(without(cmyk, 0xEE), segment(0xEE, b"Adobe\0\x64\0\0\0\0\2"))
    yield "grey", pillow_jpeg(image.convert("L"))
    yield "grey-sampling", cjpeg(image, "-grayscale", "-sample", "2x2")
    for sampling in ("1x2", "2x1", "2x2", "4x1", "4x2", "1x4", "3x1", "1x3", "2x2,2x1", "1x1,2x1", "2x1,1x2"):
        yield f"sampling-{sampling.replace(',', '-')}", cjpeg(image, "-sample", sampling)
    yield "progressive", cjpeg(image, "-progressive")
    yield "few-scans", cjpeg(image, scans="0,1,2: 0-0, 0, 1;\n0: 1-5, 0, 2;\n")
    yield "separate-scans", cjpeg(image, scans="0;\n1;\n2;\n")
    yield "restart", cjpeg(image, "-restart", "1B", "-sample", "1x1")
    yield "arithmetic", cjpeg(image, "-arithmetic")
    yield "arithmetic-progressive", cjpeg(image, "-arithmetic", "-progressive")
    yield "quality-1", cjpeg(image, "-quality", "1")
    yield "quality-100", cjpeg(image, "-quality", "100", "-sample", "1x1")
    yield "trailing-bytes", plain + b"more" * 20
    yield "two-images", plain + pillow_jpeg(image.convert("L"))
    yield "no-end-but-bytes", plain[:-2] + bytes(64)
    file = io.BytesIO()
    image.save(file, "MPO", save_all=True, append_images=[Image.new("RGB", image.size)])
    yield "mpo", file.getvalue()


def outside_entry():
    """EXIF data in which the value of an earlier entry is outside of the data. Pillow reads nothing after it."""
    entries = struct.pack("<HHII", 0x010F, 2, 20, 5000) + struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0)
    return b"II*\0" + struct.pack("<IH", 8, 2) + entries + bytes(4) + bytes(40)


# PNG


def chunk(name, content, checksum=None):
    checksum = zlib.crc32(name + content) if checksum is None else checksum
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)


def rows(samples, depth):
    """The rows of [height, width, channels] samples, before the filters."""
    if depth == 16:
        return [row.astype(">u2").tobytes() for row in samples]
    if depth == 8:
        return [row.astype(np.uint8).tobytes() for row in samples]
    bits = (samples[..., 0, None] >> np.arange(depth - 1, -1, -1)) & 1
    return [np.packbits(row.reshape(-1).astype(np.uint8)).tobytes() for row in bits]


def filtered(lines, size):
    """All five filters in turn."""
    result, previous = b"", bytes(len(lines[0])) if lines else b""
    for number, line in enumerate(lines):
        kind = number % 5
        out = bytearray()
        for index, value in enumerate(line):
            left = line[index - size] if index >= size else 0
            up, corner = previous[index], previous[index - size] if index >= size else 0
            estimate = left + up - corner
            distances = [(abs(estimate - left), 0), (abs(estimate - up), 1), (abs(estimate - corner), 2)]
            paeth = (left, up, corner)[min(distances)[1]]
            out.append((value - (0, left, up, (left + up) // 2, paeth)[kind]) & 255)
        result += bytes([kind]) + bytes(out)
        previous = line
    return result


def png(samples, depth, color, before=(), after=(), interlaced=False, data=None, parts=1, end=True, signature=True):
    height, width = samples.shape[:2]
    channels = samples.shape[2]
    size = max(1, channels * depth // 8)
    if data is None:
        raw = b""
        passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
        for top, left, down, right in passes if interlaced else [(0, 0, 1, 1)]:
            part = samples[top::down, left::right]
            if part.shape[0] and part.shape[1]:
                raw += filtered(rows(part, depth), size)
        data = zlib.compress(raw, 9)
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, int(interlaced))
    step = -(-len(data) // parts)
    pixels = b"".join(chunk(b"IDAT", data[start:start + step]) for start in range(0, len(data), step))
    chunks = [chunk(*entry) for entry in before], [chunk(*entry) for entry in after]
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks[0]) + pixels + b"".join(chunks[1])
            + (chunk(b"IEND", b"") if end else b""))


def raw_profile(data):
    text = f"\nexif\n{len(data):8}\n" + "\n".join(data.hex()[start:start + 72] for start in range(0, 2 * len(data), 72)) + "\n"
    return text.encode()


def pngs(rgb):
    height, width = rgb.shape[:2]
    grey = rgb[..., :1]
    wide = rgb.astype(np.uint16) * 257 + 13
    alpha = (np.mgrid[0:height, 0:width][1] * 23 % 256).astype(np.uint8)[..., None]
    for depth in (1, 2, 4):
        yield f"grey{depth}", png(grey >> (8 - depth), depth, 0)
        yield f"grey{depth}-interlaced", png(grey >> (8 - depth), depth, 0, interlaced=True)
    yield "grey8", png(grey, 8, 0)
    yield "grey16", png(wide[..., :1], 16, 0)
    yield "grey16-small-values", png(grey.astype(np.uint16) + 40, 16, 0)
    yield "grey16-interlaced", png(grey.astype(np.uint16), 16, 0, interlaced=True)
    for depth in (1, 2, 4, 8):
        colors = bytes(np.random.default_rng(depth).integers(0, 256, 3 * min(2 ** depth, 200), dtype=np.uint8))
        indices = grey >> (8 - depth) if depth < 8 else grey % 200
        yield f"palette{depth}", png(indices, depth, 3, [(b"PLTE", colors)])
        yield f"palette{depth}-interlaced", png(indices, depth, 3, [(b"PLTE", colors)], interlaced=True)
        yield f"palette{depth}-transparent", png(indices, depth, 3, [(b"PLTE", colors), (b"tRNS", b"\0\x80\xff\x10"[:2 ** depth])])
    yield "palette8-short", png(grey, 8, 3, [(b"PLTE", bytes(range(30)))])
    yield "palette8-opaque", png(grey % 4, 8, 3, [(b"PLTE", bytes(range(12))), (b"tRNS", b"\xff\xff")])
    for depth, values in ((8, rgb), (16, wide)):
        yield f"rgb{depth}", png(values, depth, 2)
        yield f"rgb{depth}-interlaced", png(values, depth, 2, interlaced=True)
        together = np.concatenate([values, alpha.astype(values.dtype) * (257 if depth == 16 else 1)], 2)
        yield f"rgba{depth}", png(together, depth, 6)
        yield f"rgba{depth}-interlaced", png(together, depth, 6, interlaced=True)
        yield f"grey-alpha{depth}", png(together[..., [0, 3]], depth, 4)
        key = struct.pack(">3H", *values[2, 3])
        yield f"rgb{depth}-key", png(values, depth, 2, [(b"tRNS", key)])
        yield f"grey{depth}-key", png(values[..., :1] if depth == 8 else grey.astype(np.uint16), depth, 0, [
            (b"tRNS", struct.pack(">H", grey[2, 3, 0]))])
    profile = (b"iCCP", b"name\0\0" + zlib.compress(bytes(300)))
    for name, color in {
        "gamma": [(b"gAMA", struct.pack(">I", 100000))], "gamma-small": [(b"gAMA", struct.pack(">I", 20000))],
        "chromaticities": [(b"gAMA", struct.pack(">I", 45455)), (b"cHRM", struct.pack(">8I", *[31270, 32900] + [30000, 60000] * 3))],
        "srgb": [(b"sRGB", b"\0")], "profile": [profile], "background": [(b"bKGD", struct.pack(">3H", 9, 8, 7))],
        "significant-bits": [(b"sBIT", b"\5\6\5")], "unknown-critical": [(b"CRIT", b"abc")], "unknown": [(b"abCd", b"abc")],
    }.items():
        yield name, png(rgb, 8, 2, color)
    yield "gamma-grey16", png(grey.astype(np.uint16), 16, 0, [(b"gAMA", struct.pack(">I", 100000))])
    for name, entry in {
        "exif": (b"eXIf", tiff(6)), "exif-big-endian": (b"eXIf", tiff(8, order=">")), "exif-marked": (b"eXIf", b"Exif\0\0" + tiff(6)),
        "raw-profile": (b"tEXt", b"Raw profile type exif\0" + raw_profile(b"Exif\0\0" + tiff(6))),
        "raw-profile-compressed": (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(raw_profile(b"Exif\0\0" + tiff(3)))),
        "raw-profile-iptc": (b"zTXt", b"Raw profile type iptc\0\0" + zlib.compress(raw_profile(tiff(3)))),
        "xmp": (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp(b'tiff:Orientation="6"/>')),
        "xmp-compressed": (b"iTXt", b"XML:com.adobe.xmp\0\1\0en\0\0" + zlib.compress(xmp(b'tiff:Orientation="8"/>'))),
        "xmp-not-utf8": (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp(b'a="\xff" tiff:Orientation="8"/>')),
        "xmp-text": (b"tEXt", b"XML:com.adobe.xmp\0" + xmp(b'tiff:Orientation="8"/>')),
    }.items():
        yield f"{name}-before", png(rgb, 8, 2, [entry])
        yield f"{name}-after", png(rgb, 8, 2, after=[entry])
    yield "exif-and-profile", png(rgb, 8, 2, [(b"eXIf", tiff(6)), (b"tEXt", b"Raw profile type exif\0" + raw_profile(tiff(3)))])
    data = zlib.compress(filtered(rows(rgb, 8), 3))
    yield "many-parts", png(rgb, 8, 2, parts=7)
    yield "level0", png(rgb, 8, 2, data=zlib.compress(filtered(rows(rgb, 8), 3), 0))
    small = zlib.compressobj(9, zlib.DEFLATED, 15)
    window = small.compress(filtered(rows(rgb, 8), 3)) + small.flush()
    yield "window-too-small", png(rgb, 8, 2, data=bytes([0x18, 0x19]) + window[2:])
    yield "more-data", png(rgb, 8, 2, data=data + b"zzzz")
    whole = png(rgb, 8, 2)
    yield "no-end", png(rgb, 8, 2, end=False)
    yield "trailing-bytes", whole + b"more"
    yield "cut-in-checksum", png(rgb, 8, 2, end=False)[:-2]
    yield "cut-in-data-checksum", png(rgb, 8, 2, end=False)[:-6]
    place = whole.index(b"IDAT") + 4 + len(zlib.compress(filtered(rows(rgb, 8), 3), 9))
    yield "wrong-chunk-checksum", whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1:]
    animation = [(b"acTL", struct.pack(">II", 2, 0)), (b"fcTL", struct.pack(">IIIIIHHBB", 0, width, height, 0, 0, 1, 10, 0, 0))]
    second = [(b"fcTL", struct.pack(">IIIIIHHBB", 1, width, height, 0, 0, 1, 10, 0, 0)), (b"fdAT", struct.pack(">I", 2) + data)]
    yield "animation", png(rgb, 8, 2, animation, second)


# WebP


def pillow_webp(image, **options):
    file = io.BytesIO()
    image.save(file, "WEBP", **options)
    return file.getvalue()


def webps(rgb):
    image = Image.fromarray(rgb)
    height, width = rgb.shape[:2]
    transparent = image.convert("RGBA")
    transparent.putalpha(Image.fromarray((np.mgrid[0:height, 0:width][1] * 23 % 256).astype(np.uint8)))
    yield "lossy", pillow_webp(image, quality=80)
    yield "lossless", pillow_webp(image, lossless=True)
    yield "lossy-alpha", pillow_webp(transparent, quality=80)
    yield "lossless-alpha", pillow_webp(transparent, lossless=True)
    yield "exif", pillow_webp(image, quality=80, exif=b"Exif\0\0" + tiff(6))
    yield "exif-unmarked", pillow_webp(image, quality=80, exif=tiff(8, order=">"))
    yield "xmp", pillow_webp(image, quality=80, xmp=xmp(b'tiff:Orientation="6"/>'))
    other = Image.fromarray(255 - rgb)
    yield "animation", pillow_webp(image, quality=80, save_all=True, append_images=[other], duration=100)
    yield "animation-alpha", pillow_webp(transparent, lossless=True, save_all=True, append_images=[other.convert("RGBA")], duration=100)
    yield "trailing-bytes", pillow_webp(image, quality=80) + b"more"


def variants(rgb):
    """Pairs of a file name and its bytes."""
    for extension, files in (("jpg", jpegs(rgb)), ("png", pngs(rgb)), ("webp", webps(rgb))):
        for name, data in files:
            yield f"{name}.{extension}", data


def expected(data):
    """Pillow's pixels as an RGB image, with transparent pixels over white."""
    from PIL import ImageOps

    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if image.mode == "I;16" and "transparency" in image.info:
        values = np.asarray(image)
        grey = np.where(values == image.info["transparency"], 255, values.clip(0, 255))
        return Image.fromarray(grey.astype(np.uint8)).convert("RGB")
    if image.mode == "RGB" and isinstance(image.info.get("transparency"), tuple) and max(image.info["transparency"]) > 255:
        return None
    if image.mode in ("RGBA", "LA") or "transparency" in image.info:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")
