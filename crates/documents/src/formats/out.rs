//! Where every parser writes: pages and blocks, cleaned and counted against the budget.

use catchment_core::{Block, BlockKind, Result, Text, TextPage};

use super::text;
use crate::limits::Budget;

/// Rows in one table block. Tables are cut so that a block stays citable and memory bounded.
const ROWS: usize = 50;
/// Bytes in one table block, for tables with very wide rows.
const BYTES: usize = 32 << 10;
/// Empty columns that are kept between two cells. A lone cell in column XFD is no reason for
/// sixteen thousand tabs.
const GAP: usize = 32;
/// Warnings kept for one document; a file with a thousand hidden sheets needs no thousand lines.
const WARNINGS: usize = 20;

/// A document's text while it is being read.
#[derive(Debug, Default)]
pub(crate) struct Out {
    /// What was collected so far. Pages are opened through [`Out::page`].
    pub(crate) text: Text,
}

impl Out {
    /// Starts the next page.
    pub(crate) fn page(&mut self, budget: &mut Budget, label: Option<&str>) -> Result<()> {
        budget.page()?;
        let number = u32::try_from(self.text.pages.len() + 1).unwrap_or(u32::MAX);
        self.text.pages.push(TextPage { number, label: label.and_then(text::label), blocks: Vec::new() });
        Ok(())
    }

    /// Adds a block of running text, a heading or a list item, unless nothing is left of it.
    pub(crate) fn block(&mut self, budget: &mut Budget, kind: BlockKind, raw: &str) -> Result<()> {
        let text = match kind {
            BlockKind::Code => text::code(raw),
            BlockKind::Heading(_) => text::line(raw),
            _ => text::prose(raw),
        };
        self.push(budget, kind, text)
    }

    /// Adds what is left in `table` as a block.
    pub(crate) fn table(&mut self, budget: &mut Budget, table: &mut Table) -> Result<()> {
        table.end_row();
        table.rows = 0;
        self.push(budget, BlockKind::Table, std::mem::take(&mut table.text))
    }

    /// Ends the row of `table`, and adds a block once there are enough of them.
    pub(crate) fn row(&mut self, budget: &mut Budget, table: &mut Table) -> Result<()> {
        budget.tick()?;
        table.end_row();
        if table.rows >= ROWS || table.text.len() >= BYTES {
            self.table(budget, table)?;
        }
        Ok(())
    }

    /// Says what was left out.
    pub(crate) fn warn(&mut self, warning: impl Into<String>) {
        let warning = warning.into();
        if self.text.warnings.len() < WARNINGS && !self.text.warnings.contains(&warning) {
            self.text.warnings.push(warning);
        }
    }

    /// Appends the pages of a document inside this one.
    pub(crate) fn append(&mut self, inner: Text) {
        for mut page in inner.pages {
            page.number = u32::try_from(self.text.pages.len() + 1).unwrap_or(u32::MAX);
            self.text.pages.push(page);
        }
        inner.warnings.into_iter().for_each(|warning| self.warn(warning));
    }

    /// The finished text; at least one page.
    pub(crate) fn finish(mut self, budget: &mut Budget) -> Result<Text> {
        if self.text.pages.is_empty() {
            self.page(budget, None)?;
        }
        Ok(self.text)
    }

    fn push(&mut self, budget: &mut Budget, kind: BlockKind, text: String) -> Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        budget.text(text.len())?;
        if self.text.pages.is_empty() {
            self.page(budget, None)?;
        }
        if let Some(page) = self.text.pages.last_mut() {
            page.blocks.push(Block { kind, text });
        }
        Ok(())
    }
}

/// A table while it is being read: one row a line, cells separated by tabs.
#[derive(Debug, Default)]
pub(crate) struct Table {
    text: String,
    row: String,
    cells: usize,
    /// The column that the row's text ends in.
    filled: usize,
    rows: usize,
}

impl Table {
    /// Adds a cell to the row. Empty cells hold their column as long as another one follows.
    pub(crate) fn cell(&mut self, raw: &str) {
        let text = text::line(raw);
        if !text.is_empty() {
            let gap = (self.cells - self.filled).min(GAP);
            self.filled = self.cells;
            self.row.extend(std::iter::repeat_n('\t', gap));
            self.row.push_str(&text);
        }
        self.cells += 1;
    }

    /// Leaves `count` columns empty.
    pub(crate) fn skip(&mut self, count: usize) {
        self.cells += count;
    }

    /// Ends the row of a table that is kept whole.
    pub(crate) fn next_row(&mut self) {
        self.end_row();
    }

    /// What the table holds, rows separated by line feeds.
    pub(crate) fn into_text(mut self) -> String {
        self.end_row();
        self.text
    }

    fn end_row(&mut self) {
        self.cells = 0;
        self.filled = 0;
        if self.row.is_empty() {
            return;
        }
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(&self.row);
        self.row.clear();
        self.rows += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    fn budget() -> Budget {
        Budget::new(&Limits::default(), 0).unwrap()
    }

    #[test]
    fn a_row_keeps_its_columns() {
        let mut table = Table::default();
        ["a", "", "b", ""].into_iter().for_each(|cell| table.cell(cell));
        table.end_row();
        table.skip(2);
        table.cell("c\nd");
        table.end_row();
        table.cell("");
        assert_eq!(table.into_text(), "a\t\tb\n\t\tc d");
    }

    #[test]
    fn a_far_away_cell_costs_no_row_of_tabs() {
        let mut table = Table::default();
        table.cell("a");
        table.skip(16_000);
        table.cell("b");
        assert_eq!(table.into_text().len(), 2 + GAP);
    }

    #[test]
    fn a_long_table_becomes_several_blocks() {
        let (mut out, mut budget, mut table) = (Out::default(), budget(), Table::default());
        for row in 0..120 {
            table.cell(&row.to_string());
            out.row(&mut budget, &mut table).unwrap();
        }
        out.table(&mut budget, &mut table).unwrap();
        let rows: Vec<_> = out.text.pages[0].blocks.iter().map(|block| block.text.lines().count()).collect();
        assert_eq!(rows, [50, 50, 20]);
    }

    #[test]
    fn empty_blocks_are_not_added() {
        let (mut out, mut budget) = (Out::default(), budget());
        for kind in [BlockKind::Paragraph, BlockKind::Heading(1), BlockKind::Code, BlockKind::Table] {
            out.block(&mut budget, kind, " \u{0}\n\t").unwrap();
        }
        let text = out.finish(&mut budget).unwrap();
        assert_eq!((text.pages.len(), text.is_empty()), (1, true));
    }
}
