"""Makes the directory `tiny` beside this file: a BERT with 2 layers of 16, weights drawn by a fixed seed, a vocabulary
of a few words, and the vectors that numpy computes for some texts. Needs numpy and onnx.

    python make_tiny_model.py
"""

import json
import pathlib
import sys

import numpy as np
import onnx

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "tools"))
from safetensors_to_onnx import build, reference  # noqa: E402

WORDS = "[PAD] [UNK] [CLS] [SEP] [MASK] the a river stream flows into sea basin invoice paid query passage : ##s über"
VOCABULARY = {word: index for index, word in enumerate(WORDS.split())}
CONFIG = {
    "model_type": "bert", "hidden_act": "gelu", "hidden_size": 16, "intermediate_size": 32, "layer_norm_eps": 1e-12,
    "max_position_embeddings": 24, "num_attention_heads": 2, "num_hidden_layers": 2, "pad_token_id": 0,
    "type_vocab_size": 2, "vocab_size": len(VOCABULARY),
}  # fmt: skip
TEXTS = {
    "the river flows into the sea": "the river flows into the sea",
    "A Stream": "a stream",
    "": "",
    "invoice unknown paid": "invoice [UNK] paid",
    "über rivers": "über river ##s",
    "the " * 40: "the " * 14,
}


def weights(random):
    hidden, inner = CONFIG["hidden_size"], CONFIG["intermediate_size"]
    out = {}

    def linear(name, rows, columns):
        out[f"{name}.weight"] = random.normal(0, 0.3, (rows, columns)).astype(np.float32)
        out[f"{name}.bias"] = random.normal(0, 0.1, rows).astype(np.float32)

    def norm(name):
        out[f"{name}.weight"] = random.normal(1, 0.1, hidden).astype(np.float32)
        out[f"{name}.bias"] = random.normal(0, 0.1, hidden).astype(np.float32)

    for name, rows in (("word", "vocab_size"), ("position", "max_position_embeddings"), ("token_type", "type_vocab_size")):
        table = random.normal(0, 1, (CONFIG[rows], hidden)).astype(np.float32)
        out[f"embeddings.{name}_embeddings.weight"] = table
    norm("embeddings.LayerNorm")
    for index in range(CONFIG["num_hidden_layers"]):
        layer = f"encoder.layer.{index}"
        for name in ("query", "key", "value"):
            linear(f"{layer}.attention.self.{name}", hidden, hidden)
        linear(f"{layer}.attention.output.dense", hidden, hidden)
        norm(f"{layer}.attention.output.LayerNorm")
        linear(f"{layer}.intermediate.dense", inner, hidden)
        linear(f"{layer}.output.dense", hidden, inner)
        norm(f"{layer}.output.LayerNorm")
    return out


def tokenizer():
    special = [
        {"id": VOCABULARY[word], "content": word, "single_word": False, "lstrip": False, "rstrip": False,
         "normalized": False, "special": True}
        for word in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    ]  # fmt: skip
    pieces = {word: {"id": word, "ids": [VOCABULARY[word]], "tokens": [word]} for word in ("[CLS]", "[SEP]")}
    frame = [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
             {"SpecialToken": {"id": "[SEP]", "type_id": 0}}]  # fmt: skip
    return {
        "version": "1.0",
        # Both are wrong on purpose: the saver's settings must not be obeyed.
        "truncation": {"max_length": 4, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
        "padding": {"strategy": {"Fixed": 20}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0,
                    "pad_type_id": 0, "pad_token": "[PAD]"},
        "added_tokens": special,
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                       "strip_accents": False, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "TemplateProcessing", "single": frame,
                           "pair": frame + [{"Sequence": {"id": "B", "type_id": 1}}], "special_tokens": pieces},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": VOCABULARY},
    }  # fmt: skip


def main():
    out = HERE / "tiny"
    (out / "1_Pooling").mkdir(parents=True, exist_ok=True)
    made = weights(np.random.default_rng(7))
    onnx.save(build(CONFIG, made), out / "model.onnx")

    def vectors(pooling, prefix=""):
        ids = {
            text: [VOCABULARY[word] for word in ["[CLS]", *(prefix + words).split()[:14], "[SEP]"]]
            for text, words in TEXTS.items()
        }
        return {text: reference(CONFIG, made, ids[text], pooling).round(6).tolist() for text in TEXTS}

    files = {
        "config.json": CONFIG,
        "tokenizer.json": tokenizer(),
        "sentence_bert_config.json": {"max_seq_length": 16, "do_lower_case": False},
        "1_Pooling/config.json": {"word_embedding_dimension": 16, "pooling_mode_mean_tokens": True},
        "config_sentence_transformers.json": {"prompts": {"query": "query: "}, "default_prompt_name": None},
        "expected.json": {"mean": vectors("mean"), "cls": vectors("cls"), "query": vectors("mean", "query : ")},
    }
    for name, content in files.items():
        (out / name).write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
