#!/usr/bin/env python3
"""The encoder against onnxruntime fp32 on the same weights, interleaved, one thread each, by processor time; one JSON line.

Needs numpy, onnx and onnxruntime (PyPI). The ONNX graph is built here from model.safetensors, so both run the same
weights; both read token ids of the same length.

    encoder.py --bin .build/release/martlet --model .martlet/model [--tokens 128] [--rounds 5] [--seconds 3]
"""
import argparse, json, math, os, statistics, struct, subprocess, tempfile, time

for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"): os.environ.pop(name, None)

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


def tensors(path):
    with open(path, "rb") as handle: data = handle.read()
    length = struct.unpack("<Q", data[:8])[0]
    found = {}
    for name, entry in json.loads(data[8:8 + length]).items():
        if name == "__metadata__" or entry["dtype"] != "F32": continue
        start, end = entry["data_offsets"]
        found[name] = np.frombuffer(data[8 + length + start:8 + length + end], dtype="<f4").reshape(entry["shape"])
    return found


class Graph:
    """Nodes and constants under numbered names."""

    def __init__(self): self.nodes, self.constants, self.count = [], [], 0

    def name(self):
        self.count += 1
        return f"v{self.count}"

    def constant(self, values):
        self.constants.append(numpy_helper.from_array(np.array(values, order="C"), self.name()))
        return self.constants[-1].name

    def add(self, kind, *inputs, **attributes):
        self.nodes.append(helper.make_node(kind, list(inputs), [self.name()], **attributes))
        return self.nodes[-1].output[0]

    def linear(self, x, weight, bias):
        return self.add("Add", self.add("MatMul", x, self.constant(weight.T)), self.constant(bias))

    def norm(self, x, gain, shift):
        return self.add("LayerNormalization", x, self.constant(gain), self.constant(shift), axis=-1, epsilon=1e-12)


def convert(weights, layers, heads):
    graph = Graph()
    hidden = weights["embeddings.LayerNorm.weight"].shape[0]
    zero, one = graph.constant(np.int64(0)), graph.constant(np.int64(1))
    length = graph.add("Gather", graph.add("Shape", "ids"), one)
    places = graph.add("Gather", graph.constant(weights["embeddings.position_embeddings.weight"]), graph.add("Range", zero, length, one))
    x = graph.add("Add", graph.add("Gather", graph.constant(weights["embeddings.word_embeddings.weight"]), "ids"), places)
    x = graph.add("Add", x, graph.constant(weights["embeddings.token_type_embeddings.weight"][0]))
    x = graph.norm(x, weights["embeddings.LayerNorm.weight"], weights["embeddings.LayerNorm.bias"])
    split, join = graph.constant(np.int64([0, 0, heads, hidden // heads])), graph.constant(np.int64([0, 0, hidden]))
    scale = graph.constant(np.float32(math.sqrt(hidden // heads)))
    for layer in range(layers):
        part = lambda name: [weights[f"encoder.layer.{layer}.{name}.{kind}"] for kind in ("weight", "bias")]
        def head(name, order):
            return graph.add("Transpose", graph.add("Reshape", graph.linear(x, *part(f"attention.self.{name}")), split), perm=order)
        query, key, value = head("query", [0, 2, 1, 3]), head("key", [0, 2, 3, 1]), head("value", [0, 2, 1, 3])
        scores = graph.add("Softmax", graph.add("Div", graph.add("MatMul", query, key), scale), axis=-1)
        context = graph.add("Reshape", graph.add("Transpose", graph.add("MatMul", scores, value), perm=[0, 2, 1, 3]), join)
        x = graph.norm(graph.add("Add", graph.linear(context, *part("attention.output.dense")), x), *part("attention.output.LayerNorm"))
        inner = graph.add("Gelu", graph.linear(x, *part("intermediate.dense")))
        x = graph.norm(graph.add("Add", graph.linear(inner, *part("output.dense")), x), *part("output.LayerNorm"))
    graph.nodes.append(helper.make_node("Identity", [x], ["out"]))
    model = helper.make_model(helper.make_graph(
        graph.nodes, "bert", [helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "length"])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["batch", "length", hidden])], graph.constants),
        opset_imports=[helper.make_opsetid("", 20)])
    model.ir_version = 10
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    args = parser.parse_args()
    with open(os.path.join(args.model, "config.json")) as handle: shape = json.load(handle)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        onnx.save(convert(tensors(os.path.join(args.model, "model.safetensors")), shape["num_hidden_layers"], shape["num_attention_heads"]), path)
        session = onnxruntime.InferenceSession(path, options)
    ids = np.full((args.batch, args.tokens), 20463, dtype=np.int64)
    session.run(None, {"ids": ids})

    def reference():
        started, used, count = time.monotonic(), time.process_time(), 0
        while time.monotonic() - started < args.seconds:
            vectors = session.run(None, {"ids": ids})[0].mean(axis=1)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            count += args.batch
        return count / (time.process_time() - used)

    def ours():
        done = subprocess.run(
            [args.bin, "bench", "encode", "--tokens", str(args.tokens), "--batch", str(args.batch), "--seconds", str(args.seconds)],
            env={**os.environ, "MARTLET_MODEL": args.model}, stdout=subprocess.PIPE, check=True)
        return json.loads(done.stdout)

    rates, ratios, kernels = [], [], ""
    for _ in range(args.rounds):
        baseline, figure = reference(), ours()
        kernels = figure["kernels"]
        rates.append((figure["per_processor_second"], baseline))
        ratios.append(figure["per_processor_second"] / baseline)
    print(json.dumps({
        "figure": f"encoder texts per processor second of one thread at {args.tokens} tokens, batch {args.batch}",
        "value": round(statistics.median(r[0] for r in rates), 1), "baseline": f"onnxruntime {onnxruntime.__version__} fp32",
        "baseline_value": round(statistics.median(r[1] for r in rates), 1), "ratio": round(statistics.median(ratios), 3),
        "ratios": [round(r, 3) for r in ratios], "goal": ">= 0.9", "kernels": kernels,
        "load": round(os.getloadavg()[0], 1)}))


if __name__ == "__main__":
    main()
