//! A model directory, against a tiny BERT and the vectors that numpy computes for it. What made
//! both is `tests/data/make_tiny_model.py`.
#![cfg(feature = "local")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use catchment_core::{Embedder, Error, ErrorKind, Role};
use catchment_models::local::Model;
use tempfile::TempDir;

type Vectors = BTreeMap<String, Vec<f32>>;

fn tiny() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tiny")
}

/// A copy to spoil.
fn copy() -> TempDir {
    let copy = tempfile::tempdir().expect("a directory");
    fs::create_dir(copy.path().join("1_Pooling")).expect("a directory");
    for name in ["model.onnx", "tokenizer.json", "config.json", "sentence_bert_config.json", "1_Pooling/config.json"] {
        fs::copy(tiny().join(name), copy.path().join(name)).expect("a copy");
    }
    copy
}

fn expected(kind: &str) -> Vectors {
    let all = fs::read(tiny().join("expected.json")).expect("the vectors");
    let mut all: BTreeMap<String, Vectors> = serde_json::from_slice(&all).expect("the vectors");
    all.remove(kind).expect("this kind")
}

fn close(one: &[f32], other: &[f32]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| (one - other).abs() < 1e-5)
}

async fn agrees(model: &Model, role: Role, expected: Vectors) {
    let texts: Vec<String> = expected.keys().cloned().collect();
    let found = model.embed(&texts, role).await.expect("vectors");
    for ((text, expected), found) in expected.iter().zip(&found) {
        assert!(close(found, expected), "{text:?}: {found:?} is not {expected:?}");
    }
}

async fn refused(directory: &Path) -> Error {
    let error = Model::load(directory).await.expect_err("a bad directory");
    assert!(matches!(error.kind(), ErrorKind::Config | ErrorKind::Unsupported), "{error}");
    error
}

#[tokio::test]
async fn vectors_are_those_that_numpy_computes() {
    let model = Model::load(tiny()).await.unwrap();
    assert_eq!((model.dimensions(), model.most_tokens()), (16, 16));
    agrees(&model, Role::Passage, expected("mean")).await;
}

#[tokio::test]
async fn a_query_gets_the_prefix_that_the_directory_names() {
    agrees(&Model::load(tiny()).await.unwrap(), Role::Query, expected("query")).await;
}

#[tokio::test]
async fn cls_pooling_takes_the_first_token() {
    let copy = copy();
    fs::write(copy.path().join("1_Pooling/config.json"), r#"{"pooling_mode_cls_token": true}"#).unwrap();
    agrees(&Model::load(copy.path()).await.unwrap(), Role::Passage, expected("cls")).await;
}

#[tokio::test]
async fn a_vector_does_not_depend_on_its_neighbours_or_their_order() {
    let model = Model::load(tiny()).await.unwrap();
    let words = ["the", "river", "stream", "flows", "into", "sea", "basin", "invoice", "paid"];
    let texts: Vec<String> = (0..300)
        .map(|index| (0..index % 13).map(|word| words[(index + word) % 9]).collect::<Vec<_>>().join(" "))
        .collect();
    let together = model.embed(&texts, Role::Passage).await.unwrap();
    assert_eq!(together.len(), 300);
    for index in [0, 1, 12, 137, 255, 256, 299] {
        let alone = model.embed(&texts[index..=index], Role::Passage).await.unwrap();
        assert!(close(&alone[0], &together[index]), "{index}");
    }
    assert!(together.iter().all(|vector| (vector.iter().map(|v| v * v).sum::<f32>() - 1.0).abs() < 1e-5));
    assert!(model.embed(&[], Role::Passage).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_text_is_cut_at_the_length_of_the_model_or_a_shorter_one() {
    let long = vec!["river ".repeat(100)];
    let model = Model::load(tiny()).await.unwrap();
    assert_eq!(model.count_tokens(&long[0]).unwrap(), 102);
    let cut = vec!["river ".repeat(14)];
    assert_eq!(model.embed(&long, Role::Passage).await.unwrap(), model.embed(&cut, Role::Passage).await.unwrap());
    let short = Model::load_up_to(tiny(), 5).await.unwrap();
    let cut = vec!["river ".repeat(3)];
    assert_eq!(short.embed(&long, Role::Passage).await.unwrap(), short.embed(&cut, Role::Passage).await.unwrap());
    assert_ne!(short.id(), model.id());
    assert_eq!(Model::load_up_to(tiny(), 9999).await.unwrap().most_tokens(), 16);
    // The positions that the network knows are the end, whatever is said or not.
    let copy = copy();
    let lengths = copy.path().join("sentence_bert_config.json");
    fs::write(&lengths, r#"{"max_seq_length": 9999}"#).unwrap();
    assert_eq!(Model::load(copy.path()).await.unwrap().most_tokens(), 24);
    fs::remove_file(lengths).unwrap();
    assert_eq!(Model::load(copy.path()).await.unwrap().most_tokens(), 24);
}

#[tokio::test]
async fn the_id_changes_with_whatever_changes_a_vector() {
    let same = |directory: &Path| {
        let directory = directory.to_owned();
        async move { Model::load(directory).await.unwrap().id().rsplit(':').next().unwrap().to_owned() }
    };
    let copy = copy();
    let before = same(copy.path()).await;
    assert_eq!(before, same(copy.path()).await);
    assert!(Model::load(tiny()).await.unwrap().id().starts_with("local:tiny:16:"));
    fs::write(copy.path().join("1_Pooling/config.json"), r#"{"pooling_mode_cls_token": true}"#).unwrap();
    let pooled = same(copy.path()).await;
    assert_ne!(before, pooled);
    let mut network = fs::read(copy.path().join("model.onnx")).unwrap();
    let middle = network.len() / 2;
    network[middle] ^= 1;
    fs::write(copy.path().join("model.onnx"), network).unwrap();
    assert_ne!(pooled, same(copy.path()).await);
}

#[tokio::test]
async fn the_network_is_found_in_its_folder_too() {
    let copy = copy();
    fs::create_dir(copy.path().join("onnx")).unwrap();
    fs::rename(copy.path().join("model.onnx"), copy.path().join("onnx/model.onnx")).unwrap();
    agrees(&Model::load(copy.path()).await.unwrap(), Role::Passage, expected("mean")).await;
}

#[tokio::test]
async fn a_missing_or_damaged_file_is_named() {
    for (name, needed) in [
        ("model.onnx", true),
        ("tokenizer.json", true),
        ("config.json", false),
        ("sentence_bert_config.json", false),
        ("1_Pooling/config.json", false),
    ] {
        let copy = copy();
        let path = copy.path().join(name);
        let whole = fs::read(&path).unwrap();
        for damaged in [&b"{ not what it should be"[..], b"", &whole[..whole.len() / 2]] {
            fs::write(&path, damaged).unwrap();
            let error = refused(copy.path()).await;
            assert_eq!(error.get("file"), Some(path.display().to_string().as_str()), "{error}");
        }
        fs::remove_file(&path).unwrap();
        if needed {
            let error = refused(copy.path()).await;
            assert!(error.get("file").is_some_and(|file| file.ends_with(name)), "{error}");
        } else {
            Model::load(copy.path()).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
    let error = refused(Path::new("/no/such/directory")).await;
    assert_eq!(error.get("path"), Some("/no/such/directory"));
}

#[tokio::test]
async fn a_model_that_would_be_misread_is_refused() {
    let with = |name: &'static str, content: &'static str| async move {
        let copy = copy();
        fs::write(copy.path().join(name), content).unwrap();
        refused(copy.path()).await
    };
    let error = with("1_Pooling/config.json", r#"{"pooling_mode_lasttoken": true}"#).await;
    assert!(error.message().contains("pooling"), "{error}");
    let error = with("modules.json", r#"[{"type": "sentence_transformers.models.Dense"}]"#).await;
    assert_eq!(error.get("layer"), Some("Dense"));
}

#[tokio::test]
async fn embedding_works_from_many_tasks_at_once() {
    let model = Model::load(tiny()).await.unwrap();
    let expected = expected("mean");
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            tokio::spawn({
                let (model, expected) = (model.clone(), expected.clone());
                async move { agrees(&model, Role::Passage, expected).await }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}
