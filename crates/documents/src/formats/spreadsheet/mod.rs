//! Excel: `.xlsx`, `.xlsm`, `.xlsb` and `.xls`. One page a sheet.

mod cells;
mod legacy;

use std::io::Cursor;

use calamine::{Data, Reader, Sheet, SheetType, SheetVisible, Xls, Xlsb, Xlsx};
use catchment_core::{Error, Result, Text};

use self::cells::Rows;
pub(super) use self::cells::decimal;
use super::{
    failure::damaged,
    ooxml::Package,
    out::Out,
    xml::{Node, Xml, decode},
};
use crate::{hint::Hint, limits::Budget};

/// Every sheet as tables of its rows, labelled by its name, hidden ones too.
pub(crate) fn parse(bytes: &[u8], budget: &mut Budget, hint: &Hint<'_>) -> Result<Text> {
    const COMPOUND: [u8; 4] = [0xd0, 0xcf, 0x11, 0xe0];
    super::ooxml::refuse_encrypted(bytes)?;
    if bytes.starts_with(&COMPOUND) {
        return old(bytes, budget, hint);
    }
    let mut package = Package::open(bytes)?;
    check(&mut package, budget)?;
    let main = package.main("xl/workbook.xml", budget)?;
    let mut out = Out::default();
    if main.ends_with(".bin") {
        binary(bytes, &mut out, budget)?;
    } else {
        open_xml(bytes, &mut out, budget)?;
    }
    comments(&mut package, &main, &mut out, budget)?;
    package.properties(&mut out.text, budget)?;
    out.finish(budget)
}

/// Decompresses everything once within the budget: calamine reads the parts on its own and knows
/// no limits. It also believes the number of shared strings that the file claims.
fn check(package: &mut Package<'_>, budget: &mut Budget) -> Result<()> {
    let names: Vec<String> = package.archive().names().map(str::to_owned).collect();
    for name in names {
        if !name.ends_with("sharedstrings.xml") {
            package.archive().check(&name, budget)?;
        } else if let Some(bytes) = package.part(&name, budget)? {
            let xml = decode(&bytes);
            let mut nodes = Xml::new(&xml);
            if let Node::Start(tag) = nodes.next(budget)?
                && tag
                    .attr("uniqueCount")
                    .and_then(|count| count.parse::<u64>().ok())
                    .is_some_and(|count| count > bytes.len() as u64)
            {
                return Err(damaged("shared strings"));
            }
        }
    }
    Ok(())
}

/// Opens a page for each sheet of cells, says which are hidden, and calls `read` for it.
fn sheets<E>(
    sheets: Vec<Sheet>,
    out: &mut Out,
    budget: &mut Budget,
    mut read: impl FnMut(&str, &mut Out, &mut Budget) -> Result<(), Failure<E>>,
) -> Result<()>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let (mut good, mut last) = (0, None);
    for sheet in sheets {
        if sheet.typ != SheetType::WorkSheet {
            continue;
        }
        out.page(budget, Some(&sheet.name))?;
        if sheet.visible != SheetVisible::Visible {
            out.warn(format!("sheet {} is hidden", sheet.name));
        }
        match read(&sheet.name, out, budget) {
            Ok(()) => good += 1,
            Err(Failure::Ours(error)) => return Err(error),
            Err(Failure::Sheet(error)) => {
                out.warn(format!("sheet {} is damaged and may be incomplete", sheet.name));
                last = Some(error);
            }
        }
    }
    match last {
        Some(error) if good == 0 => Err(damaged("sheets").source(error)),
        _ => Ok(()),
    }
}

/// Why a sheet ended early: a limit is the end of the file, a broken sheet only of the sheet.
enum Failure<E> {
    Ours(Error),
    Sheet(E),
}

impl<E> From<Error> for Failure<E> {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

fn open_xml(bytes: &[u8], out: &mut Out, budget: &mut Budget) -> Result<()> {
    let mut book = Xlsx::new(Cursor::new(bytes)).map_err(|error| damaged("workbook").source(error))?;
    let list = book.sheets_metadata().to_vec();
    sheets(list, out, budget, |name, out, budget| {
        let mut rows = Rows::default();
        let mut cells = book.worksheet_cells_reader(name).map_err(Failure::Sheet)?;
        while let Some(cell) = cells.next_cell().map_err(Failure::Sheet)? {
            rows.cell(cell.get_position(), &Data::from(cell.get_value().clone()), out, budget)?;
        }
        Ok(rows.finish(out, budget)?)
    })
}

fn binary(bytes: &[u8], out: &mut Out, budget: &mut Budget) -> Result<()> {
    let mut book = Xlsb::new(Cursor::new(bytes)).map_err(|error| damaged("workbook").source(error))?;
    let list = book.sheets_metadata().to_vec();
    sheets(list, out, budget, |name, out, budget| {
        let mut rows = Rows::default();
        let mut cells = book.worksheet_cells_reader(name).map_err(Failure::Sheet)?;
        while let Some(cell) = cells.next_cell().map_err(Failure::Sheet)? {
            rows.cell(cell.get_position(), &Data::from(cell.get_value().clone()), out, budget)?;
        }
        Ok(rows.finish(out, budget)?)
    })
}

fn old(bytes: &[u8], budget: &mut Budget, _hint: &Hint<'_>) -> Result<Text> {
    let mut out = Out::default();
    let book = legacy::tamed(bytes, budget)?;
    let mut book = Xls::new(Cursor::new(book)).map_err(|error| damaged("workbook").source(error))?;
    let list = book.sheets_metadata().to_vec();
    sheets(list, &mut out, budget, |name, out, budget| {
        let range = book.worksheet_range(name).map_err(Failure::Sheet)?;
        let (top, left) = range.start().unwrap_or_default();
        let mut rows = Rows::default();
        for (row, column, value) in range.used_cells() {
            let position = (top.saturating_add(index(row)), left.saturating_add(index(column)));
            rows.cell(position, value, out, budget)?;
        }
        Ok(rows.finish(out, budget)?)
    })?;
    super::compound::properties(bytes, &mut out.text);
    out.finish(budget)
}

fn index(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}

/// Comments on cells, at the end of the page of their sheet.
fn comments(package: &mut Package<'_>, main: &str, out: &mut Out, budget: &mut Budget) -> Result<()> {
    let workbook = package.relations(main, budget)?;
    let sheets = workbook.iter().filter(|relation| relation.kind == "worksheet");
    // Parts are numbered in the order of the sheets nearly always; what matters is that no comment
    // is lost, so those of an unknown sheet go to the last page.
    let last = out.text.pages.len().saturating_sub(1);
    for (number, sheet) in sheets.enumerate() {
        for relation in package.relations(&sheet.target, budget)? {
            if !matches!(relation.kind.as_str(), "comments" | "threadedComment") {
                continue;
            }
            let Some(bytes) = package.part(&relation.target, budget)? else { continue };
            let texts = comment_texts(&decode(&bytes), budget)?;
            let blocks: Vec<_> =
                texts.iter().map(|text| super::text::prose(text)).filter(|text| !text.is_empty()).collect();
            if let Some(page) = out.text.pages.get_mut(number.min(last)) {
                for text in blocks {
                    budget.text(text.len())?;
                    page.blocks.push(catchment_core::Block::paragraph(text));
                }
            }
        }
    }
    Ok(())
}

fn comment_texts(xml: &str, budget: &Budget) -> Result<Vec<String>> {
    let (mut xml, mut texts) = (Xml::new(xml), Vec::new());
    loop {
        match xml.next(budget)? {
            Node::Start(tag) if tag.name() == "text" => texts.push(xml.text(budget)?),
            Node::Eof => return Ok(texts),
            _ => {}
        }
    }
}
