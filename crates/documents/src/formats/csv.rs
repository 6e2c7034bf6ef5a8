//! Comma-separated values and their kin, whatever separates them.

use catchment_core::{Result, Text};
use csv::{ReaderBuilder, StringRecord};

use super::{
    charset,
    failure::damaged,
    out::{Out, Table},
};
use crate::{hint::Hint, limits::Budget};

/// Rows as tables. The separator is the one that cuts most rows alike.
pub(crate) fn parse(bytes: &[u8], budget: &mut Budget, hint: &Hint<'_>) -> Result<Text> {
    let text = charset::decode(bytes, None)?;
    let (mut out, mut table, mut record) = (Out::default(), Table::default(), StringRecord::new());
    let (separator, body) = separator(&text, hint);
    let mut reader =
        ReaderBuilder::new().delimiter(separator).has_headers(false).flexible(true).from_reader(body.as_bytes());
    while reader.read_record(&mut record).map_err(|error| damaged("row").source(error))? {
        record.iter().for_each(|cell| table.cell(cell));
        out.row(budget, &mut table)?;
    }
    out.table(budget, &mut table)?;
    out.finish(budget)
}

/// The separator, and the text without the `sep=;` line that Excel understands.
fn separator<'t>(text: &'t str, hint: &Hint<'_>) -> (u8, &'t str) {
    if let Some(rest) = text.strip_prefix("sep=")
        && let Some(byte) = rest.bytes().next().filter(u8::is_ascii)
    {
        return (byte, rest.split_once('\n').map_or("", |(_, body)| body));
    }
    let fallback = if hint.extension() == "tsv" { b'\t' } else { b',' };
    // On a tie the rarer byte wins: commas stand in prose and in decimal numbers.
    let best = [b',', b'|', b';', b'\t']
        .into_iter()
        .enumerate()
        .map(|(rank, separator)| (score(text, separator), rank, separator))
        .max()
        .filter(|(score, ..)| *score > 0);
    (best.map_or(fallback, |(.., separator)| separator), text)
}

/// How many of the first rows have the same number of cells, times that number, for more than one.
fn score(text: &str, separator: u8) -> usize {
    let (mut counts, mut count, mut quoted, mut rows) = ([0_usize; 64], 0, false, 0);
    for byte in text.bytes().take(64 << 10) {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => {
                counts[count.min(63)] += 1;
                rows += 1;
                count = 0;
                if rows == 50 {
                    break;
                }
            }
            byte if byte == separator && !quoted => count += 1,
            _ => {}
        }
    }
    counts[count.min(63)] += usize::from(count > 0);
    (1..64).map(|cells| counts[cells] * 64 + counts[cells].min(1) * cells).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    fn read(bytes: &[u8]) -> String {
        let text = parse(bytes, &mut Budget::new(&Limits::default(), 0).unwrap(), &Hint::default()).unwrap();
        text.plain()
    }

    #[test]
    fn separators_are_found() {
        assert_eq!(read(b"a,b\n1,2\n"), "a\tb\n1\t2\n");
        assert_eq!(read(b"name;price\nx;1,50\ny;2,70\n"), "name\tprice\nx\t1,50\ny\t2,70\n");
        assert_eq!(read(b"a\tb, c\n1\t2, 3\n"), "a\tb, c\n1\t2, 3\n");
        assert_eq!(read(b"a|b\n1|2\n"), "a\tb\n1\t2\n");
        assert_eq!(read(b"sep=;\na;b,c\n"), "a\tb,c\n");
    }

    #[test]
    fn quotes_ragged_rows_and_latin1_are_read() {
        assert_eq!(read(b"\"a, b\",\"say \"\"x\"\"\"\n1\n1,2,3\n"), "a, b\tsay \"x\"\n1\n1\t2\t3\n");
        assert_eq!(read(b"Stra\xdfe,Gr\xf6\xdfe\nK\xf6ln,3\n"), "Straße\tGröße\nKöln\t3\n");
    }
}
