//! The sandbox as its users see it: one hostile file costs its own result and nothing else.

use catchment_documents::{Input, Limits, Parser};

fn parser(limits: Limits) -> Parser {
    let worker = env!("CARGO_BIN_EXE_catchment-parse-worker");
    Parser::builder().limits(limits).worker(worker).workers(2).build().expect("a worker program is named")
}

#[tokio::test]
async fn an_empty_file_says_so() {
    let error = parser(Limits::default()).parse(Input::bytes("a.pdf", "")).await.expect_err("nothing is in it");
    assert_eq!(error.to_string(), "the file is empty");
}
