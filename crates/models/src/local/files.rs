//! The files of a model directory, and what they say about it.

use std::{
    io,
    path::{Path, PathBuf},
};

use catchment_core::{Error, Result};
use serde_json::Value;

/// What BERT reads when the directory does not say.
const USUAL_TOKENS: usize = 512;

/// How the directory wants its model to be used.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Settings {
    pub(super) most_tokens: usize,
    pub(super) pooling: Pooling,
    pub(super) query: String,
    pub(super) passage: String,
    pub(super) pad: i32,
}

/// How the vectors of the tokens become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pooling {
    /// Their average.
    Mean,
    /// That of the first token.
    First,
}

impl Settings {
    pub(super) fn read(directory: &Path) -> Result<Self> {
        if !directory.is_dir() {
            return Err(Error::config(
                "model_directory",
                "give the path of a directory with model.onnx and tokenizer.json",
            )
            .with("path", directory.display()));
        }
        let config = json(directory, "config.json")?;
        let sentence = json(directory, "sentence_bert_config.json")?;
        let prompts = json(directory, "config_sentence_transformers.json")?;
        refuse_other_layers(directory)?;
        let number = |value: &Value, name: &str| value[name].as_u64().and_then(|number| usize::try_from(number).ok());
        let pad = number(&config, "pad_token_id").unwrap_or(0);
        let positions =
            number(&config, "max_position_embeddings").map(|positions| match config["model_type"].as_str() {
                // RoBERTa and its kin count positions from behind the padding.
                Some("roberta" | "xlm-roberta" | "camembert") => positions.saturating_sub(pad + 1),
                _ => positions,
            });
        let most = number(&sentence, "max_seq_length").or(positions).unwrap_or(USUAL_TOKENS);
        let prompt = |names: &[&str]| {
            let text = names.iter().find_map(|name| prompts["prompts"][*name].as_str());
            let default = prompts["default_prompt_name"].as_str().and_then(|name| prompts["prompts"][name].as_str());
            text.or(default).unwrap_or_default().to_owned()
        };
        Ok(Self {
            most_tokens: positions.map_or(most, |positions| most.min(positions)).max(1),
            pooling: pooling(directory)?,
            query: prompt(&["query", "search_query"]),
            passage: prompt(&["document", "passage", "search_document"]),
            pad: i32::try_from(pad).unwrap_or(0),
        })
    }
}

fn pooling(directory: &Path) -> Result<Pooling> {
    const FILE: &str = "1_Pooling/config.json";
    let config = json(directory, FILE)?;
    let on = |name: &str| config[format!("pooling_mode_{name}")].as_bool().unwrap_or(false);
    let odd =
        ["max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken"].into_iter().find(|name| on(name));
    match (on("cls_token"), on("mean_tokens") || config.is_null(), odd) {
        (false, true, None) => Ok(Pooling::Mean),
        (true, false, None) => Ok(Pooling::First),
        _ => Err(Error::unsupported("only mean and cls pooling are known: use another model")
            .with("file", directory.join(FILE).display())),
    }
}

/// A dense layer behind the pooling would be left out in silence.
fn refuse_other_layers(directory: &Path) -> Result<()> {
    const FILE: &str = "modules.json";
    let modules = json(directory, FILE)?;
    let kinds = modules.as_array().into_iter().flatten().filter_map(|module| module["type"].as_str());
    match kinds
        .map(|kind| kind.rsplit('.').next().unwrap_or(kind))
        .find(|kind| !["Transformer", "Pooling", "Normalize"].contains(kind))
    {
        None => Ok(()),
        Some(kind) => Err(Error::unsupported("the model has a layer that is not known here: use another model")
            .with("layer", kind)
            .with("file", directory.join(FILE).display())),
    }
}

/// A JSON file that may be missing; what is no JSON is an error.
fn json(directory: &Path, name: &str) -> Result<Value> {
    let path = directory.join(name);
    match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| damaged(&path, error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Value::Null),
        Err(error) => Err(unreadable(&path, error)),
    }
}

/// The first of `names` that exists, with its bytes.
pub(super) fn needed(directory: &Path, names: &[&str]) -> Result<(PathBuf, Vec<u8>)> {
    for name in names {
        let path = directory.join(name);
        match std::fs::read(&path) {
            Ok(bytes) => return Ok((path, bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unreadable(&path, error)),
        }
    }
    let remedy = "a file of the model is missing: copy it into the directory, or export the model to ONNX";
    Err(Error::config("model_directory", remedy).with("file", directory.join(names[0]).display()))
}

pub(super) fn damaged(path: &Path, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let remedy = "a file of the model is damaged or of a kind that is not known: download it again";
    Error::config("model_directory", remedy).with("file", path.display()).source(source)
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    Error::config("model_directory", "a file of the model cannot be read: check its permissions")
        .with("file", path.display())
        .source(error)
}
