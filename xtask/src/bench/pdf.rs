//! PDF text: how much of it is right, beside pdftotext and PyMuPDF, and what spoiled files do.

use std::{
    collections::HashMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use serde::Deserialize;

use super::{
    peers::{Peers, fresh},
    product::target,
    report::Section,
};
use crate::shell::{Result, cargo, root, run};

/// How well two readers have to agree for a file to count as readable.
const AGREED: f64 = 0.95;
const WANTED: f64 = 0.97;
const SPOILED_COPIES: usize = 6;
/// A parse is ended after a minute by its limit; what takes as long has hung.
const HUNG: f64 = 55_000.0;

#[derive(Debug, Clone, Default, Deserialize)]
struct Reading {
    file: String,
    text: Option<String>,
    error: Option<String>,
    ms: f64,
}

/// Measures the made files, the samples, and those of a folder of the caller's choice.
pub(super) fn measure(peers: &Peers, own: Option<&Path>) -> Result<Section> {
    run(cargo().args(["build", "--release", "--locked", "--package", "catchment-benches"]))?;
    let reader = target()?.join("release/pdf_text");
    let python = peers.python()?;
    let made = peers.folder.join("pdfs");
    fresh(&made)?;
    run(Command::new(&python).arg(Peers::script("pdfs.py")).arg("make").arg(made.join("made")))?;
    fs::copy(root().join("samples/documents/pump-handbook.pdf"), made.join("pump-handbook.pdf"))?;
    let mut files = Vec::new();
    collect(&made, &mut files)?;
    if let Some(folder) = own {
        collect(folder, &mut files)?;
    }
    files.sort();

    let ours = read(&mut Command::new(&reader), &files)?;
    let second = read(Command::new(&python).arg(Peers::script("pymupdf_peer.py")), &files)?;
    let first: Vec<_> = files.iter().map(|path| pdftotext(path)).collect::<Result<_>>()?;
    let mut scores = Vec::new();
    let mut worst: Vec<(f64, String)> = Vec::new();
    for ((ours, first), second) in ours.iter().zip(&first).zip(&second) {
        let (Some(one), Some(two)) = (&first.text, &second.text) else { continue };
        if words(one).is_empty() || f1(one, two) < AGREED {
            continue;
        }
        let score = f1(ours.text.as_deref().unwrap_or_default(), one);
        scores.push(score);
        worst.push((score, ours.error.clone().unwrap_or_else(|| ours.file.clone())));
    }
    worst.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (score, what) in worst.iter().take(10).filter(|(score, _)| *score < WANTED) {
        eprintln!("{score:.3} {what}");
    }
    let mean = scores.iter().sum::<f64>() / f64::from(u32::try_from(scores.len().max(1))?);

    let spoiled = peers.folder.join("spoiled");
    fresh(&spoiled)?;
    let mut damaged = Vec::new();
    for folder in [Some(made.as_path()), own].into_iter().flatten() {
        let mut spoil = Command::new(&python);
        run(spoil
            .arg(Peers::script("pdfs.py"))
            .arg("spoil")
            .arg(folder)
            .arg(&spoiled)
            .arg(SPOILED_COPIES.to_string()))?;
    }
    collect(&spoiled, &mut damaged)?;
    let after = read(&mut Command::new(&reader), &damaged)?;
    let hung = after.iter().filter(|reading| reading.ms > HUNG).count();
    let failed = after.iter().filter(|reading| reading.error.is_some()).count();
    let seconds = |readings: &[Reading]| format!("{:.1} s", readings.iter().map(|one| one.ms).sum::<f64>() / 1000.0);

    Ok(Section {
        title: "PDF text",
        method: format!(
            "{} files: made ones and the sample handbook{}. {} of them are readable: pdftotext and PyMuPDF agree on them \
             (token F1 of at least {AGREED}). Tokens are runs of letters and digits in lower case, counted, in any order. \
             Catchment reads each in its worker process, as an import does. Then {SPOILED_COPIES} damaged copies of each \
             file: bytes changed, pieces cut out, the end missing.",
            files.len(),
            if own.is_some() { ", and a folder of real files from public test suites" } else { "" },
            scores.len(),
        ),
        columns: vec!["", "mean token F1 against pdftotext", "time for all files"],
        rows: vec![
            vec!["Catchment".into(), format!("{mean:.3}"), seconds(&ours)],
            vec!["pdftotext, a process each".into(), "1".into(), seconds(&first)],
            vec!["PyMuPDF".into(), "it chose the files".into(), seconds(&second)],
            vec![format!("Catchment, {} damaged", damaged.len()), format!("{failed} unreadable"), seconds(&after)],
        ],
        targets: vec![
            (format!("at least {WANTED} on readable files: {mean:.3}"), mean >= WANTED),
            (
                format!("no crash, no hang on any: {} of {} answered, {hung} hung", after.len(), damaged.len()),
                after.len() == damaged.len() && hung == 0,
            ),
        ],
    })
}

/// Hands the paths to a reader and takes its answers, one a file and in order.
fn read(command: &mut Command, files: &[PathBuf]) -> Result<Vec<Reading>> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut paths = String::new();
    for file in files {
        paths += &format!("{}\n", file.display());
    }
    let mut stdin = child.stdin.take().ok_or("no pipe")?;
    // From another thread: the reader answers while it is still being told.
    let teller = std::thread::spawn(move || stdin.write_all(paths.as_bytes()));
    let output = child.wait_with_output()?;
    teller.join().map_err(|_| "the thread that names the files panicked")??;
    if !output.status.success() {
        return Err(format!("a reader of PDF files ended with {}: it must survive every file", output.status).into());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

fn pdftotext(path: &Path) -> Result<Reading> {
    let started = Instant::now();
    let output = Command::new("pdftotext").arg(path).arg("-").output();
    let output = output.map_err(|error| format!("pdftotext (Debian: poppler-utils) does not run: {error}"))?;
    let text = output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned());
    let ms = started.elapsed().as_secs_f64() * 1000.0;
    Ok(Reading { file: path.display().to_string(), text, error: None, ms })
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|end| end.eq_ignore_ascii_case("pdf")) {
            files.push(path);
        }
    }
    Ok(())
}

fn words(text: &str) -> HashMap<String, u32> {
    let mut counts = HashMap::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        *counts.entry(word.to_lowercase()).or_insert(0) += 1;
    }
    counts
}

/// The harmonic mean of precision and recall over counted words.
fn f1(text: &str, reference: &str) -> f64 {
    let (ours, theirs) = (words(text), words(reference));
    let total = |words: &HashMap<String, u32>| f64::from(words.values().sum::<u32>());
    let common: u32 = ours.iter().map(|(word, count)| count.min(theirs.get(word).unwrap_or(&0))).sum();
    let sum = total(&ours) + total(&theirs);
    if sum == 0.0 { 1.0 } else { 2.0 * f64::from(common) / sum }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f1_counts_words_and_not_their_order() {
        assert!((f1("b a A", "A a, b!") - 1.0).abs() < 1e-9);
        assert!((f1("a b", "a b c d") - 2.0 / 3.0).abs() < 1e-9);
        assert!(f1("a", "").abs() < 1e-9);
    }

    #[test]
    fn a_reader_that_dies_is_an_error() {
        assert!(read(Command::new("sh").args(["-c", "cat > /dev/null; exit 9"]), &["x.pdf".into()]).is_err());
    }
}
