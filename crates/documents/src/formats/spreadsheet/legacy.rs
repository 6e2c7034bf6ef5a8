//! Makes an `.xls` harmless before calamine reads it: that reader believes every size the file
//! claims and lays each sheet out as a full grid.

use std::io::{Cursor, Write};

use catchment_core::{Error, ErrorKind, Result};
use cfb::{CompoundFile, Version};

use super::super::{
    compound::Compound,
    failure::{damaged, protected},
};
use crate::limits::Budget;

/// Cells between the first and the last of every sheet, over all sheets: 256 MiB of grid.
const GRID: u64 = 8 << 20;

const DIMENSIONS: u16 = 0x0200;
const FILE_PASS: u16 = 0x002f;
const BEGIN: u16 = 0x0809;
const MANY: u16 = 0x00bd;

/// A copy of the workbook that claims no sizes, or why it is refused.
pub(super) fn tamed(bytes: &[u8], budget: &mut Budget) -> Result<Vec<u8>> {
    let mut file = Compound::open(bytes)?;
    let (name, mut book) = ["/Workbook", "/Book"]
        .into_iter()
        .find_map(|name| file.stream(name).map(|stream| (name, stream)))
        .ok_or_else(|| damaged("workbook"))?;
    tame(&mut book, budget)?;
    let whole = || -> std::io::Result<Vec<u8>> {
        // Calamine takes an empty chain of small streams in a file of version 4 for damage.
        let mut copy = CompoundFile::create_with_version(Version::V3, Cursor::new(Vec::new()))?;
        copy.create_stream(name)?.write_all(&book)?;
        copy.flush()?;
        Ok(copy.into_inner().into_inner())
    };
    whole().map_err(|error| Error::internal("cannot copy the workbook").source(error))
}

/// Walks the records: clears the claimed dimensions and measures the real ones.
fn tame(book: &mut [u8], budget: &Budget) -> Result<()> {
    let (mut at, mut grid, mut sheet) = (0, 0, Extent::default());
    while let Some(&[id_low, id_high, len_low, len_high]) = book.get(at..at + 4) {
        budget.tick()?;
        let (id, len) = (u16::from_le_bytes([id_low, id_high]), usize::from(u16::from_le_bytes([len_low, len_high])));
        let end = (at + 4 + len).min(book.len());
        let data = &mut book[at + 4..end];
        match id {
            FILE_PASS => return Err(protected()),
            DIMENSIONS => data.fill(0),
            BEGIN => grid += std::mem::take(&mut sheet).area(),
            0x0006 | 0x00d6 | 0x00fd | 0x0203..=0x0205 | 0x027e | MANY => {
                if let &mut [row_low, row_high, column_low, column_high, ..] = data {
                    let row = u16::from_le_bytes([row_low, row_high]);
                    sheet.add(row, u16::from_le_bytes([column_low, column_high]));
                    if let (MANY, [.., low, high]) = (id, data) {
                        sheet.add(row, u16::from_le_bytes([*low, *high]));
                    }
                }
            }
            _ => {}
        }
        at = end;
    }
    if grid + sheet.area() > GRID {
        return Err(Error::new(
            ErrorKind::TooLarge,
            "the cells of a sheet are too far apart: save the file as .xlsx, or delete the stray cells",
        )
        .with("limit_cells", GRID));
    }
    Ok(())
}

/// The corners between which the cells of a sheet lie.
#[derive(Debug, Default)]
struct Extent {
    corners: Option<[u16; 4]>,
}

impl Extent {
    fn add(&mut self, row: u16, column: u16) {
        let [top, left, bottom, right] = self.corners.unwrap_or([row, column, row, column]);
        self.corners = Some([top.min(row), left.min(column), bottom.max(row), right.max(column)]);
    }

    fn area(&self) -> u64 {
        self.corners
            .map_or(0, |[top, left, bottom, right]| (u64::from(bottom - top) + 1) * (u64::from(right - left) + 1))
    }
}
