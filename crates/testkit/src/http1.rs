//! As much HTTP/1 as the fault proxy and the model need: a head, headers, a body of known length.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// A request's or an answer's first line and headers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Head {
    /// Without the line end.
    pub(crate) start: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
}

impl Head {
    /// Reads a head; `None` where the stream ends before one begins.
    pub(crate) async fn read(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Self>> {
        let mut head = Self::default();
        loop {
            let mut line = String::new();
            // A line without end is no head.
            let length = (&mut *from).take(64 * 1024).read_line(&mut line).await?;
            if length == 0 {
                return if head.start.is_empty() { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
            let line = line.trim_end_matches(['\r', '\n']);
            match line.split_once(':') {
                _ if head.start.is_empty() => line.clone_into(&mut head.start),
                _ if line.is_empty() => return Ok(Some(head)),
                Some((name, value)) => head.headers.push((name.to_ascii_lowercase(), value.trim().to_owned())),
                None => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
    }

    /// The value of a header.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// How long the body is, if that is said.
    pub(crate) fn length(&self) -> Option<u64> {
        self.get("content-length")?.parse().ok()
    }

    /// The target of a request.
    pub(crate) fn target(&self) -> &str {
        self.start.split(' ').nth(1).unwrap_or_default()
    }

    /// The status of an answer.
    pub(crate) fn status(&self) -> u16 {
        self.start.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
    }

    /// As it goes over the wire, for one exchange on one connection.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = format!("{}\r\n", self.start);
        for (name, value) in self.headers.iter().filter(|(name, _)| name != "connection") {
            out += &format!("{name}: {value}\r\n");
        }
        out += "connection: close\r\n\r\n";
        out.into_bytes()
    }
}

/// An answer with a body.
pub(crate) fn answer(status: u16, headers: &[(&str, String)], body: &[u8]) -> Vec<u8> {
    let mut head = Head { start: format!("HTTP/1.1 {status} Made Up"), headers: Vec::new() };
    head.headers.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    head.headers.push(("content-length".to_owned(), body.len().to_string()));
    let mut out = head.to_bytes();
    out.extend_from_slice(body);
    out
}
