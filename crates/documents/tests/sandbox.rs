//! The sandbox as its users see it: one hostile file costs its own result and nothing else.

mod support;

use std::{
    future::Future,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    pin::pin,
    process::{Command, Stdio},
    time::Duration,
};

use catchment_core::{ErrorKind, Secret};
use catchment_documents::{Input, Limits, Parser};

const WORKER: &str = env!("CARGO_BIN_EXE_catchment-parse-worker");

fn parser(limits: Limits, workers: usize) -> Parser {
    Parser::builder().limits(limits).worker(WORKER).workers(workers).build().expect("a worker program is named")
}

fn limits(seconds: u64, megabytes: u64) -> Limits {
    Limits { time: Duration::from_secs(seconds), memory: megabytes << 20, ..Limits::default() }
}

fn sound() -> Input {
    Input::bytes("a.pdf", support::page(&["Rain falls on the hills."]))
}

async fn assert_sound(parser: &Parser) {
    let parsed = parser.parse(sound()).await.expect("a sound file");
    assert_eq!(parsed.text.plain(), "Rain falls on the hills.\n");
    assert_eq!(parsed.mime, "application/pdf");
}

/// Waits without a clock until `done`; fails after ten seconds.
async fn until(done: impl Fn() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(10), async {
        while !done() {
            tokio::task::yield_now().await;
        }
    });
    waited.await.expect("within ten seconds");
}

/// Whether a process runs. One that has ended with all its threads and is not yet buried does not:
/// before that its parent cannot see that it ended.
fn runs(pid: u32) -> bool {
    let ended = std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with(['Z', 'X'])));
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
    threads > usize::from(ended)
}

#[tokio::test]
async fn a_sound_file_is_read() {
    let parser = parser(Limits::default(), 1);
    assert_sound(&parser).await;
    let worker = parser.idle_workers();
    assert_sound(&parser).await;
    assert_eq!((worker.len(), parser.idle_workers()), (1, worker), "one worker serves both");
}

#[tokio::test]
async fn an_empty_file_says_so() {
    let error = parser(Limits::default(), 1).parse(Input::bytes("a.pdf", "")).await.expect_err("nothing is in it");
    assert_eq!((error.kind(), error.to_string()), (ErrorKind::Unreadable, "the file is empty".into()));
}

#[tokio::test]
async fn a_decompression_bomb_fails_alone() {
    let parser = parser(limits(60, 400), 1);
    let error = parser.parse(Input::bytes("a.pdf", support::flate_bomb(1 << 30))).await.expect_err("a bomb");
    assert_eq!(error.kind(), ErrorKind::Unreadable, "{error:?}");
    assert!(error.message().starts_with("reading takes more memory than the limit"), "{error:?}");
    assert_sound(&parser).await;
}

#[tokio::test]
async fn an_endless_file_is_ended_and_its_worker_replaced() {
    let parser = parser(limits(1, 1024), 1);
    assert_sound(&parser).await;
    let before = parser.idle_workers();
    let error = parser.parse(Input::bytes("a.pdf", support::endless())).await.expect_err("10^30 drawings");
    assert!(error.message().starts_with("reading took longer than the limit"), "{error:?}");
    assert_eq!((error.kind(), error.get("limit_seconds")), (ErrorKind::Unreadable, Some("1")));
    assert_sound(&parser).await;
    assert!(before.iter().all(|pid| !runs(*pid) || parser.idle_workers().contains(pid)), "nothing runs on");
}

#[tokio::test]
async fn a_stack_that_overflows_costs_only_its_file() {
    // Not every reader recurses this deep, so the claim is on all: no crash but of the worker.
    let parser = parser(limits(20, 1024), 1);
    for (name, open, close) in [
        ("a.pdf", "[", "]"),
        ("a.html", "<div>", "</div>"),
        ("a.xml", "<a>", "</a>"),
        ("a.rtf", "{", "}"),
        ("a.json", "[", "]"),
        ("a.md", "> ", ""),
    ] {
        let mut bytes = open.repeat(200_000) + "x" + &close.repeat(200_000);
        match name {
            "a.pdf" => {
                let nested = support::stream("", bytes.into_bytes());
                let objects = [support::CATALOG.into(), support::PAGES.into(), support::PAGE.into(), nested];
                let _ = parser.parse(Input::bytes(name, support::pdf::<Vec<u8>>(&objects))).await;
                continue;
            }
            "a.rtf" => bytes.insert_str(0, "{\\rtf1 "),
            _ => {}
        }
        let _ = parser.parse(Input::bytes(name, bytes)).await;
        assert_sound(&parser).await;
    }
}

#[tokio::test]
async fn dropping_the_future_kills_the_worker() {
    let parser = parser(limits(600, 1024), 1);
    assert_sound(&parser).await;
    let worker = parser.idle_workers()[0];
    {
        let mut parse = pin!(parser.parse(Input::bytes("a.pdf", support::endless())));
        // Poll it until the worker is at work.
        std::future::poll_fn(|cx| {
            assert!(parse.as_mut().poll(cx).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
        until(|| parser.idle_workers().is_empty()).await;
        assert!(runs(worker));
    }
    until(|| !runs(worker)).await;
    assert_sound(&parser).await;
}

#[tokio::test]
async fn a_worker_that_is_killed_costs_only_its_file() {
    let parser = parser(limits(600, 1024), 1);
    assert_sound(&parser).await;
    let worker = parser.idle_workers()[0];
    let kill = async {
        until(|| parser.idle_workers().is_empty()).await;
        assert!(Command::new("kill").args(["-9", &worker.to_string()]).status().expect("kill").success());
    };
    let (result, ()) = tokio::join!(parser.parse(Input::bytes("a.pdf", support::endless())), kill);
    let error = result.expect_err("its worker was killed");
    assert!(error.kind() == ErrorKind::Unreadable && error.message().contains("was killed"), "{error:?}");
    assert_eq!(error.get("signal"), Some("9"));
    assert_sound(&parser).await;
}

#[tokio::test]
async fn a_worker_that_dies_while_it_waits_is_replaced() {
    let parser = parser(Limits::default(), 1);
    assert_sound(&parser).await;
    let worker = parser.idle_workers()[0];
    assert!(Command::new("kill").args(["-9", &worker.to_string()]).status().expect("kill").success());
    until(|| !runs(worker)).await;
    assert_sound(&parser).await;
    assert_ne!(parser.idle_workers(), [worker]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_files_among_many_cost_only_their_own_results() {
    let parser = parser(limits(2, 400), 3);
    let parses = (0..60).map(|number| {
        let parser = parser.clone();
        tokio::spawn(async move {
            let input = match number % 20 {
                7 => Input::bytes("a.pdf", support::endless()),
                13 => Input::bytes("a.pdf", support::flate_bomb(1 << 30)),
                _ => Input::bytes("a.md", format!("# {number}\n\nRain.")),
            };
            (number, parser.parse(input).await)
        })
    });
    for parse in parses.collect::<Vec<_>>() {
        let (number, result) = parse.await.expect("no panic in the parent");
        match number % 20 {
            7 | 13 => assert_eq!(result.expect_err("hostile").kind(), ErrorKind::Unreadable),
            _ => assert_eq!(result.expect("sound").text.plain(), format!("{number}\nRain.\n")),
        }
    }
    assert!(parser.idle_workers().len() <= 3);
}

#[tokio::test]
async fn a_worker_holds_no_secret_and_no_file_of_its_parent() {
    // A program that leaves a file open for its children, as a parent might by mistake.
    let folder = tempfile::tempdir().expect("a folder");
    let careless = folder.path().join("careless");
    std::fs::write(&careless, format!("#!/bin/sh\nexec 7</dev/null 8</etc/passwd\nexec {WORKER} \"$@\"\n"))
        .expect("room");
    std::fs::set_permissions(&careless, std::fs::Permissions::from_mode(0o700)).expect("our own");
    let parser = Parser::builder().limits(limits(60, 512)).worker(careless).build().expect("a program is named");
    assert_sound(&parser).await;
    let proc = PathBuf::from(format!("/proc/{}", parser.idle_workers()[0]));
    let environment = std::fs::read(proc.join("environ")).expect("our child");
    let environment = String::from_utf8_lossy(&environment).into_owned();
    assert!(!environment.contains("CARGO") && !environment.contains("HOME="), "{environment}");
    assert_eq!(std::fs::read_link(proc.join("cwd")).expect("our child"), PathBuf::from("/"));
    let open: Vec<_> = std::fs::read_dir(proc.join("fd"))
        .expect("our child")
        .map(|entry| std::fs::read_link(entry.expect("an entry").path()).expect("a link"))
        .collect();
    assert_eq!(open.len(), 4, "three streams and its own statm: {open:?}");
    let limits = std::fs::read_to_string(proc.join("limits")).expect("our child");
    let soft = |name: &str| {
        let line = limits.lines().find(|line| line.starts_with(name)).expect(name);
        line[name.len()..].split_whitespace().next().expect(name).to_owned()
    };
    assert_eq!((soft("Max open files"), soft("Max core file size")), ("0".into(), "0".into()));
    assert_eq!(soft("Max address space"), (512_u64 << 20).to_string());
}

#[tokio::test]
async fn a_worker_is_replaced_after_its_share_of_documents() {
    let parser =
        Parser::builder().worker(WORKER).workers(1).recycle_after(2).build().expect("a worker program is named");
    assert_sound(&parser).await;
    assert_eq!(parser.idle_workers().len(), 1);
    assert_sound(&parser).await;
    assert_eq!(parser.idle_workers().len(), 0, "it has read two");
    assert_sound(&parser).await;
}

#[test]
fn a_worker_ends_with_its_parent_in_the_middle_of_an_endless_parse() {
    let mut worker = Command::new(WORKER)
        .arg("--catchment-parse-worker")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("the worker starts");
    let mut input = worker.stdin.take().expect("piped");
    let limits = serde_json::to_vec(&Limits::default()).expect("json");
    let request = br#"{"name":"a.pdf","mime":null,"password":null}"#.to_vec();
    for frame in [limits, request, support::endless(), Vec::new()] {
        input.write_all(&(frame.len() as u32).to_le_bytes()).and_then(|()| input.write_all(&frame)).expect("it reads");
    }
    // Were it not busy, it would end as well; that it is busy is what `endless` is for.
    drop(input);
    assert!(worker.wait().expect("our child").success());
}

#[tokio::test]
async fn a_program_that_is_no_worker_is_refused() {
    for (program, kind) in [
        ("/bin/cat", ErrorKind::Unavailable),
        ("/bin/false", ErrorKind::Unavailable),
        ("/nowhere", ErrorKind::Unavailable),
    ] {
        let parser = Parser::builder().worker(program).build().expect("it is not started yet");
        let error = parser.parse(sound()).await.expect_err("no worker");
        assert_eq!((error.kind(), error.get("path")), (kind, Some(program)), "{error:?}");
    }
    let error = Parser::isolated(Limits::default()).expect_err("this test did not call run_if_worker");
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.message().contains("run_if_worker"));
}

#[tokio::test]
async fn files_are_read_from_disk_whatever_their_size_and_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let parser = parser(Limits { bytes: 3 << 20, ..Limits::default() }, 1);
    for size in [1, 256 << 10, (256 << 10) + 1, 2 << 20] {
        let path = folder.path().join(format!("ü {size}\n.txt"));
        std::fs::write(&path, "x".repeat(size)).expect("room");
        assert_eq!(parser.parse(Input::path(&path)).await.expect("text").text.len(), size);
    }
    let path = folder.path().join("large.txt");
    std::fs::write(&path, "x".repeat(4 << 20)).expect("room");
    assert_eq!(parser.parse(Input::path(&path)).await.expect_err("4 MiB").kind(), ErrorKind::TooLarge);
    let missing = parser.parse(Input::path(folder.path().join("none"))).await.expect_err("not there");
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    let error = parser.parse(Input::path(folder.path())).await.expect_err("a folder");
    assert_eq!(error.message(), "not a file: give the path of a file");
}

#[tokio::test]
async fn in_process_parses_stop_when_they_are_no_longer_wanted_or_take_too_long() {
    let parser = Parser::in_process(limits(1, 1024));
    assert_sound(&parser).await;
    let error = parser.parse(Input::bytes("a.pdf", support::endless())).await.expect_err("10^30 drawings");
    assert!(error.message().starts_with("reading took longer than the limit"), "{error:?}");
    assert_sound(&parser).await;

    // With room for one parse per core, waiting for as many endless ones as that would never end.
    let parser = Parser::in_process(limits(600, 1024));
    for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) * 2 {
        let mut parse = pin!(parser.parse(Input::bytes("a.pdf", support::endless())));
        let polled = tokio::time::timeout(Duration::from_millis(1), parse.as_mut()).await;
        assert!(polled.is_err());
    }
    assert_sound(&parser).await;
}

#[tokio::test]
async fn the_password_is_in_no_debug_output() {
    let input = Input { password: Some(Secret::from("hunter2")), ..sound() };
    assert!(!format!("{input:?}").contains("hunter2"));
}
