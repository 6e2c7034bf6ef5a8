//! How long a program runs, how much it computes, and how much memory it and its children hold.

use std::{
    fs,
    io::Read,
    process::{ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::shell::Result;

/// How often memory is looked at.
const EVERY: Duration = Duration::from_millis(50);

/// One run of a program.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) wall: Duration,
    /// Processor time of it and its children.
    pub(super) cpu: Duration,
    /// The most memory the whole tree of processes held at once, in bytes. Shared pages are
    /// counted once (proportional set size).
    pub(super) peak: u64,
    /// The memory of the tree at each look, in bytes.
    pub(super) memory: Vec<u64>,
    pub(super) stdout: String,
    pub(super) code: Option<i32>,
}

/// Runs a program to its end.
pub(super) fn measured(command: &mut Command) -> Result<Run> {
    let (run, out) = watched(command, |mut pipe| {
        let mut out = Vec::new();
        pipe.read_to_end(&mut out).map(|_| out)
    })?;
    Ok(Run { stdout: String::from_utf8_lossy(&out).into_owned(), ..run })
}

/// Runs a program to its end and counts the lines it prints, without keeping them.
pub(super) fn counted(command: &mut Command) -> Result<(Run, usize)> {
    watched(command, |mut pipe| {
        let (mut lines, mut block) = (0, vec![0; 1 << 16]);
        loop {
            let read = match pipe.read(&mut block)? {
                0 => return Ok(lines),
                read => block.get(..read).unwrap_or_default(),
            };
            lines += read.iter().filter(|byte| **byte == b'\n').count();
        }
    })
}

fn watched<T: Send + 'static>(
    command: &mut Command,
    read: impl FnOnce(ChildStdout) -> std::io::Result<T> + Send + 'static,
) -> Result<(Run, T)> {
    let before = children_cpu()?;
    let started = Instant::now();
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("cannot run {command:?}: {error}"))?;
    let pipe = child.stdout.take().ok_or("no pipe")?;
    let reader = thread::spawn(move || read(pipe));
    let mut memory = Vec::new();
    let (status, wall) = loop {
        if let Some(status) = child.try_wait()? {
            break (status, started.elapsed());
        }
        memory.push(tree_memory(child.id()));
        // The first looks come quickly, so that a short run is seen as well.
        thread::sleep(EVERY.min(started.elapsed() / 4 + Duration::from_millis(1)));
    };
    let out = reader.join().map_err(|_| "the reader of the output panicked")??;
    let run = Run {
        wall,
        cpu: children_cpu()?.saturating_sub(before),
        peak: memory.iter().copied().max().unwrap_or(0),
        memory,
        stdout: String::new(),
        code: status.code(),
    };
    Ok((run, out))
}

/// How often each side of a comparison runs.
pub(super) const ROUNDS: usize = 3;

/// Several runs of one side.
#[derive(Debug, Clone)]
pub(super) struct Runs {
    /// The one in the middle, by the time that counts, with the most memory of all.
    pub(super) median: Run,
    /// The shortest and the longest time.
    pub(super) range: (Duration, Duration),
}

/// Runs two sides in turn; see [`turns`].
pub(super) fn in_turn(ours: impl Fn() -> Result<Run>, theirs: impl Fn() -> Result<Run>) -> Result<(Runs, Runs)> {
    let [ours, theirs] = turns([&ours, &theirs])?;
    Ok((ours, theirs))
}

/// Runs some sides in turn, so that what else happens on the machine meets all of them; the side that
/// begins changes as well.
pub(super) fn turns<const SIDES: usize>(sides: [&dyn Fn() -> Result<Run>; SIDES]) -> Result<[Runs; SIDES]> {
    let mut runs = [const { Vec::new() }; SIDES];
    for round in 0..ROUNDS {
        for turn in 0..SIDES {
            let side = if round % 2 == 0 { turn } else { SIDES - 1 - turn };
            runs[side].push(sides[side]()?);
        }
    }
    let mut done = Vec::new();
    for runs in runs {
        done.push(middle(runs)?);
    }
    done.try_into().map_err(|_| "a side did not run".into())
}

/// The middle of some runs.
pub(super) fn middle(mut runs: Vec<Run>) -> Result<Runs> {
    runs.sort_by_key(|run| run.wall);
    let peak = runs.iter().map(|run| run.peak).max().unwrap_or(0);
    let (Some(first), Some(last)) = (runs.first(), runs.last()) else { return Err("nothing was run".into()) };
    let range = (first.wall, last.wall);
    let median = Run { peak, ..runs.swap_remove(runs.len() / 2) };
    Ok(Runs { median, range })
}

/// The memory of a process and of everything below it.
pub(super) fn tree_memory(root: u32) -> u64 {
    let mut waiting = vec![root];
    let mut bytes = 0;
    while let Some(pid) = waiting.pop() {
        bytes += proportional(pid);
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        for task in tasks {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            waiting.extend(children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
        }
    }
    bytes
}

fn proportional(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kilobytes: u64 = line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse().ok()).unwrap_or(0);
    kilobytes * 1024
}

/// The processor time of the children that have ended and been waited for.
fn children_cpu() -> Result<Duration> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The name of the program may hold spaces; what follows its closing bracket does not.
    let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    // cutime and cstime, in hundredths of a second.
    Ok(Duration::from_millis((ticks(13) + ticks(14)) * 10))
}

/// The value at a percentile of sorted values.
pub(super) fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let at = (sorted.len().saturating_sub(1) * percent).div_ceil(100);
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_measured_with_its_children() {
        let run = measured(Command::new("sh").args(["-c", "sh -c 'sleep 0.3'; echo done; exit 3"])).expect("it runs");
        assert_eq!((run.code, run.stdout.as_str()), (Some(3), "done\n"));
        assert!(run.wall >= Duration::from_millis(300) && run.peak > 100_000, "{run:?}");
    }

    #[test]
    fn both_sides_take_turns_in_beginning_and_the_median_stands() {
        let order = std::cell::RefCell::new(String::new());
        let side = |name: char, times: [u64; ROUNDS]| {
            let order = &order;
            let count = std::cell::Cell::new(0);
            move || {
                order.borrow_mut().push(name);
                let wall = Duration::from_secs(times[count.replace(count.get() + 1)]);
                Ok(Run { wall, cpu: wall, peak: wall.as_secs(), memory: vec![], stdout: String::new(), code: Some(0) })
            }
        };
        let (ours, theirs) = in_turn(side('a', [9, 2, 4]), side('b', [1, 1, 7])).expect("six runs");
        assert_eq!(order.borrow().as_str(), "abbaab");
        assert_eq!((ours.median.wall.as_secs(), ours.median.peak, theirs.median.wall.as_secs()), (4, 9, 1));
        assert_eq!((theirs.range.0.as_secs(), theirs.range.1.as_secs()), (1, 7));
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!((percentile(&values, 50), percentile(&values, 99)), (51.0, 100.0));
    }
}
