//! Server-sent events: the little of the format that streamed answers use.

use catchment_core::{Error, Result};

/// A line longer than this is no event of a language model.
const LONGEST: usize = 1024 * 1024;

/// Cuts bytes, in whatever pieces they come, into the data of events.
#[derive(Debug, Default)]
pub(super) struct Events {
    rest: Vec<u8>,
    data: Option<String>,
}

impl Events {
    /// Takes a piece and gives the data of the events that are complete with it.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<Vec<String>> {
        let mut out = Vec::new();
        self.rest.extend_from_slice(piece);
        let mut start = 0;
        while let Some(length) = self.rest[start..].iter().position(|byte| *byte == b'\n') {
            let line = String::from_utf8_lossy(&self.rest[start..start + length]).into_owned();
            out.extend(self.line(line.trim_end_matches('\r')));
            start += length + 1;
        }
        self.rest.drain(..start);
        if self.rest.len() > LONGEST || self.data.as_ref().is_some_and(|data| data.len() > LONGEST) {
            return Err(Error::protocol("the endpoint streams something that is not an answer"));
        }
        Ok(out)
    }

    /// An event that nothing ended: some servers forget the last empty line.
    pub(super) fn finish(mut self) -> Option<String> {
        let line = String::from_utf8_lossy(&self.rest).into_owned();
        self.line(line.trim_end_matches('\r')).or(self.data)
    }

    fn line(&mut self, line: &str) -> Option<String> {
        if line.is_empty() {
            return self.data.take();
        }
        if let Some(value) = line.strip_prefix("data:") {
            let value = value.strip_prefix(' ').unwrap_or(value);
            match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_the_same_however_the_bytes_are_cut() {
        let stream = ": hello\r\nevent: x\r\ndata: é1\r\n\r\ndata:2\n\nid: 7\ndata: a\ndata: b\n\n\n\ndata: [DONE]\n\n"
            .as_bytes();
        for size in 1..stream.len() {
            let mut events = Events::default();
            let mut all = Vec::new();
            for piece in stream.chunks(size) {
                all.extend(events.push(piece).unwrap());
            }
            assert_eq!(all, ["é1", "2", "a\nb", "[DONE]"], "pieces of {size}");
            assert_eq!(events.finish(), None);
        }
    }

    #[test]
    fn a_last_event_without_its_empty_line_is_not_lost() {
        for stream in ["data: x", "data: x\n"] {
            let mut events = Events::default();
            assert!(events.push(stream.as_bytes()).unwrap().is_empty());
            assert_eq!(events.finish().as_deref(), Some("x"));
        }
    }

    #[test]
    fn a_stream_without_lines_does_not_fill_the_memory() {
        let mut events = Events::default();
        let result = (0..40).try_for_each(|_| events.push(&[b'x'; 64 * 1024]).map(drop));
        assert!(result.is_err());
    }
}
