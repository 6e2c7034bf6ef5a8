//! Tables of data, and those that only arrange a page: mail and old pages are full of them.

use catchment_core::{BlockKind, Result};

use super::super::out::{Out, Table};
use crate::limits::Budget;

/// The open tables, innermost last.
#[derive(Default)]
pub(super) struct Tables(Vec<Open>);

#[derive(Default)]
struct Open {
    table: Table,
    /// Its cells are blocks of the page, not data.
    layout: bool,
    cell: Option<usize>,
    paragraphs: u32,
}

impl Tables {
    /// A table begins.
    pub(super) fn open(&mut self, layout: bool) {
        self.0.push(Open { layout, ..Open::default() });
    }

    /// Whether text belongs to a cell of data.
    pub(super) fn in_cell(&self) -> bool {
        self.0.last().is_some_and(|open| !open.layout && open.cell.is_some())
    }

    /// Counts a paragraph; says whether it is the second one of its cell.
    pub(super) fn second_paragraph(&mut self) -> bool {
        self.0.last_mut().is_some_and(|open| {
            open.paragraphs += 1;
            open.paragraphs > 1
        })
    }

    /// The innermost table turns out to arrange the page: what it held so far is written.
    pub(super) fn arrange(&mut self, out: &mut Out, budget: &mut Budget) -> Result<()> {
        match self.0.last_mut() {
            Some(open) if !open.layout => {
                open.layout = true;
                out.table(budget, &mut open.table)
            }
            _ => Ok(()),
        }
    }

    /// The border of a cell or a row: what was collected goes into the cell, or on the page.
    pub(super) fn boundary(&mut self, out: &mut Out, inline: &mut String, budget: &mut Budget) -> Result<()> {
        match self.0.last_mut() {
            Some(open) if !open.layout && open.cell.is_some() => {
                open.table.cell(inline);
                open.table.skip(open.cell.take().unwrap_or(1).saturating_sub(1));
            }
            _ => out.block(budget, BlockKind::Paragraph, inline)?,
        }
        inline.clear();
        Ok(())
    }

    /// A cell or a row begins.
    pub(super) fn start(&mut self, cell: bool, columns: usize, out: &mut Out, budget: &mut Budget) -> Result<()> {
        let Some(open) = self.0.last_mut() else { return Ok(()) };
        open.paragraphs = 0;
        if cell {
            open.cell = Some(columns.clamp(1, 1000));
            Ok(())
        } else {
            open.cell = None;
            out.row(budget, &mut open.table)
        }
    }

    /// The innermost table ends.
    pub(super) fn end(&mut self, out: &mut Out, budget: &mut Budget) -> Result<()> {
        match self.0.pop() {
            Some(mut open) => out.table(budget, &mut open.table),
            None => Ok(()),
        }
    }

    /// The file ends with tables still open.
    pub(super) fn close(&mut self, out: &mut Out, inline: &mut String, budget: &mut Budget) -> Result<()> {
        while !self.0.is_empty() {
            self.boundary(out, inline, budget)?;
            self.end(out, budget)?;
        }
        Ok(())
    }
}
