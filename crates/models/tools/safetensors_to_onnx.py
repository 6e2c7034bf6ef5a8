"""Writes model.onnx beside the model.safetensors of a BERT directory. Needs numpy and onnx, no torch.

    python safetensors_to_onnx.py DIRECTORY    writes DIRECTORY/model.onnx
    python safetensors_to_onnx.py DIRECTORY --ids 101 2070 102
                                               prints the vector that numpy computes
"""

import argparse
import json
import math
import pathlib
import struct

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

TYPES = {"F32": np.float32, "F16": np.float16, "I64": np.int64}


def read_safetensors(path):
    data = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        start, end = (8 + length + offset for offset in entry["data_offsets"])
        array = np.frombuffer(data[start:end], TYPES[entry["dtype"]]).reshape(entry["shape"])
        tensors[name.removeprefix("bert.")] = array.astype(np.float32) if array.dtype == np.float16 else array
    return tensors


class Graph:
    """Collects nodes and constants, naming results by number."""

    def __init__(self):
        self.nodes, self.constants, self.count = [], [], 0

    def constant(self, array, dtype=np.float32):
        self.count += 1
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array, dtype), f"c{self.count}"))
        return f"c{self.count}"

    def node(self, kind, *inputs, name=None, **attributes):
        self.count += 1
        output = name or f"n{self.count}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output


def build(config, weights):
    """The encoder of BERT, as an ONNX model with the inputs and the output that exporters give."""
    g = Graph()
    heads, hidden, epsilon = config["num_attention_heads"], config["hidden_size"], config["layer_norm_eps"]
    size = hidden // heads
    assert config.get("hidden_act", "gelu") == "gelu", "only gelu is known"
    assert config.get("position_embedding_type", "absolute") == "absolute", "only absolute positions are known"

    def linear(x, name):
        product = g.node("MatMul", x, g.constant(weights[f"{name}.weight"].T))
        return g.node("Add", product, g.constant(weights[f"{name}.bias"]))

    def norm(x, name, output=None):
        scale, bias = g.constant(weights[f"{name}.weight"]), g.constant(weights[f"{name}.bias"])
        return g.node("LayerNormalization", x, scale, bias, axis=-1, epsilon=epsilon, name=output)

    def split(x, order):
        shaped = g.node("Reshape", x, g.constant([0, 0, heads, size], np.int64))
        return g.node("Transpose", shaped, perm=order)

    embeddings = "embeddings"
    words = g.node("Gather", g.constant(weights[f"{embeddings}.word_embeddings.weight"]), "input_ids")
    types = g.node("Gather", g.constant(weights[f"{embeddings}.token_type_embeddings.weight"]), "token_type_ids")
    length = g.node("Gather", g.node("Shape", "input_ids"), g.constant(1, np.int64))
    positions = g.node("Range", g.constant(0, np.int64), length, g.constant(1, np.int64))
    places = g.node("Gather", g.constant(weights[f"{embeddings}.position_embeddings.weight"]), positions)
    x = norm(g.node("Add", g.node("Add", words, types), places), f"{embeddings}.LayerNorm")

    # 0 where there is a token, a large negative number where there is padding.
    mask = g.node("Unsqueeze", "attention_mask", g.constant([1, 2], np.int64))
    mask = g.node("Cast", mask, to=TensorProto.FLOAT)
    mask = g.node("Mul", g.node("Sub", g.constant(1.0), mask), g.constant(-10000.0))

    for index in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{index}"
        query, key, value = (linear(x, f"{layer}.attention.self.{name}") for name in ("query", "key", "value"))
        scores = g.node("MatMul", split(query, [0, 2, 1, 3]), split(key, [0, 2, 3, 1]))
        scores = g.node("Mul", scores, g.constant(1 / math.sqrt(size)))
        scores = g.node("Softmax", g.node("Add", scores, mask), axis=-1)
        mixed = g.node("Transpose", g.node("MatMul", scores, split(value, [0, 2, 1, 3])), perm=[0, 2, 1, 3])
        mixed = g.node("Reshape", mixed, g.constant([0, 0, hidden], np.int64))
        x = norm(g.node("Add", linear(mixed, f"{layer}.attention.output.dense"), x), f"{layer}.attention.output.LayerNorm")
        inner = linear(x, f"{layer}.intermediate.dense")
        bent = g.node("Add", g.node("Erf", g.node("Mul", inner, g.constant(1 / math.sqrt(2)))), g.constant(1.0))
        inner = g.node("Mul", g.node("Mul", inner, g.constant(0.5)), bent)
        last = "last_hidden_state" if index + 1 == config["num_hidden_layers"] else None
        x = norm(g.node("Add", linear(inner, f"{layer}.output.dense"), x), f"{layer}.output.LayerNorm", last)

    ids = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"]) for name in INPUTS]
    output = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", "length", hidden])
    graph = helper.make_graph(g.nodes, "bert", ids, [output], g.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def reference(config, weights, ids, pooling="mean"):
    """The vector of one text, computed by numpy in double precision: what the network should give."""
    w = {name: array.astype(np.float64) for name, array in weights.items()}
    heads, hidden = config["num_attention_heads"], config["hidden_size"]
    erf = np.vectorize(math.erf)

    def linear(x, name):
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def norm(x, name):
        middle, spread = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
        return (x - middle) / np.sqrt(spread + config["layer_norm_eps"]) * w[f"{name}.weight"] + w[f"{name}.bias"]

    def split(x):
        return x.reshape(len(ids), heads, hidden // heads).transpose(1, 0, 2)

    e = "embeddings"
    x = w[f"{e}.word_embeddings.weight"][ids] + w[f"{e}.position_embeddings.weight"][: len(ids)]
    x = norm(x + w[f"{e}.token_type_embeddings.weight"][0], f"{e}.LayerNorm")
    for index in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{index}"
        query, key, value = (split(linear(x, f"{layer}.attention.self.{name}")) for name in ("query", "key", "value"))
        scores = query @ key.transpose(0, 2, 1) / math.sqrt(hidden // heads)
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        scores /= scores.sum(-1, keepdims=True)
        mixed = (scores @ value).transpose(1, 0, 2).reshape(len(ids), hidden)
        x = norm(linear(mixed, f"{layer}.attention.output.dense") + x, f"{layer}.attention.output.LayerNorm")
        inner = linear(x, f"{layer}.intermediate.dense")
        inner = inner * 0.5 * (1 + erf(inner / math.sqrt(2)))
        x = norm(linear(inner, f"{layer}.output.dense") + x, f"{layer}.output.LayerNorm")
    vector = x[0] if pooling == "cls" else x.mean(0)
    return vector / np.linalg.norm(vector)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--ids", type=int, nargs="+", help="print the reference vector of these tokens instead")
    options = parser.parse_args()
    config = json.loads((options.directory / "config.json").read_text())
    weights = read_safetensors(options.directory / "model.safetensors")
    if options.ids:
        print(json.dumps(reference(config, weights, options.ids).tolist()))
    else:
        onnx.save(build(config, weights), options.directory / "model.onnx")


if __name__ == "__main__":
    main()
