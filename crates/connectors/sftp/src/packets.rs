//! Packets of SFTP version 3 (draft-ietf-secsh-filexfer-02), as far as reading needs them.
//!
//! Names and handles are bytes, on the wire and here. The crate russh-sftp takes both for text: a
//! name that is not UTF-8 could not be opened, and OpenSSH's 129th handle, the bytes 00 00 00 80,
//! would be closed and read under another number.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use catchment_core::{Error, Result};

const VERSION: u8 = 2;
const STATUS: u8 = 101;
const HANDLE: u8 = 102;
const DATA: u8 = 103;
const NAME: u8 = 104;
const ATTRS: u8 = 105;
const EXTENDED_REPLY: u8 = 201;

/// The first packet of a session: version 3.
pub(crate) const INIT: &[u8] = &[0, 0, 0, 5, 1, 0, 0, 0, 3];

/// The most that is believed of a packet's length. OpenSSH sends 256 KiB at the most.
pub(crate) const LONGEST: usize = 1 << 20;

/// What a server can be asked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Request<'a> {
    /// Opens a file for reading.
    Open(&'a [u8]),
    OpenDir(&'a [u8]),
    Close(&'a [u8]),
    Read {
        handle: &'a [u8],
        offset: u64,
        length: u32,
    },
    ReadDir(&'a [u8]),
    /// Attributes of what a path names; of a link itself.
    Lstat(&'a [u8]),
    /// Attributes of what a path leads to.
    Stat(&'a [u8]),
    Fstat(&'a [u8]),
    RealPath(&'a [u8]),
    /// `limits@openssh.com`.
    Limits,
}

/// What a server answers.
#[derive(Debug)]
pub(crate) enum Reply {
    Status(Status),
    Handle(Bytes),
    Data(Bytes),
    Names(Vec<Name>),
    Attrs(Attrs),
    Extended(Bytes),
}

/// The code of a status packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Status(pub(crate) u32);

/// An entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) name: Bytes,
    pub(crate) attrs: Attrs,
}

/// What a server says of a file. Any of it may be missing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Attrs {
    /// Bytes.
    pub(crate) size: Option<u64>,
    /// Type and rights.
    pub(crate) mode: Option<u32>,
    /// Seconds since 1970, by the server's clock.
    pub(crate) mtime: Option<u32>,
}

/// What a server says that it can bear; nothing is no limit that is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) read: Option<u64>,
    pub(crate) handles: Option<u64>,
}

impl Status {
    pub(crate) const OK: Self = Self(0);
    pub(crate) const EOF: Self = Self(1);
    pub(crate) const NO_SUCH_FILE: Self = Self(2);
    pub(crate) const PERMISSION_DENIED: Self = Self(3);
    pub(crate) const BAD_MESSAGE: Self = Self(5);
    pub(crate) const NO_CONNECTION: Self = Self(6);
    pub(crate) const CONNECTION_LOST: Self = Self(7);
    pub(crate) const UNSUPPORTED: Self = Self(8);
    pub(crate) const NO_SUCH_PATH: Self = Self(10);
}

impl Request<'_> {
    /// Appends the packet with its length.
    pub(crate) fn write(&self, id: u32, out: &mut BytesMut) {
        let start = out.len();
        out.put_u32(0);
        out.put_u8(self.code());
        out.put_u32(id);
        match self {
            Self::Open(path) => {
                put(out, path);
                // To read, and with no attributes to set.
                out.put_u32(1);
                out.put_u32(0);
            }
            Self::Read { handle, offset, length } => {
                put(out, handle);
                out.put_u64(*offset);
                out.put_u32(*length);
            }
            Self::OpenDir(text)
            | Self::Close(text)
            | Self::ReadDir(text)
            | Self::Lstat(text)
            | Self::Stat(text)
            | Self::Fstat(text)
            | Self::RealPath(text) => put(out, text),
            Self::Limits => put(out, b"limits@openssh.com"),
        }
        let length = (out.len() - start - 4) as u32;
        out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    }

    fn code(&self) -> u8 {
        match self {
            Self::Open(_) => 3,
            Self::Close(_) => 4,
            Self::Read { .. } => 5,
            Self::Lstat(_) => 7,
            Self::Fstat(_) => 8,
            Self::OpenDir(_) => 11,
            Self::ReadDir(_) => 12,
            Self::RealPath(_) => 16,
            Self::Stat(_) => 17,
            Self::Limits => 200,
        }
    }
}

/// Takes the next whole packet out of what has come, without its length.
pub(crate) fn take(buffer: &mut BytesMut) -> Result<Option<Bytes>> {
    let Some(length) = buffer.first_chunk::<4>() else { return Ok(None) };
    let length = u32::from_be_bytes(*length) as usize;
    if length == 0 || length > LONGEST {
        return Err(broken());
    }
    if buffer.len() < 4 + length {
        buffer.reserve(4 + length - buffer.len());
        return Ok(None);
    }
    buffer.advance(4);
    Ok(Some(buffer.split_to(length).freeze()))
}

/// Reads the answer to [`INIT`]: the version, and whether the server can say its limits.
pub(crate) fn version(mut packet: Bytes) -> Result<(u32, bool)> {
    if packet.try_get_u8().map_err(|_| broken())? != VERSION {
        return Err(broken());
    }
    let version = packet.try_get_u32().map_err(|_| broken())?;
    let mut limits = false;
    while packet.has_remaining() {
        let (name, value) = (get(&mut packet)?, get(&mut packet)?);
        limits |= name == "limits@openssh.com" && value == "1";
    }
    Ok((version, limits))
}

/// Reads any other answer: which request it belongs to, and what it says.
pub(crate) fn reply(mut packet: Bytes) -> Result<(u32, Reply)> {
    let code = packet.try_get_u8().map_err(|_| broken())?;
    let id = packet.try_get_u32().map_err(|_| broken())?;
    let reply = match code {
        // What the server writes beside the code is for its own people.
        STATUS => Reply::Status(Status(packet.try_get_u32().map_err(|_| broken())?)),
        HANDLE => Reply::Handle(get(&mut packet)?),
        DATA => Reply::Data(get(&mut packet)?),
        NAME => {
            let count = packet.try_get_u32().map_err(|_| broken())? as usize;
            // Each takes twelve bytes at the least.
            let mut names = Vec::with_capacity(count.min(packet.len() / 12));
            for _ in 0..count {
                let name = get(&mut packet)?;
                let _for_people = get(&mut packet)?;
                names.push(Name { name, attrs: attrs(&mut packet)? });
            }
            Reply::Names(names)
        }
        ATTRS => Reply::Attrs(attrs(&mut packet)?),
        EXTENDED_REPLY => Reply::Extended(packet),
        _ => return Err(broken()),
    };
    Ok((id, reply))
}

/// Reads the answer to [`Request::Limits`].
pub(crate) fn limits(mut reply: Bytes) -> Result<Limits> {
    let mut next = || reply.try_get_u64().map(|limit| (limit > 0).then_some(limit)).map_err(|_| broken());
    let (_packet, read, _write, handles) = (next()?, next()?, next()?, next()?);
    Ok(Limits { read, handles })
}

fn attrs(packet: &mut Bytes) -> Result<Attrs> {
    let mut attrs = Attrs::default();
    let mut read = || -> Result<(), bytes::TryGetError> {
        let flags = packet.try_get_u32()?;
        if flags & 0x1 != 0 {
            attrs.size = Some(packet.try_get_u64()?);
        }
        if flags & 0x2 != 0 {
            let _owner_and_group = packet.try_get_u64()?;
        }
        if flags & 0x4 != 0 {
            attrs.mode = Some(packet.try_get_u32()?);
        }
        if flags & 0x8 != 0 {
            let _accessed = packet.try_get_u32()?;
            attrs.mtime = Some(packet.try_get_u32()?);
        }
        if flags & 0x8000_0000 != 0 {
            for _ in 0..packet.try_get_u32()?.saturating_mul(2) {
                let length = packet.try_get_u32()? as usize;
                if packet.len() < length {
                    return Err(bytes::TryGetError { requested: length, available: packet.len() });
                }
                packet.advance(length);
            }
        }
        Ok(())
    };
    read().map_err(|_| broken())?;
    Ok(attrs)
}

fn put(out: &mut BytesMut, text: &[u8]) {
    out.put_u32(text.len() as u32);
    out.put_slice(text);
}

fn get(packet: &mut Bytes) -> Result<Bytes> {
    let length = packet.try_get_u32().map_err(|_| broken())? as usize;
    if packet.len() < length {
        return Err(broken());
    }
    Ok(packet.split_to(length))
}

/// The error for what is no SFTP.
pub(crate) fn broken() -> Error {
    Error::protocol(
        "the server sent something that is no SFTP: ask its operator whether a login script prints text, \
         or try another client",
    )
    .with("step", "subsystem")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(parts: &[&[u8]]) -> Bytes {
        parts.concat().into()
    }

    #[test]
    fn a_request_is_framed() {
        let mut out = BytesMut::new();
        Request::Read { handle: b"\0\0\0\x80", offset: 5, length: 7 }.write(9, &mut out);
        let wanted =
            [&[0, 0, 0, 25, 5, 0, 0, 0, 9, 0, 0, 0, 4, 0, 0, 0, 0x80][..], &[0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 7]];
        assert_eq!(out, wanted.concat());
        assert_eq!(take(&mut out).expect("whole").expect("a packet").len(), 25);
        assert!(out.is_empty() && take(&mut out).expect("nothing").is_none());
    }

    #[test]
    fn handles_and_names_keep_every_byte() {
        let handle = packet(&[&[HANDLE, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 0x80]]);
        assert!(matches!(reply(handle), Ok((1, Reply::Handle(handle))) if handle == b"\0\0\0\x80"[..]));
        let names = packet(&[
            &[NAME, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3],
            b"\xff\xfea",
            &[0, 0, 0, 0, 0, 0, 0, 0x1d],
            &[0, 0, 0, 0, 0, 0, 0, 5],
            &[0, 0, 0x81, 0xa4, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff],
        ]);
        let Ok((2, Reply::Names(names))) = reply(names) else { panic!("names") };
        let attrs = Attrs { size: Some(5), mode: Some(0x81a4), mtime: Some(u32::MAX) };
        assert_eq!(names, [Name { name: Bytes::from_static(b"\xff\xfea"), attrs }]);
    }

    #[test]
    fn packets_that_lie_about_their_length_are_refused() {
        for lying in [
            &[HANDLE, 0, 0, 0, 1, 0, 0, 0, 9, 1][..],
            &[NAME, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff],
            &[ATTRS, 0, 0, 0, 1, 0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 9],
            &[DATA, 0, 0],
            &[77, 0, 0, 0, 1],
            &[],
        ] {
            assert!(reply(Bytes::copy_from_slice(lying)).is_err(), "{lying:?}");
        }
        for length in [0u32, LONGEST as u32 + 1, u32::MAX] {
            assert!(take(&mut BytesMut::from(&length.to_be_bytes()[..])).is_err(), "{length}");
        }
    }

    #[test]
    fn the_version_says_whether_limits_can_be_asked_for() {
        let plain = packet(&[&[VERSION, 0, 0, 0, 3]]);
        assert_eq!(version(plain).expect("good"), (3, false));
        let openssh = packet(&[&[VERSION, 0, 0, 0, 3, 0, 0, 0, 18], b"limits@openssh.com", &[0, 0, 0, 1], b"1"]);
        assert_eq!(version(openssh).expect("good"), (3, true));
        let said = packet(&[&262_144u64.to_be_bytes(), &261_120u64.to_be_bytes(), &[0; 8], &1_019u64.to_be_bytes()]);
        assert_eq!(limits(said).expect("good"), Limits { read: Some(261_120), handles: Some(1_019) });
    }
}
