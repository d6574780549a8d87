"""Runs the parts that 'drnet export RUN --format onnx-parts' wrote: python run_parts.py FOLDER [onnxruntime|openvino] IMAGE ..."""

import json
import sys

import image_input


def compiled(path, runtime):
    """A function from images to a dictionary of outputs."""
    if runtime == "openvino":
        import openvino

        model = openvino.Core().compile_model(path, "CPU")
        return lambda images: {name: values for output, values in model([images]).items() for name in output.names}
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda images: dict(zip(names, session.run(names, {"image": images})))


class Parts:
    def __init__(self, folder, runtime="onnxruntime"):
        self.manifest = json.load(open(f"{folder}/manifest.json"))
        decider, classifiers = self.manifest.get("decider"), self.manifest["classifiers"]
        self.decide = compiled(f"{folder}/{decider['file']}", runtime) if decider else None
        self.classify = [compiled(f"{folder}/{c['file']}", runtime) if c.get("file") else None for c in classifiers]

    def __call__(self, image):
        """image: float32 [1, size, size, 3]. Returns logits [classes] and the resolution in pixels."""
        # Without a decider, one classifier has a file.
        choice, decision = next(i for i, c in enumerate(self.classify) if c), {}
        if self.decide:
            decision = self.decide(image)
            choice = int(decision["choice"][0])
        answer = self.classify[choice](image) if self.classify[choice] else decision
        return answer["logits"][0], self.manifest["classifiers"][choice]["resolution"]


if __name__ == "__main__":
    has_runtime = sys.argv[2] in ("onnxruntime", "openvino")
    parts = Parts(sys.argv[1], sys.argv[2] if has_runtime else "onnxruntime")
    for path in sys.argv[3 if has_runtime else 2 :]:
        logits, resolution = parts(image_input.load(path, parts.manifest["metadata"]["preprocessing"]))
        print(path, parts.manifest["metadata"]["classes"][logits.argmax()], resolution, sep="\t")
