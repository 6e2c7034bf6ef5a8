//! Reads the files that are named on standard input, one a line, in a worker process as an import
//! does, and prints one JSON object each: the text or the reason, and the milliseconds.
#![expect(clippy::print_stdout, reason = "its output is its result")]

use std::{
    error::Error,
    io::{Write, stdin, stdout},
    time::Instant,
};

use catchment_documents::{Input, Limits, Parser, sandbox};
use serde_json::json;

fn main() -> Result<(), Box<dyn Error>> {
    sandbox::run_if_worker();
    tokio::runtime::Runtime::new()?.block_on(async {
        let parser = Parser::builder().limits(Limits::default()).workers(1).build()?;
        for line in stdin().lines() {
            let path = line?;
            let started = Instant::now();
            let parsed = parser.parse(Input::path(&path)).await;
            let milliseconds = started.elapsed().as_secs_f64() * 1000.0;
            let said = match parsed {
                Ok(parsed) => json!({ "file": path, "text": parsed.text.plain(), "ms": milliseconds }),
                Err(error) => {
                    json!({ "file": path, "kind": error.kind().as_str(), "error": error.to_string(), "ms": milliseconds })
                }
            };
            println!("{said}");
            stdout().flush()?;
        }
        Ok(())
    })
}
