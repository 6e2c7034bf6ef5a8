//! A server that behaves as it is told: which key it shows, how it lets in, and what it says as
//! SFTP. It serves one folder, `/data`, from memory.

#![allow(unreachable_pub, reason = "a module of test programs")]

use std::{
    borrow::Cow,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use russh::{
    Channel, ChannelId, MethodKind, MethodSet, Preferred,
    keys::PrivateKey,
    server::{Auth, ChannelOpenHandle, Config, Handler, Msg, Response, Session, VerifiedPublicKey, run_stream},
};
use tokio::{net::TcpListener, task::JoinHandle};

/// The password that is let in.
pub const PASSWORD: &str = "open sesame";

/// How it lets in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Lets {
    #[default]
    Password,
    /// By a hidden prompt alone.
    Prompt,
    /// By a hidden prompt, and another for a code.
    TwoPrompts,
    /// By any key, and then the password.
    KeyAndPassword,
    /// It hangs up when a password comes.
    HangsUp,
}

/// What is odd about its SFTP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Odd {
    #[default]
    Nothing,
    /// There is no SFTP.
    NoSubsystem,
    /// A login script prints something first.
    Chatter,
    /// Each read gives a few bytes.
    ShortReads,
    /// Each read gives more than was asked for.
    LongReads,
    /// The file ends before its size.
    EndsEarly,
    /// Empty pages between the names.
    EmptyPages,
    /// Listings say nothing about the entries.
    NoAttributes,
    /// FSTAT is not known.
    NoFstat,
    /// A failure in the middle of a listing.
    FailsInTheMiddle,
    /// Empty pages, and no end.
    EmptyForEver,
    /// Where the listing should end it begins anew.
    Anew,
    /// Names that lead elsewhere.
    Ways,
    /// The second file may not be looked at.
    Veiled,
    /// It says that a file is as long as can be.
    Vast,
}

pub struct OddServer {
    pub address: SocketAddr,
    /// The key it shows, in the form of OpenSSH.
    pub key: String,
    /// How often anybody tried to log in, the question for methods included.
    pub attempts: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for OddServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Names that are no names, and one that is.
const WAYS: [&str; 7] = ["../file 1.txt", "/etc/passwd", "a/b", "", "a\0b", "..", "file 1.txt"];

/// What the file holds.
pub fn content() -> Vec<u8> {
    (0..100_000u32).map(|at| (at / 3) as u8).collect()
}

pub async fn start(lets: Lets, odd: Odd, preferred: Preferred, key: &str) -> OddServer {
    let key = PrivateKey::from_openssh(key).expect("a key");
    let shown = key.public_key().to_openssh().expect("a line");
    let config =
        Arc::new(Config { keys: vec![key], preferred, auth_rejection_time: Duration::ZERO, ..Config::default() });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let attempts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&attempts);
    let task = tokio::spawn(async move {
        let mut sessions = tokio::task::JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let visitor = Visitor { lets, odd, attempts: Arc::clone(&counted), input: Vec::new(), given: 0 };
            let config = Arc::clone(&config);
            sessions.spawn(async move {
                if let Ok(session) = run_stream(config, stream, visitor).await {
                    let _ = session.await;
                }
            });
        }
    });
    OddServer { address, key: shown, attempts, task }
}

struct Visitor {
    lets: Lets,
    odd: Odd,
    attempts: Arc<AtomicUsize>,
    input: Vec<u8>,
    given: usize,
}

fn only(method: MethodKind, partial_success: bool) -> Auth {
    Auth::Reject { proceed_with_methods: Some(MethodSet::from(&[method][..])), partial_success }
}

impl Handler for Visitor {
    type Error = russh::Error;

    async fn auth_none(&mut self, _: &str) -> Result<Auth, russh::Error> {
        self.attempts.fetch_add(1, Ordering::SeqCst);
        Ok(match self.lets {
            Lets::Password | Lets::HangsUp => only(MethodKind::Password, false),
            Lets::Prompt | Lets::TwoPrompts => only(MethodKind::KeyboardInteractive, false),
            Lets::KeyAndPassword => only(MethodKind::PublicKey, false),
        })
    }

    async fn auth_password(&mut self, _: &str, password: &str) -> Result<Auth, russh::Error> {
        self.attempts.fetch_add(1, Ordering::SeqCst);
        if self.lets == Lets::HangsUp {
            return Err(russh::Error::Disconnect);
        }
        let good = password == PASSWORD && matches!(self.lets, Lets::Password | Lets::KeyAndPassword);
        Ok(if good { Auth::Accept } else { only(MethodKind::Password, false) })
    }

    async fn auth_publickey(&mut self, _: &str, _: VerifiedPublicKey<'_>) -> Result<Auth, russh::Error> {
        self.attempts.fetch_add(1, Ordering::SeqCst);
        Ok(only(MethodKind::Password, true))
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _: &str,
        _: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, russh::Error> {
        self.attempts.fetch_add(1, Ordering::SeqCst);
        if let Some(mut response) = response {
            let good = response.next().is_some_and(|answer| answer == PASSWORD.as_bytes());
            return Ok(if good { Auth::Accept } else { only(MethodKind::KeyboardInteractive, false) });
        }
        let mut prompts = vec![(Cow::Borrowed("Password: "), false)];
        if self.lets == Lets::TwoPrompts {
            prompts.push((Cow::Borrowed("Code: "), false));
        }
        Ok(Auth::Partial { name: "".into(), instructions: "".into(), prompts: prompts.into() })
    }

    async fn channel_open_session(
        &mut self,
        _: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), russh::Error> {
        reply.accept().await;
        Ok(())
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        _: &str,
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        if self.odd == Odd::NoSubsystem {
            return session.channel_failure(channel);
        }
        session.channel_success(channel)?;
        if self.odd == Odd::Chatter {
            session.data(channel, &b"Welcome to the files of Example Ltd!\n"[..])?;
        }
        Ok(())
    }

    async fn data(&mut self, channel: ChannelId, data: &[u8], session: &mut Session) -> Result<(), russh::Error> {
        self.input.extend_from_slice(data);
        while let Some(length) = self.input.first_chunk::<4>() {
            let length = u32::from_be_bytes(*length) as usize;
            if self.input.len() < 4 + length {
                break;
            }
            let packet: Vec<u8> = self.input.drain(..4 + length).skip(4).collect();
            let answer = self.answer(&packet);
            let framed = [&(answer.len() as u32).to_be_bytes()[..], &answer].concat();
            session.data(channel, framed)?;
        }
        Ok(())
    }
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_be_bytes(*bytes.first_chunk().expect("four bytes"))
}

fn text(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat()
}

fn attributes(folder: bool) -> Vec<u8> {
    let mode: u32 = if folder { 0o040_755 } else { 0o100_644 };
    let size = content().len() as u64;
    [&13u32.to_be_bytes()[..], &size.to_be_bytes(), &mode.to_be_bytes(), &[0, 0, 0, 1], &[0x60, 0, 0, 0]].concat()
}

impl Visitor {
    fn answer(&mut self, packet: &[u8]) -> Vec<u8> {
        let id = &packet[1..5];
        let status = |code: u32| {
            [&[101][..], id, &code.to_be_bytes(), &text(b"secret words of the server"), &text(b"")].concat()
        };
        let argument = || packet[9..9 + number(&packet[5..]) as usize].to_vec();
        let named = |name: &str| {
            let bare = matches!(self.odd, Odd::NoAttributes | Odd::Veiled);
            let said = if bare { vec![0; 4] } else { attributes(false) };
            [&[104][..], id, &[0, 0, 0, 1], &text(name.as_bytes()), &text(b"-rw-"), &said].concat()
        };
        match packet[0] {
            1 => vec![2, 0, 0, 0, 3],
            7 | 11 | 17 if self.odd == Odd::Veiled && argument().ends_with(b"2.txt") => status(3),
            7 | 8 | 17 if self.odd == Odd::Vast && !argument().ends_with(b"data") => {
                let mut said = attributes(false);
                said[4..12].fill(0xff);
                [&[105][..], id, &said].concat()
            }
            3 => [&[102][..], id, &text(b"\0\0\0\x80")].concat(),
            11 => {
                self.given = 0;
                [&[102][..], id, &text(b"\xff\xfe")].concat()
            }
            4 => status(0),
            5 => {
                let rest = &packet[9 + number(&packet[5..]) as usize..];
                let from = u64::from_be_bytes(*rest.first_chunk().expect("eight bytes")) as usize;
                let asked = number(&rest[8..]) as usize;
                let bytes = content();
                let bytes = if self.odd == Odd::EndsEarly { &bytes[..50_000] } else { &bytes[..] };
                let length = match self.odd {
                    Odd::ShortReads => asked.min(1_000),
                    Odd::LongReads => asked + 1,
                    _ => asked,
                };
                let mut data = bytes.get(from..bytes.len().min(from + length)).unwrap_or_default().to_vec();
                if self.odd == Odd::LongReads {
                    data.resize(length, 0);
                }
                if data.is_empty() { status(1) } else { [&[103][..], id, &text(&data)].concat() }
            }
            7 | 17 => [&[105][..], id, &attributes(!argument().ends_with(b".txt"))].concat(),
            8 if self.odd == Odd::NoFstat => status(8),
            8 => [&[105][..], id, &attributes(false)].concat(),
            12 => {
                self.given += 1;
                match (self.odd, self.given) {
                    (Odd::EmptyPages, odd) if odd % 2 == 1 && odd < 8 => [&[104][..], id, &[0; 4]].concat(),
                    (Odd::FailsInTheMiddle, 2) => status(4),
                    (Odd::EmptyForEver, _) => [&[104][..], id, &[0; 4]].concat(),
                    (Odd::Anew, given) => named(&format!("file {}.txt", (given - 1) % 4 + 1)),
                    (Odd::Ways, given) => WAYS.get(given - 1).map_or_else(|| status(1), |name| named(name)),
                    (_, given) if given <= 4 => named(&format!("file {given}.txt")),
                    _ => status(1),
                }
            }
            16 => [&[104][..], id, &[0, 0, 0, 1], &text(&argument()), &text(b""), &[0; 4]].concat(),
            _ => status(8),
        }
    }
}
