//! Word and PowerPoint before 2007: `.doc` and `.ppt`, read by `undoc`.

use catchment_core::{BlockKind, Error, Result, Text};
use undoc::{
    doc::DocParser,
    model::{Block, Cell, Document, Paragraph, RevisionType, TextRun},
    ppt::PptParser,
};

use super::{
    failure::{damaged, protected},
    out::{Out, Table},
    text,
};
use crate::{hint::Hint, limits::Budget};

/// Headings, paragraphs, lists, tables and notes of a Word file; pages where the author began them.
pub(crate) fn doc(bytes: &[u8], budget: &mut Budget, _hint: &Hint<'_>) -> Result<Text> {
    let document = DocParser::from_bytes(bytes.to_vec()).and_then(|mut parser| parser.parse()).map_err(broken)?;
    let mut out = Out::default();
    out.page(budget, None)?;
    for section in &document.sections {
        paragraphs(section.header.as_deref(), &mut out, budget)?;
        blocks(&section.content, true, &mut out, budget)?;
        paragraphs(section.notes.as_deref(), &mut out, budget)?;
        paragraphs(section.footer.as_deref(), &mut out, budget)?;
    }
    finish(bytes, &document, out, budget)
}

/// Slides in the order they are shown, labelled by their titles, each with its notes.
pub(crate) fn ppt(bytes: &[u8], budget: &mut Budget, _hint: &Hint<'_>) -> Result<Text> {
    let document = PptParser::from_bytes(bytes.to_vec()).and_then(|mut parser| parser.parse()).map_err(broken)?;
    let mut out = Out::default();
    for section in &document.sections {
        let title = section.content.iter().find_map(|block| match block {
            Block::Paragraph(paragraph) if paragraph.is_heading() => {
                Some(paragraph.runs.iter().map(|run| run.text.as_str()).collect::<String>())
            }
            _ => None,
        });
        out.page(budget, title.or_else(|| section.name.clone()).as_deref())?;
        blocks(&section.content, false, &mut out, budget)?;
        paragraphs(section.notes.as_deref(), &mut out, budget)?;
    }
    finish(bytes, &document, out, budget)
}

fn broken(error: undoc::Error) -> Error {
    match error {
        undoc::Error::Encrypted => protected(),
        error => damaged("document").source(error),
    }
}

fn finish(bytes: &[u8], document: &Document, mut out: Out, budget: &mut Budget) -> Result<Text> {
    super::compound::properties(bytes, &mut out.text);
    let (title, author) = (&document.metadata.title, &document.metadata.author);
    out.text.title = out.text.title.take().or_else(|| title.as_deref().and_then(text::label));
    out.text.author = out.text.author.take().or_else(|| author.as_deref().and_then(text::label));
    out.finish(budget)
}

fn blocks(blocks: &[Block], pages: bool, out: &mut Out, budget: &mut Budget) -> Result<()> {
    for block in blocks {
        match block {
            Block::Paragraph(paragraph) => self::paragraph(paragraph, pages, out, budget)?,
            Block::Table(rows) => {
                let mut table = Table::default();
                for row in &rows.rows {
                    for cell in &row.cells {
                        table.cell(&cell_text(cell));
                        table.skip(cell.col_span.clamp(1, 1000) as usize - 1);
                    }
                    out.row(budget, &mut table)?;
                }
                out.table(budget, &mut table)?;
            }
            Block::PageBreak if pages => out.page(budget, None)?,
            Block::Note { content, .. } => paragraphs(Some(content), out, budget)?,
            Block::PageBreak | Block::SectionBreak | Block::Image { .. } => {}
        }
    }
    Ok(())
}

fn paragraphs(paragraphs: Option<&[Paragraph]>, out: &mut Out, budget: &mut Budget) -> Result<()> {
    paragraphs.into_iter().flatten().try_for_each(|paragraph| self::paragraph(paragraph, false, out, budget))
}

fn paragraph(paragraph: &Paragraph, pages: bool, out: &mut Out, budget: &mut Budget) -> Result<()> {
    let kind = if paragraph.is_heading() {
        BlockKind::Heading(paragraph.heading.level())
    } else if paragraph.is_list_item() {
        BlockKind::ListItem
    } else {
        BlockKind::Paragraph
    };
    let mut line = String::new();
    for run in &paragraph.runs {
        push(run, &mut line);
        if pages && run.page_break {
            out.block(budget, kind, &line)?;
            out.page(budget, None)?;
            line.clear();
        }
    }
    out.block(budget, kind, &line)
}

/// The words of a run, without the marks that undoc sets for notes and breaks.
fn push(run: &TextRun, line: &mut String) {
    if run.revision != RevisionType::Deleted {
        line.push_str(&run.text);
    }
    if run.line_break || run.page_break {
        line.push('\n');
    }
}

/// The text of a cell. A table inside it is one level deep in practice; what lies deeper is left
/// out, so that no depth can be made to overflow.
fn cell_text(cell: &Cell) -> String {
    let nested = cell.nested_tables.iter().flat_map(|table| &table.rows).flat_map(|row| &row.cells);
    let mut line = String::new();
    for paragraph in std::iter::once(cell).chain(nested).flat_map(|cell| &cell.content) {
        paragraph.runs.iter().for_each(|run| push(run, &mut line));
        line.push('\n');
    }
    line
}
