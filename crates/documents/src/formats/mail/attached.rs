//! What mail and Outlook messages share: the first block, and the files attached to a message.

use bytes::Bytes;
use catchment_core::{BlockKind, Result, Text};
use chrono::{DateTime, Utc};

use super::super::{out::Out, text};
use super::{ENVELOPE, field};
use crate::{dispatch, hint::Hint, limits::Budget};

/// The envelope of a message.
#[derive(Debug, Default)]
pub(crate) struct Letter {
    pub(crate) subject: Option<String>,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) cc: String,
    pub(crate) date: Option<DateTime<Utc>>,
}

/// Opens the page of a message with its envelope as the first block.
pub(crate) fn write_letter(letter: &Letter, out: &mut Out, budget: &mut Budget) -> Result<()> {
    let subject = letter.subject.as_deref().unwrap_or_default();
    out.text.title = text::label(subject);
    out.text.author = text::label(&letter.from);
    out.text.created = letter.date;
    out.page(budget, None)?;
    let mut envelope = String::new();
    field("From", &letter.from, &mut envelope);
    field("To", &letter.to, &mut envelope);
    field("Cc", &letter.cc, &mut envelope);
    if let Some(date) = letter.date {
        field("Date", &date.format("%Y-%m-%d %H:%M:%S UTC").to_string(), &mut envelope);
    }
    field("Subject", subject, &mut envelope);
    out.block(budget, ENVELOPE, &envelope)
}

/// Adds the pages of an attachment under its name. One that cannot be read is a warning; the
/// message is still worth having.
pub(crate) fn attach(
    name: &str,
    kind: Option<&str>,
    out: &mut Out,
    budget: &mut Budget,
    read: &mut dyn FnMut(&mut Budget) -> Result<Text>,
) -> Result<()> {
    // Pictures and sounds are in nearly every message, and no one expects text from them.
    if kind.is_some_and(|kind| ["image/", "audio/", "video/"].iter().any(|prefix| kind.starts_with(prefix))) {
        return Ok(());
    }
    match budget.inside(|budget| read(budget)) {
        Ok(inner) if inner.is_empty() => out.warn(format!("attachment {name} holds no text")),
        Ok(mut inner) => {
            for page in &mut inner.pages {
                let label = page.label.take();
                page.label = Some(label.map_or_else(|| name.to_owned(), |label| format!("{name}: {label}")));
            }
            let mut heading = Out::default();
            heading.block(budget, BlockKind::Heading(2), name)?;
            if let (Some(page), Some(heading)) = (inner.pages.first_mut(), heading.text.pages.pop()) {
                page.blocks.splice(0..0, heading.blocks);
            }
            out.append(inner);
        }
        Err(error) => {
            budget.tick()?;
            out.warn(format!("attachment {name} was left out: {}", error.message()));
        }
    }
    Ok(())
}

/// The text of an attached file, whatever it is.
pub(crate) fn read(bytes: &[u8], name: &str, mime: Option<&str>, budget: &mut Budget) -> Result<Text> {
    let parsed = dispatch::parse(&Bytes::copy_from_slice(bytes), &Hint { name, mime }, None, budget)?;
    Ok(parsed.text)
}
