//! How close the text of PDF files is to what poppler's `pdftotext` makes of them: the mean F1 of
//! the words, as multisets after NFKC. Marks of direction and private characters do not count, and
//! in scripts without spaces each character is a word.
//!
//! ```text
//! cargo run --release -p catchment-documents --example pdf_f1 -- <folder> [--worst 20] [--other <folder>]
//! ```
//!
//! Given a file instead, it prints its text. `--other` takes a folder of texts by a second reader, named `<file>.txt`; then only files on
//! which the two references agree (F1 of at least 0.9) are counted.

#![expect(clippy::print_stdout, reason = "a command line tool")]

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use catchment_documents::{Input, Limits, Parser, sandbox};
use unicode_normalization::UnicodeNormalization;

type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

#[tokio::main]
async fn main() -> Result<()> {
    sandbox::run_if_worker();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let option =
        |name: &str| arguments.iter().position(|argument| argument == name).and_then(|at| arguments.get(at + 1));
    let folder = PathBuf::from(arguments.first().ok_or("give a folder with PDF files")?);
    let worst: usize = option("--worst").map_or(Ok(20), |count| count.parse())?;
    let other = option("--other").map(PathBuf::from);

    let parser = Parser::isolated(Limits { time: Duration::from_secs(20), ..Limits::default() })?;
    if folder.is_file() {
        let parsed = parser.parse(Input::path(folder)).await?;
        println!("{:#?}\n{}", parsed.text.warnings, parsed.text.plain());
        return Ok(());
    }
    let mut files = Vec::new();
    collect(&folder, &mut files)?;
    files.sort();
    let (mut scores, mut failed, mut time) = (Vec::new(), Vec::new(), Duration::ZERO);
    for file in &files {
        let Some(expected) = pdftotext(file)? else {
            continue;
        };
        let expected = words(&expected);
        if expected.values().sum::<usize>() < 5 {
            continue;
        }
        if let Some(other) = &other {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let second = std::fs::read_to_string(other.join(format!("{name}.txt"))).unwrap_or_default();
            if f1(&expected, &words(&second)) < 0.9 {
                continue;
            }
        }
        let started = Instant::now();
        match parser.parse(Input::path(file)).await {
            Ok(parsed) => scores.push((f1(&expected, &words(&parsed.text.plain())), file)),
            Err(error) => {
                failed.push((error, file));
                scores.push((0.0, file));
            }
        }
        time += started.elapsed();
    }
    scores.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mean =
        |scores: &[(f64, &PathBuf)]| scores.iter().map(|(score, _)| score).sum::<f64>() / scores.len().max(1) as f64;
    for (score, file) in scores.iter().take(worst) {
        println!("{score:.3} {}", file.display());
    }
    for (error, file) in &failed {
        println!("failed {}: {error}", file.display());
    }
    let read: Vec<_> =
        scores.iter().filter(|(_, file)| !failed.iter().any(|(_, other)| other == file)).copied().collect();
    println!(
        "{} files, mean F1 {:.4}; {} read, mean F1 {:.4}; {:.1} s",
        scores.len(),
        mean(&scores),
        read.len(),
        mean(&read),
        time.as_secs_f64()
    );
    Ok(())
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, into)?;
        } else if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("pdf")) {
            into.push(path);
        }
    }
    Ok(())
}

/// What poppler reads, or nothing if it cannot read the file.
fn pdftotext(file: &Path) -> Result<Option<String>> {
    let output = Command::new("timeout").arg("20").arg("pdftotext").arg(file).arg("-").output()?;
    Ok(output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned()))
}

fn words(text: &str) -> HashMap<String, usize> {
    let mut words = HashMap::new();
    let mut spaced = String::with_capacity(text.len());
    for char in text.nfkc() {
        match char {
            '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{e000}'..='\u{f8ff}'
            | '\u{ad}' => {}
            '\u{3000}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' => {
                spaced.extend([' ', char, ' '])
            }
            _ => spaced.push(char),
        }
    }
    for word in spaced.split_whitespace() {
        *words.entry(word.to_owned()).or_default() += 1;
    }
    words
}

fn f1(expected: &HashMap<String, usize>, found: &HashMap<String, usize>) -> f64 {
    let common: usize = expected.iter().map(|(word, count)| (*count).min(found.get(word).copied().unwrap_or(0))).sum();
    let all = expected.values().sum::<usize>() + found.values().sum::<usize>();
    if all == 0 { 1.0 } else { 2.0 * common as f64 / all as f64 }
}
