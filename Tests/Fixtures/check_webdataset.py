"""Reads shards of `drnet pack` with the Python package webdataset, and writes the shard that the tests read.

    python check_webdataset.py PACKED FOLDER       compares the images and labels of PACKED with the class folders of FOLDER
    python check_webdataset.py --write             writes webdataset.tar

Needs webdataset, numpy and pillow. Ends with status 1 if an image is missing or has other bytes or another class.
"""
import glob
import io
import pathlib
import sys

import numpy as np
import webdataset
from PIL import Image


def write():
    path = pathlib.Path(__file__).parent / "webdataset.tar"
    with webdataset.TarWriter(str(path), mtime=0, user="", group="") as writer:
        for index in range(5):
            file = io.BytesIO()
            Image.fromarray(np.full((3, 4 + index, 3), 10 * index, np.uint8)).save(file, "PNG")
            writer.write({"__key__": f"sample{index:03}", "png": file.getvalue(), "cls": str(index % 3).encode()})


def compare(packed, folder):
    classes = (pathlib.Path(packed) / "classes.txt").read_text().splitlines()
    wrong = 0
    for split in ("train", "val"):
        root = pathlib.Path(folder) / split
        if split == "val" and not root.exists():
            root = pathlib.Path(folder) / "validation"
        expected = sorted(p for p in root.rglob("*") if p.is_file())
        samples = list(webdataset.WebDataset(sorted(glob.glob(f"{packed}/{split}-*.tar")), shardshuffle=False))
        found = [(classes[int(s["cls"])], next(v for k, v in s.items() if k in ("jpg", "png", "webp"))) for s in samples]
        known = [(p.relative_to(root).parts[0], p.read_bytes()) for p in expected]
        wrong += len(known) != len(found) or sum(a != b for a, b in zip(known, found))
        print(f"{split}: {len(found)} samples, {len(expected)} files")
    print(f"{wrong} differ")
    return wrong


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        write()
    else:
        sys.exit(compare(*sys.argv[1:]) > 0)
