//! Cells, in the order of the file, to rows of text.

use calamine::{Data, ExcelDateTime};
use catchment_core::Result;

use super::super::out::{Out, Table};
use crate::limits::Budget;

/// The rows of one sheet while its cells come in. Nothing is kept for cells that are not there, so
/// a lone cell in the last corner costs what a lone cell costs.
#[derive(Default)]
pub(super) struct Rows {
    table: Table,
    row: u32,
    column: u32,
    /// The first column that holds anything: what is left of it is margin.
    left: Option<u32>,
    text: String,
}

impl Rows {
    /// The next cell.
    pub(super) fn cell(
        &mut self,
        (row, column): (u32, u32),
        value: &Data,
        out: &mut Out,
        budget: &mut Budget,
    ) -> Result<()> {
        self.text.clear();
        render(value, &mut self.text);
        if self.text.is_empty() {
            return budget.tick();
        }
        let column = column.saturating_sub(*self.left.get_or_insert(column));
        if row != self.row {
            out.row(budget, &mut self.table)?;
            (self.row, self.column) = (row, 0);
        }
        self.table.skip(column.saturating_sub(self.column) as usize);
        self.table.cell(&self.text);
        self.column = column + 1;
        Ok(())
    }

    /// The sheet ends.
    pub(super) fn finish(mut self, out: &mut Out, budget: &mut Budget) -> Result<()> {
        out.table(budget, &mut self.table)
    }
}

fn render(value: &Data, out: &mut String) {
    match value {
        Data::Empty => {}
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => out.push_str(text),
        Data::Int(number) => out.push_str(&number.to_string()),
        Data::Float(number) => out.push_str(&decimal(*number)),
        Data::Bool(true) => out.push_str("TRUE"),
        Data::Bool(false) => out.push_str("FALSE"),
        Data::DateTime(date) => out.push_str(&moment(*date)),
        Data::Error(error) => out.push_str(&error.to_string()),
    }
}

/// A number with the 15 digits that Excel shows: 0.1 + 0.2 is 0.3 to every reader.
pub(crate) fn decimal(number: f64) -> String {
    let rounded = format!("{number:.14e}").parse().unwrap_or(number);
    if rounded == 0.0 || (1e-9..1e21).contains(&rounded.abs()) { format!("{rounded}") } else { format!("{rounded:e}") }
}

/// A date, a time of day or both, as ISO 8601 writes them; a duration as hours, minutes, seconds.
fn moment(date: ExcelDateTime) -> String {
    let seconds = (date.as_f64() * 86_400.0).round();
    if date.is_duration() {
        let sign = if seconds < 0.0 { "-" } else { "" };
        let seconds = seconds.abs() as u64;
        return format!("{sign}{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
    match date.as_datetime() {
        Some(moment) if date.as_f64() < 1.0 => moment.format("%H:%M:%S").to_string(),
        Some(moment) if seconds % 86_400.0 == 0.0 => moment.format("%Y-%m-%d").to_string(),
        Some(moment) => moment.format("%Y-%m-%d %H:%M:%S").to_string(),
        None => decimal(date.as_f64()),
    }
}

#[cfg(test)]
mod tests {
    use calamine::ExcelDateTimeType;

    use super::*;
    use crate::Limits;

    #[test]
    fn numbers_read_as_people_write_them() {
        for (number, text) in [
            (0.1 + 0.2, "0.3"),
            (1_234_567.0, "1234567"),
            (-1.5, "-1.5"),
            (0.0, "0"),
            (1e300, "1e300"),
            (1e-30, "1e-30"),
        ] {
            assert_eq!(decimal(number), text);
        }
    }

    #[test]
    fn dates_are_iso() {
        let date = |value, kind| moment(ExcelDateTime::new(value, kind, false));
        assert_eq!(date(45_418.0, ExcelDateTimeType::DateTime), "2024-05-06");
        assert_eq!(date(45_418.297_326_388_89, ExcelDateTimeType::DateTime), "2024-05-06 07:08:09");
        assert_eq!(date(0.5, ExcelDateTimeType::DateTime), "12:00:00");
        assert_eq!(date(1.5, ExcelDateTimeType::TimeDelta), "36:00:00");
    }

    #[test]
    fn a_cell_in_the_last_corner_costs_no_grid() {
        let (mut rows, mut out) = (Rows::default(), Out::default());
        let mut budget = Budget::new(&Limits::default(), 0).unwrap();
        rows.cell((2, 3), &Data::Int(1), &mut out, &mut budget).unwrap();
        rows.cell((2, 5), &Data::Int(2), &mut out, &mut budget).unwrap();
        rows.cell((1_048_575, 16_383), &Data::Int(3), &mut out, &mut budget).unwrap();
        rows.finish(&mut out, &mut budget).unwrap();
        let text = out.finish(&mut budget).unwrap().plain();
        assert_eq!(text.split_whitespace().collect::<Vec<_>>(), ["1", "2", "3"]);
        assert!(text.starts_with("1\t\t2\n") && text.len() < 100);
    }
}
