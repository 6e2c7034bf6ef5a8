//! A bucket of very many objects as S3 lists it, and nothing else: `s3_pages PORT OBJECTS`. Its pages cost it next to
//! nothing, so that what is measured is who reads them. Prints "ready" when it listens.
#![expect(clippy::print_stdout, reason = "its output is its result")]

use std::{
    fmt::Write as _,
    io::{self, BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
};

const PAGE: usize = 1_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (port, objects) = arguments.next().zip(arguments.next()).ok_or("s3_pages PORT OBJECTS")?;
    let (port, objects): (u16, usize) = (port.parse()?, objects.parse()?);
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    println!("ready");
    for stream in listener.incoming() {
        let stream = stream?;
        // A caller that goes away is none of our business.
        std::thread::spawn(move || drop(serve(stream, objects)));
    }
    Ok(())
}

/// Answers the requests of one connection.
fn serve(stream: TcpStream, objects: usize) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut out = stream.try_clone()?;
    let mut lines = BufReader::new(stream).lines();
    while let Some(request) = lines.next() {
        let request = request?;
        // The headers say nothing that counts here, and there is no body.
        while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
        let from = parameter(&request, "continuation-token").and_then(|token| token.parse().ok());
        let from = from.or_else(|| behind(parameter(&request, "marker")?)).unwrap_or(0);
        let most = parameter(&request, "max-keys").and_then(|most| most.parse().ok()).unwrap_or(PAGE);
        let body = page(objects, from, most.min(PAGE));
        let length = body.len();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: {length}\r\n\r\n");
        out.write_all(&[head.as_bytes(), body.as_bytes()].concat())?;
    }
    Ok(())
}

/// A parameter of a request line.
fn parameter<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    let (_, query) = request.split(' ').nth(1)?.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// The first object behind a key, for those who list by the first version of the call.
fn behind(marker: &str) -> Option<usize> {
    let (_, name) = marker.rsplit_once("report-")?;
    Some(name.strip_suffix(".txt")?.parse::<usize>().ok()? + 1)
}

fn page(objects: usize, from: usize, most: usize) -> String {
    let to = objects.min(from + most);
    let mut out = String::with_capacity(320 * (to - from) + 512);
    let truncated = to < objects;
    let _ = write!(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
         <Name>bench</Name><Prefix></Prefix><KeyCount>{}</KeyCount><MaxKeys>{most}</MaxKeys>\
         <EncodingType>url</EncodingType><IsTruncated>{truncated}</IsTruncated>",
        to - from
    );
    if truncated {
        let _ = write!(out, "<NextContinuationToken>{to}</NextContinuationToken>");
    }
    for number in from..to {
        let _ = write!(
            out,
            "<Contents><Key>archive/{:04}/report-{number:07}.txt</Key><LastModified>2026-05-09T08:{:02}:{:02}.000Z\
             </LastModified><ETag>&quot;{number:032x}&quot;</ETag><Size>{}</Size><StorageClass>STANDARD</StorageClass>\
             </Contents>",
            number / 1_000,
            number / 60 % 60,
            number % 60,
            1_000 + number % 9_000
        );
    }
    out.push_str("</ListBucketResult>");
    out
}
