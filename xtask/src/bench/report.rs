//! BENCHMARKS.md: one section a figure, each replaced when it is measured again.

use std::{fmt::Write as _, fs, path::Path, time::Duration};

use crate::shell::{Result, output};

/// What a figure gives.
#[derive(Debug, Default)]
pub(super) struct Section {
    /// The heading.
    pub(super) title: &'static str,
    /// What was done, and how.
    pub(super) method: String,
    pub(super) columns: Vec<&'static str>,
    pub(super) rows: Vec<Vec<String>>,
    /// Each number that was to be reached, and whether it was.
    pub(super) targets: Vec<(String, bool)>,
}

const HEAD: &str = "\
# Benchmarks

`cargo xtask bench` measures these and writes this file; `cargo xtask bench <figure>` measures one of them again. Each
figure stands beside a peer that did the same work on the same machine in the same run, with the same files. Memory is
the proportional set size of the whole tree of processes, workers included.
";

/// Puts a section into the file, in the place of the one of the same title.
pub(super) fn write(file: &Path, section: &Section) -> Result<()> {
    let old = fs::read_to_string(file).unwrap_or_default();
    let mut sections: Vec<String> =
        old.split("\n## ").skip(1).map(|text| format!("## {}\n", text.trim_end())).collect();
    let new = section.text(&machine()?);
    let heading = format!("## {}\n", section.title);
    match sections.iter_mut().find(|text| text.starts_with(&heading)) {
        Some(place) => *place = new,
        None => sections.push(new),
    }
    fs::write(file, format!("{HEAD}\n{}", sections.join("\n")))?;
    Ok(())
}

impl Section {
    fn text(&self, machine: &str) -> String {
        let mut out = format!("## {}\n\n{}\n\n", self.title, self.method.trim());
        let dashes = vec!["---"; self.columns.len()];
        let _ = writeln!(out, "| {} |\n|{}|", self.columns.join(" | "), dashes.join("|"));
        for row in &self.rows {
            let _ = writeln!(out, "| {} |", row.join(" | "));
        }
        out.push('\n');
        for (target, reached) in &self.targets {
            let _ = writeln!(out, "- {}: {target}", if *reached { "reached" } else { "**not reached**" });
        }
        let _ = writeln!(out, "\n{machine}");
        out
    }
}

/// The machine, and the day.
fn machine() -> Result<String> {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("\t: unknown processor");
    let model = model.trim_start_matches(['\t', ' ', ':']);
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kilobytes: u64 = memory.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or_default();
    let cores = std::thread::available_parallelism()?;
    let system = output(std::process::Command::new("uname").args(["-sr"]))?;
    let rust = output(std::process::Command::new("rustc").arg("--version"))?;
    let day = output(std::process::Command::new("date").args(["-u", "+%Y-%m-%d"]))?;
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().next().unwrap_or("?");
    Ok(format!(
        "Measured {} on {model}, {cores} cores, {} GiB, {}, {}; load average {load} at the end.\n",
        day.trim(),
        kilobytes / 1024 / 1024,
        system.trim(),
        rust.trim()
    ))
}

/// Seconds with a sensible number of digits.
pub(super) fn seconds(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 1.0 { format!("{:.0} ms", seconds * 1000.0) } else { format!("{seconds:.1} s") }
}

/// A time, and the shortest and longest of the runs it is the middle of.
pub(super) fn spread(time: Duration, (shortest, longest): (Duration, Duration)) -> String {
    format!("{} ({} to {})", seconds(time), seconds(shortest), seconds(longest))
}

pub(super) fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes / 1_000_000)
}

/// So many a second.
pub(super) fn rate(count: usize, time: Duration) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / time.as_secs_f64().max(1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_that_is_measured_again_takes_the_place_of_the_old() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("BENCHMARKS.md");
        let section = |title, value: &str| Section {
            title,
            method: "How.".into(),
            columns: vec!["what", "value"],
            rows: vec![vec!["speed".into(), value.into()]],
            targets: vec![("ten times".into(), true)],
        };
        for (title, value) in [("Import", "one"), ("Search", "two"), ("Import", "three")] {
            write(&file, &section(title, value)).expect("written");
        }
        let text = fs::read_to_string(&file).expect("a file");
        assert!(!text.contains("| one |") && text.contains("| two |") && text.contains("| three |"), "{text}");
        assert!(text.find("## Import") < text.find("## Search"), "{text}");
        assert_eq!(text.matches("# Benchmarks").count(), 1);
    }
}
