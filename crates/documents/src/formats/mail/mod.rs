//! Messages: `.eml`, with whatever is attached to them.

mod attached;

use catchment_core::{BlockKind, Error, ErrorKind, Result, Text};
use chrono::DateTime;
use mail_parser::{Address, Message, MessageParser, MessagePart, MimeHeaders, PartType};

pub(crate) use self::attached::{Letter, attach, read as attachment_text, write_letter};
use super::{charset, failure::damaged, html, out::Out, plain, text};
use crate::{hint::Hint, limits::Budget};

/// Messages inside messages that are still taken for correspondence. The parser keeps them as a
/// chain that is torn down link by link, so the number has to be bounded before it begins.
const MESSAGES: usize = 1000;

/// Who wrote what to whom and when, then the text, preferred to the HTML that repeats it, then what
/// is attached: every attachment that can be read becomes pages under its name.
pub(crate) fn parse(bytes: &[u8], budget: &mut Budget, _hint: &Hint<'_>) -> Result<Text> {
    // The parser finds nothing in UTF-16, and says nothing either.
    let wide = charset::wide(bytes);
    let bytes = wide.as_deref().map_or(bytes, str::as_bytes);
    if count(bytes, b"message/rfc822") + count(bytes, b"multipart/digest") + count(bytes, b"message/global") > MESSAGES
    {
        return Err(Error::new(
            ErrorKind::TooLarge,
            "too many messages inside one another: export them as one file each",
        )
        .with("limit", MESSAGES));
    }
    let message = MessageParser::default().parse(bytes).ok_or_else(|| damaged("message"))?;
    let mut out = Out::default();
    write(&message, &mut out, budget)?;
    out.finish(budget)
}

fn write(message: &Message<'_>, out: &mut Out, budget: &mut Budget) -> Result<()> {
    let date = message.date().and_then(|date| DateTime::from_timestamp(date.to_timestamp(), 0));
    write_letter(
        &Letter {
            subject: message.subject().map(str::to_owned),
            from: people(message.from()),
            to: people(message.to()),
            cc: people(message.cc()),
            date,
        },
        out,
        budget,
    )?;
    body(message, out, budget)?;
    for (number, part) in message.attachments().enumerate() {
        budget.tick()?;
        attachment(part, number, out, budget)?;
    }
    Ok(())
}

/// The text of the message itself.
fn body(message: &Message<'_>, out: &mut Out, budget: &mut Budget) -> Result<()> {
    let says = |part: &MessagePart<'_>| match &part.body {
        PartType::Text(text) => !text.trim().is_empty(),
        PartType::Html(_) => true,
        _ => false,
    };
    let plain: Vec<_> = message.text_bodies().filter(|part| says(part)).collect();
    let parts = if plain.is_empty() { message.html_bodies().collect() } else { plain };
    for part in parts {
        match &part.body {
            PartType::Text(text) => plain::blocks(text, false, out, budget)?,
            PartType::Html(html) => body_html(html, out, budget)?,
            _ => {}
        }
    }
    Ok(())
}

/// HTML in a message: its title is the mailer's, not the message's.
pub(crate) fn body_html(html: &str, out: &mut Out, budget: &mut Budget) -> Result<()> {
    let (title, author) = (out.text.title.take(), out.text.author.take());
    html::blocks(html, out, budget)?;
    (out.text.title, out.text.author) = (title, author);
    Ok(())
}

fn attachment(part: &MessagePart<'_>, number: usize, out: &mut Out, budget: &mut Budget) -> Result<()> {
    let kind = part.content_type().map(|kind| match kind.subtype() {
        Some(subtype) => format!("{}/{subtype}", kind.ctype()).to_ascii_lowercase(),
        None => kind.ctype().to_ascii_lowercase(),
    });
    let named = part.attachment_name().and_then(text::label);
    let name = named.unwrap_or_else(|| format!("attachment {}", number + 1));
    let read: &mut dyn FnMut(&mut Budget) -> Result<Text> = &mut |budget| match &part.body {
        PartType::Message(message) => {
            let mut inner = Out::default();
            write(message, &mut inner, budget)?;
            inner.finish(budget)
        }
        PartType::Text(text) | PartType::Html(text) => attached::read(text.as_bytes(), &name, kind.as_deref(), budget),
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
            attached::read(bytes, &name, kind.as_deref(), budget)
        }
        PartType::Multipart(_) => Ok(Text::default()),
    };
    let name = match &part.body {
        PartType::Message(message) => message.subject().and_then(text::label).unwrap_or_else(|| name.clone()),
        _ => name.clone(),
    };
    attach(&name, kind.as_deref(), out, budget, read)
}

fn people(address: Option<&Address<'_>>) -> String {
    let people = address.into_iter().flat_map(Address::iter).map(|person| match (&person.name, &person.address) {
        (Some(name), Some(address)) if name != address => format!("{name} <{address}>"),
        (_, Some(address)) => address.to_string(),
        (Some(name), None) => name.to_string(),
        (None, None) => String::new(),
    });
    people.filter(|person| !person.is_empty()).take(200).collect::<Vec<_>>().join(", ")
}

fn count(bytes: &[u8], wanted: &[u8]) -> usize {
    bytes.windows(wanted.len()).filter(|window| window.eq_ignore_ascii_case(wanted)).count()
}

/// A line of the first block: what it is, and its value.
pub(crate) fn field(name: &str, value: &str, into: &mut String) {
    let value = text::line(value);
    if !value.is_empty() {
        into.push_str(&format!("{name}: {value}\n"));
    }
}

/// The kind of the first block of a message.
pub(crate) const ENVELOPE: BlockKind = BlockKind::Paragraph;
