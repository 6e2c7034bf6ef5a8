//! The worker's side: limits on itself first, then one document after the other.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Write},
    sync::mpsc,
};

use bytes::Bytes;
use catchment_core::{Error, ErrorKind};

use super::{
    STACK,
    protocol::{self, HEADER, HELLO, Reply, Request, WireError},
};
use crate::{Limits, dispatch, hint::Hint, limits::Budget};

/// Serves until the parent closes the pipe. Gives the exit code.
pub(super) fn serve() -> i32 {
    close_inherited();
    // A panic is caught and sent to the parent; the default hook would only repeat it.
    std::panic::set_hook(Box::new(|_| {}));
    match listen() {
        Ok(()) => 0,
        Err(_) => 1,
    }
}

/// Reads requests on this thread while another one parses, so that the end of the parent is
/// noticed in the middle of a parse that never ends.
fn listen() -> io::Result<()> {
    let mut input = BufReader::with_capacity(64 << 10, io::stdin());
    let mut frame = Vec::new();
    if protocol::read_frame(&mut input, &mut frame, HEADER)?.is_none() {
        return Ok(());
    }
    let limits: Limits = serde_json::from_slice(&frame)?;
    let memory = File::open("/proc/self/statm").ok();
    confine(&limits)?;

    let (send, receive) = mpsc::channel::<(Vec<u8>, Bytes)>();
    let largest = limits.bytes;
    std::thread::Builder::new().name("parse".into()).stack_size(STACK).spawn(move || {
        // Without its parse thread, or without a parent to answer, a worker is of no use.
        let code = i32::from(answer(&limits, memory.as_ref(), &receive).is_err());
        std::process::exit(code);
    })?;

    loop {
        let mut header = Vec::new();
        if protocol::read_frame(&mut input, &mut header, HEADER)?.is_none() {
            return Ok(());
        }
        let body = read_body(&mut input, largest)?;
        if send.send((header, body)).is_err() {
            return Ok(());
        }
    }
}

fn read_body(input: &mut impl Read, largest: u64) -> io::Result<Bytes> {
    let mut body = Vec::new();
    while let Some(length) = protocol::read_frame(input, &mut body, protocol::CHUNK)? {
        if length == 0 {
            return Ok(body.into());
        }
        if body.len() as u64 > largest.saturating_add(protocol::CHUNK as u64) {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

fn answer(limits: &Limits, memory: Option<&File>, requests: &mpsc::Receiver<(Vec<u8>, Bytes)>) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(64 << 10, io::stdout());
    protocol::write_frame(&mut out, HELLO)?;
    out.flush()?;
    let most = protocol::reply_limit(limits);
    while let Ok((header, body)) = requests.recv() {
        let request: Request<'_> = serde_json::from_slice(&header)?;
        let result = Budget::new(limits, body.len() as u64).and_then(|mut budget| {
            let hint = Hint { name: &request.name, mime: request.mime.as_deref() };
            dispatch::parse(&body, &hint, request.secret().as_ref(), &mut budget)
        });
        drop(body);
        let mut reply = Reply { result: result.map_err(WireError::from), resident: memory.and_then(resident) };
        let mut json = serde_json::to_vec(&reply)?;
        if json.len() > most {
            let error = Error::new(ErrorKind::TooLarge, "more text than the limit: raise the limit on text");
            reply.result = Err(error.with("limit", limits.text).into());
            json = serde_json::to_vec(&reply)?;
        }
        protocol::write_frame(&mut out, &json)?;
        out.flush()?;
    }
    Ok(())
}

/// Gives up what a parse does not need: memory over the limit, core dumps, and every further file
/// or socket. The three streams that are open stay open.
#[cfg(unix)]
fn confine(limits: &Limits) -> io::Result<()> {
    use rlimit::Resource;

    let cpu = super::pool::MOST_BUSY.saturating_add(limits.time).as_secs().saturating_add(5);
    Resource::CORE.set(0, 0)?;
    Resource::CPU.set(cpu, cpu)?;
    Resource::FSIZE.set(0, 0)?;
    // Descriptors are counted by number: with 0 used, no new one can be had.
    Resource::NOFILE.set(0, 0)?;
    match Resource::AS.set(limits.memory, limits.memory) {
        // Elsewhere the limit may be unknown; the clock and the process boundary still hold.
        Err(error) if cfg!(target_os = "linux") => Err(error),
        _ => Ok(()),
    }
}

/// Closes what the parent left open for its children by mistake. Nothing of this process is open
/// yet but the three streams.
#[cfg(unix)]
fn close_inherited() {
    let Ok(open) = std::fs::read_dir("/proc/self/fd") else {
        return;
    };
    // The listing itself is one of them; it is closed here before the others are.
    let open: Vec<i32> = open.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for descriptor in open.into_iter().filter(|descriptor| *descriptor > 2) {
        // Fails for the listing, which is gone.
        let _ = nix::unistd::close(descriptor);
    }
}

#[cfg(not(unix))]
fn close_inherited() {}

#[cfg(not(unix))]
fn confine(_: &Limits) -> io::Result<()> {
    Ok(())
}

/// The second number of `statm` is the pages in memory.
#[cfg(unix)]
fn resident(statm: &File) -> Option<u64> {
    use std::os::unix::fs::FileExt;

    let mut buffer = [0; 128];
    let length = statm.read_at(&mut buffer, 0).ok()?;
    let text = std::str::from_utf8(buffer.get(..length)?).ok()?;
    let pages: u64 = text.split_ascii_whitespace().nth(1)?.parse().ok()?;
    // Pages are larger on some machines; then workers are replaced a little later.
    pages.checked_mul(4096)
}

#[cfg(not(unix))]
fn resident(_: &File) -> Option<u64> {
    None
}
