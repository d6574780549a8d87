"""Runs the file that 'drnet export RUN --format onnx' wrote: python run_onnx.py FILE IMAGE ..."""

import json
import sys

import image_input
import onnxruntime

session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
metadata = session.get_modelmeta().custom_metadata_map
preprocessing, classes = json.loads(metadata["drnet.preprocessing"]), json.loads(metadata["drnet.classes"])
for path in sys.argv[2:]:
    logits, resolution = session.run(["logits", "resolution"], {"image": image_input.load(path, preprocessing)})
    print(path, classes[logits[0].argmax()], resolution[0], sep="\t")
