//! From tokens to vectors: the network itself, and pooling.

use std::path::{Path, PathBuf};

use catchment_core::{Error, Result};
use rten::{NodeId, Value, ValueOrView};
use rten_tensor::{Layout, NdTensor, Tensor, prelude::*};

use super::{
    files::{self, Pooling, Settings},
    words::Tokens,
};

/// An ONNX network that takes tokens.
pub(super) struct Network {
    model: rten::Model,
    path: PathBuf,
    ids: NodeId,
    mask: NodeId,
    types: Option<NodeId>,
    output: NodeId,
}

impl Network {
    pub(super) fn read(directory: &Path) -> Result<(Self, blake3::Hash)> {
        let (path, bytes) = files::needed(directory, &["model.onnx", "onnx/model.onnx"])?;
        let hash = blake3::hash(&bytes);
        let model = rten::Model::load(bytes).map_err(|error| files::damaged(&path, error))?;
        let named = |name: &str| model.find_node(name).filter(|node| model.input_ids().contains(node));
        let other = || {
            let remedy = "this is not a text embedding model: its inputs should be input_ids and attention_mask";
            Error::config("model_directory", remedy).with("file", path.display())
        };
        let (ids, mask) = (named("input_ids").ok_or_else(other)?, named("attention_mask").ok_or_else(other)?);
        let types = named("token_type_ids");
        if model
            .input_ids()
            .iter()
            .any(|input| ![Some(*input)].iter().any(|input| [Some(ids), Some(mask), types].contains(input)))
        {
            return Err(other());
        }
        let outputs = model.output_ids();
        let preferred = ["sentence_embedding", "last_hidden_state", "token_embeddings"];
        let output = preferred.iter().filter_map(|name| model.find_node(name)).find(|node| outputs.contains(node));
        let output = output.or_else(|| outputs.first().copied()).ok_or_else(other)?;
        Ok((Self { model, path, ids, mask, types, output }, hash))
    }

    /// One vector for each text, of any length.
    pub(super) fn run(&self, texts: &[Tokens], settings: &Settings) -> Result<Vec<Vec<f32>>> {
        let longest = texts.iter().map(Tokens::len).max().unwrap_or(0);
        let filled = |value: &dyn Fn(&Tokens, usize) -> Option<i32>, padding: i32| {
            let mut data = Vec::with_capacity(texts.len() * longest);
            for text in texts {
                data.extend((0..longest).map(|index| value(text, index).unwrap_or(padding)));
            }
            NdTensor::from_data([texts.len(), longest], data)
        };
        let at = |list: &[u32], index: usize| list.get(index).and_then(|id| i32::try_from(*id).ok());
        let mut inputs: Vec<(NodeId, ValueOrView)> = vec![
            (self.ids, filled(&|text, index| at(&text.ids, index), settings.pad).into()),
            (self.mask, filled(&|text, index| (index < text.len()).then_some(1), 0).into()),
        ];
        if let Some(types) = self.types {
            inputs.push((types, filled(&|text, index| at(&text.types, index), 0).into()));
        }
        let output = self.model.run_n(inputs, [self.output], None).map_err(|error| self.odd().source(error))?;
        self.pooled(output, texts, settings.pooling)
    }

    fn pooled(&self, [output]: [Value; 1], texts: &[Tokens], pooling: Pooling) -> Result<Vec<Vec<f32>>> {
        let output: Tensor<f32> = output.try_into().map_err(|error| self.odd().source(error))?;
        let shape = output.shape().to_vec();
        let values = output.to_vec();
        match shape[..] {
            // The network pools itself.
            [batch, size] if batch == texts.len() && size > 0 => Ok(values.chunks(size).map(<[f32]>::to_vec).collect()),
            [batch, length, size] if batch == texts.len() && size > 0 => {
                let pooled = |(text, rows): (&Tokens, &[f32])| match pooling {
                    Pooling::First => rows[..size].to_vec(),
                    Pooling::Mean => mean(&rows[..text.len() * size], size),
                };
                Ok(texts.iter().zip(values.chunks(length * size)).map(pooled).collect())
            }
            _ => Err(self.odd()),
        }
    }

    fn odd(&self) -> Error {
        Error::config("model_directory", "the model cannot be run: use a BERT-like text embedding model")
            .with("file", self.path.display())
    }
}

/// The average of rows, padding left out by the caller.
fn mean(rows: &[f32], size: usize) -> Vec<f32> {
    let mut sum = vec![0.0f32; size];
    for row in rows.chunks_exact(size) {
        for (sum, value) in sum.iter_mut().zip(row) {
            *sum += value;
        }
    }
    let count = (rows.len() / size).max(1) as f32;
    sum.iter_mut().for_each(|sum| *sum /= count);
    sum
}
