//! `test`: every test of the workspace, with the servers they need.
//!
//! Documentation tests come first and the runner's summary last, so that the last line printed
//! says how it went.

use std::{
    io::{self, BufRead, BufReader, IsTerminal, Read, Write},
    process::{Command, Stdio},
};

use crate::{
    backends,
    shell::{Result, cargo, works},
};

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let backends = backends::install()?;
    let everything = arguments.is_empty();
    let documented = !everything || {
        let mut command = cargo();
        command.args(["test", "--workspace", "--doc", "--quiet"]).env("CATCHMENT_BACKENDS", &backends);
        command.status()?.success()
    };

    let nextest = works(cargo().args(["nextest", "--version"]));
    let mut command = cargo();
    command.args(if nextest { &["nextest", "run"][..] } else { &["test", "--no-fail-fast"][..] });
    if !arguments.iter().any(|word| ["-p", "--package", "--workspace"].contains(&word.as_str())) {
        command.arg("--workspace");
    }
    if !nextest && everything {
        // The documentation tests have run already.
        command.arg("--all-targets");
    }
    command.args(arguments).env("CATCHMENT_BACKENDS", &backends);
    let (passed, mut summary) = watch(&mut command, nextest)?;
    if !documented {
        summary.retold = true;
        eprintln!("error: documentation tests failed: see above, or run `cargo test --workspace --doc`");
    }
    summary.tell();
    if passed && documented { Ok(()) } else { std::process::exit(1) }
}

/// Runs a test runner, passes its output on, and keeps its summary.
fn watch(command: &mut Command, nextest: bool) -> Result<(bool, Summary)> {
    let colour = if io::stderr().is_terminal() { "always" } else { "auto" };
    command.env("CARGO_TERM_COLOR", colour);
    let mut summary = Summary::new(nextest);
    // nextest reports on stderr, libtest on stdout; the other stream goes straight through.
    let mut child = if nextest { command.stderr(Stdio::piped()) } else { command.stdout(Stdio::piped()) }.spawn()?;
    let stream: Box<dyn Read> = match (child.stderr.take(), child.stdout.take()) {
        (Some(stream), _) => Box::new(stream),
        (_, Some(stream)) => Box::new(stream),
        _ => return Err("the test runner gave no output to read".into()),
    };
    let mut lines = BufReader::new(stream);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        if nextest {
            io::stderr().write_all(&line)?
        } else {
            io::stdout().write_all(&line)?
        }
        summary.read(&String::from_utf8_lossy(&line));
        line.clear();
    }
    Ok((child.wait()?.success(), summary))
}

/// What the runner says at the end. nextest says it once, libtest once per test binary.
#[derive(Debug, Default)]
struct Summary {
    nextest: bool,
    line: Option<String>,
    /// Whether something else was printed after the summary.
    retold: bool,
    binaries: u32,
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Summary {
    fn new(nextest: bool) -> Self {
        Self { nextest, ..Self::default() }
    }

    fn read(&mut self, line: &str) {
        let plain = without_colour(line);
        let plain = plain.trim();
        if self.nextest && plain.starts_with("Summary [") {
            self.line = Some(plain.to_owned());
            self.retold = false;
        } else if let Some(result) = plain.strip_prefix("test result: ").filter(|_| !self.nextest) {
            self.binaries += 1;
            self.passed += number_before(result, " passed");
            self.failed += number_before(result, " failed");
            self.ignored += number_before(result, " ignored");
        } else if !plain.is_empty() {
            self.retold = true;
        }
    }

    fn tell(&self) {
        if let Some(line) = self.text() {
            println!("{line}");
        }
    }

    /// The line to print last, unless it has just been printed.
    fn text(&self) -> Option<String> {
        if self.nextest {
            return self.line.clone().filter(|_| self.retold);
        }
        let word = if self.failed == 0 { "ok" } else { "FAILED" };
        let Self { passed, failed, ignored, binaries, .. } = self;
        (*binaries > 0).then(|| {
            format!(
                "test result: {word}. {passed} passed; {failed} failed; {ignored} ignored; in {binaries} test binaries"
            )
        })
    }
}

fn number_before(text: &str, word: &str) -> u64 {
    let Some(end) = text.find(word) else { return 0 };
    let digits = text[..end].rsplit(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().unwrap_or(0)
}

/// Drops terminal escape sequences of the form `ESC [ ... letter`.
fn without_colour(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            characters.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(character);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_of_nextest_is_told_again_when_something_follows_it() {
        let mut summary = Summary::new(true);
        summary.read("\u{1b}[32;1m     Summary\u{1b}[0m [   0.010s] 7 tests run: 7 passed, 0 skipped\n");
        assert_eq!(summary.text(), None);
        summary.read("error: test run failed\n");
        assert_eq!(summary.text().as_deref(), Some("Summary [   0.010s] 7 tests run: 7 passed, 0 skipped"));
    }

    #[test]
    fn the_results_of_many_test_binaries_are_added_up() {
        let mut summary = Summary::new(false);
        summary.read("test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s");
        summary.read("test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out");
        let text = summary.text().expect("two binaries");
        assert_eq!(text, "test result: FAILED. 15 passed; 2 failed; 1 ignored; in 2 test binaries");
    }

    #[test]
    fn no_test_binary_means_no_summary() {
        assert_eq!(Summary::new(false).text(), None);
    }
}
