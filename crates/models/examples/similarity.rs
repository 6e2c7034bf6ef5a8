//! How alike texts are to a model directory, and how many passages it does in a second of CPU.
//!
//! `cargo run --release -p catchment-models --features local --example similarity -- DIRECTORY [TEXT...]`
//!
//! With texts, prints the first one's likeness to the others, then its vector as JSON.
#![expect(clippy::print_stdout, reason = "an example talks to a person")]

use std::time::Instant;

use catchment_core::{Embedder, Error, Result, Role};
use catchment_models::local::Model;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().ok_or_else(|| Error::config("directory", "give the path of a model directory"))?;
    let texts: Vec<String> = arguments.collect();
    let start = Instant::now();
    let model = Model::load(directory).await?;
    println!("{}: up to {} tokens, loaded in {:?}", model.id(), model.most_tokens(), start.elapsed());
    if let [first, others @ ..] = model.embed(&texts, Role::Passage).await?.as_slice() {
        for (text, vector) in texts[1..].iter().zip(others) {
            println!("{:.3} {text}", first.iter().zip(vector).map(|(a, b)| a * b).sum::<f32>());
        }
        println!("{first:?}");
    } else {
        measure(&model).await?;
    }
    Ok(())
}

/// Passages of about 128 tokens, all different.
async fn measure(model: &Model) -> Result<()> {
    let words = ["river", "stream", "basin", "water", "rain", "delta", "source", "bank"];
    let passage = |seed: usize| -> String {
        (0..126).map(|at| words[(seed * 7 + at * at + at) % 8]).collect::<Vec<_>>().join(" ")
    };
    let passages: Vec<String> = (0..256).map(passage).collect();
    println!("{} tokens a passage", model.count_tokens(&passages[0])?);
    model.embed(&passages[..32], Role::Passage).await?;
    let (wall, cpu) = (Instant::now(), cpu_seconds());
    model.embed(&passages, Role::Passage).await?;
    let count = passages.len() as f64;
    println!(
        "{:.1} passages a second, {:.1} a second of CPU",
        count / wall.elapsed().as_secs_f64(),
        count / (cpu_seconds() - cpu)
    );
    Ok(())
}

/// User and system time of this process, where the system tells it the way Linux does.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    // Ticks of a hundredth of a second; fields 14 and 15, counted behind the name.
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}
