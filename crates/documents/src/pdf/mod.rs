//! PDF: text from what is drawn on each page, structure from the objects around it.

mod blocks;
mod columns;
mod device;
mod lines;
mod metadata;
mod structure;
mod unicode;

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
};

use bytes::Bytes;
use catchment_core::{Error, ErrorKind, Result, Secret, Text, TextPage};
use hayro_interpret::{Context, InterpreterCache, InterpreterSettings, interpret_page};
use hayro_syntax::{DecryptionError, LoadPdfError, Pdf, page::Page};

use self::{
    device::{Stop, TextDevice},
    lines::Line,
    structure::Structure,
};
use crate::limits::Budget;

/// Reads a PDF file.
pub(crate) fn parse(bytes: &Bytes, password: Option<&Secret>, budget: &mut Budget) -> Result<Text> {
    let pdf = open(bytes, password)?;
    let pages = pdf.pages();
    if pages.is_empty() {
        return Err(Error::new(ErrorKind::Unreadable, "damaged: no page can be found in it, fetch the file again"));
    }
    let structure = Structure::read(&pdf, budget)?;

    let cache = InterpreterCache::new();
    let mut drawn = Vec::with_capacity(pages.len());
    for page in pages.iter() {
        budget.page()?;
        drawn.push(draw(&pdf, page, &cache, budget)?);
    }

    let style = blocks::Style::of(drawn.iter().map(|page| page.lines.as_slice()), &structure.outline);
    let mut text = Text { warnings: structure.warnings, ..Text::default() };
    metadata::read(&pdf, &mut text);
    let mut silent = Vec::new();
    for (index, (page, drawn)) in pages.iter().zip(&drawn).enumerate() {
        let mut blocks = blocks::blocks(&drawn.lines, &style);
        structure::append_notes(page, &mut blocks, budget)?;
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        if blocks.is_empty() && drawn.images > 0 {
            silent.push(number);
        }
        text.pages.push(TextPage { number, label: structure.labels.label(index), blocks });
    }
    if text.is_empty() {
        return Err(Error::new(
            ErrorKind::Unreadable,
            match silent.is_empty() {
                true => "holds no text: every page is empty or drawn with lines",
                false => "holds no text: pages are images (OCR is not included), give a file with a text layer",
            },
        ));
    }
    if !silent.is_empty() {
        text.warnings.push(format!("{} no text: images are not read", holds(&silent)));
    }
    Ok(text)
}

/// What one page draws.
struct Drawn {
    lines: Vec<Line>,
    images: u32,
}

fn open(bytes: &Bytes, password: Option<&Secret>) -> Result<Pdf> {
    let data = Arc::new(bytes.clone());
    let opened = match (Pdf::new(Arc::clone(&data)), password) {
        (Err(LoadPdfError::Decryption(DecryptionError::PasswordProtected)), Some(password)) => {
            Pdf::new_with_password(data, password.expose())
        }
        (opened, _) => opened,
    };
    opened.map_err(|error| {
        let message = match (error, password) {
            (LoadPdfError::Decryption(DecryptionError::PasswordProtected), None) => {
                "protected by a password: give the password or remove it"
            }
            (LoadPdfError::Decryption(DecryptionError::PasswordProtected), Some(_)) => {
                "the password does not open it: check the password"
            }
            (LoadPdfError::Decryption(_), _) => {
                "encrypted in a way that is not read: remove the protection and try again"
            }
            (LoadPdfError::Invalid, _) => "damaged or cut off: fetch the file again, or save it anew from its program",
        };
        Error::new(ErrorKind::Unreadable, message).source(format!("{error:?}"))
    })
}

/// Draws one page into lines of text.
fn draw<'a>(pdf: &'a Pdf, page: &Page<'a>, cache: &InterpreterCache<'a>, budget: &mut Budget) -> Result<Drawn> {
    let (width, height) = page.render_dimensions();
    let (width, height) = (f64::from(width), f64::from(height));
    let transform = hayro_interpret::kurbo::Affine::new(page.initial_transform(true).as_coeffs());
    let bounds = hayro_interpret::kurbo::Rect::new(0.0, 0.0, width, height);
    let mut device = TextDevice::new(page, bounds, budget);
    let drawn = catch_unwind(AssertUnwindSafe(|| {
        let mut context = Context::new(transform, bounds, cache, pdf.xref(), InterpreterSettings::default());
        interpret_page(page, &mut context, &mut device);
    }));
    if let Err(panic) = drawn {
        // The interpreter cannot be asked to stop, so the device leaves through it.
        return match panic.downcast::<Stop>() {
            Ok(stop) => Err(stop.0),
            Err(panic) => resume_unwind(panic),
        };
    }
    Ok(Drawn { images: device.images(), lines: columns::unfold(lines::lines(device.into_glyphs())) })
}

/// `page 3 holds`, `pages 3, 5 to 9 hold`.
fn holds(numbers: &[u32]) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => ranges.push((*number, *number)),
        }
    }
    let mut named: Vec<String> = ranges
        .iter()
        .take(20)
        .map(|(first, last)| if first == last { first.to_string() } else { format!("{first} to {last}") })
        .collect();
    if ranges.len() > named.len() {
        named.push("and more".into());
    }
    match numbers.len() {
        1 => format!("page {} holds", named.concat()),
        _ => format!("pages {} hold", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silent_pages_are_named_in_ranges() {
        assert_eq!(holds(&[3]), "page 3 holds");
        assert_eq!(holds(&[1, 3, 4, 5]), "pages 1, 3 to 5 hold");
        assert!(holds(&(0..100).map(|n| n * 2).collect::<Vec<_>>()).ends_with("38, and more hold"));
    }
}
