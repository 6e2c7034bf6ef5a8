//! Calls one address over and over and says how long the answers took.
//!
//! usage: `http_load URL --connections N --seconds N [--rate N] [--post FILE] [--header 'NAME: VALUE']`
//!
//! With `--rate`, calls begin when the clock says so, whether earlier ones have been answered or
//! not, and each time counts from the moment the call was due: a server that stops for a while
//! pays for every call that was due meanwhile. Without it, each connection calls again as soon as
//! it has its answer. Prints one JSON object; times are in microseconds.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program of a benchmark")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::ExitCode,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

struct Wanted {
    address: String,
    request: Vec<u8>,
    connections: u32,
    length: Duration,
    rate: Option<f64>,
}

#[derive(Default)]
struct Measured {
    micros: Vec<u64>,
    failed: u64,
    bytes: u64,
}

fn main() -> ExitCode {
    match wanted().and_then(measure) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn wanted() -> Result<Wanted> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("give a URL")?;
    let rest = url.strip_prefix("http://").ok_or("give an http:// URL")?;
    let (address, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (mut connections, mut seconds, mut rate, mut body, mut headers) = (16, 5.0, None, None, String::new());
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} wants a value"))?;
        match name.as_str() {
            "--connections" => connections = value.parse()?,
            "--seconds" => seconds = value.parse()?,
            "--rate" => rate = Some(value.parse()?),
            "--post" => body = Some(std::fs::read(value)?),
            "--header" => headers += &format!("{value}\r\n"),
            _ => return Err(format!("unknown option {name}").into()),
        }
    }
    let method = if body.is_some() { "POST" } else { "GET" };
    let mut request = format!("{method} /{path} HTTP/1.1\r\nHost: {address}\r\n{headers}").into_bytes();
    if let Some(body) = &body {
        request.extend(format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len()).bytes());
    }
    request.extend(b"\r\n");
    request.extend(body.unwrap_or_default());
    Ok(Wanted { address: address.to_owned(), request, connections, length: Duration::from_secs_f64(seconds), rate })
}

/// A thread a connection: a thread wakes within some fifty microseconds of its time, the timer of
/// an asynchronous runtime within a millisecond.
fn measure(wanted: Wanted) -> Result<String> {
    let wanted = Arc::new(wanted);
    let start = Instant::now() + Duration::from_millis(50);
    let calls: Vec<_> = (0..wanted.connections)
        .map(|number| {
            let wanted = Arc::clone(&wanted);
            thread::spawn(move || connection(&wanted, number, start))
        })
        .collect();
    let mut all = Measured::default();
    for call in calls {
        let one = call.join().map_err(|_| "a connection panicked")??;
        all.micros.extend(one.micros);
        all.failed += one.failed;
        all.bytes += one.bytes;
    }
    let elapsed = start.elapsed().as_secs_f64();
    all.micros.sort_unstable();
    let at = |share: f64| {
        let last = all.micros.len().saturating_sub(1);
        all.micros.get(((last as f64) * share).ceil() as usize).copied().unwrap_or_default()
    };
    Ok(serde_json::json!({
        "calls": all.micros.len(), "failed": all.failed, "seconds": elapsed,
        "per_second": all.micros.len() as f64 / elapsed, "bytes": all.bytes,
        "p50": at(0.50), "p90": at(0.90), "p99": at(0.99), "p999": at(0.999), "max": at(1.0),
    })
    .to_string())
}

/// The calls of one connection: every `connections`-th of those that are due.
fn connection(wanted: &Wanted, number: u32, start: Instant) -> Result<Measured> {
    let stream = TcpStream::connect(&wanted.address)?;
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let mut out = Measured::default();
    let mut turn = 0_u32;
    thread::sleep(start.saturating_duration_since(Instant::now()));
    loop {
        let due = match wanted.rate {
            Some(rate) => start + Duration::from_secs_f64(f64::from(number + turn * wanted.connections) / rate),
            None => Instant::now(),
        };
        if due >= start + wanted.length {
            return Ok(out);
        }
        thread::sleep(due.saturating_duration_since(Instant::now()));
        turn += 1;
        stream.get_mut().write_all(&wanted.request)?;
        let (status, bytes) = answer(&mut stream)?;
        out.micros.push(u64::try_from(due.elapsed().as_micros())?);
        out.bytes += bytes;
        out.failed += u64::from(!(200..300).contains(&status));
    }
}

/// Reads one answer with a `Content-Length` to its end.
fn answer(stream: &mut BufReader<TcpStream>) -> Result<(u16, u64)> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let status = line.split(' ').nth(1).ok_or("no status line")?.parse()?;
    let mut length = None;
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = Some(value.trim().parse::<u64>()?);
        }
    }
    let length = length.ok_or("an answer without Content-Length")?;
    let mut body = vec![0; usize::try_from(length)?];
    stream.read_exact(&mut body)?;
    Ok((status, length))
}
