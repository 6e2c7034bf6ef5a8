//! Columns that were drawn line by line across the page are read one after the other.

use super::lines::Line;

/// Fewer lines than this side by side are no columns.
const FEWEST: usize = 4;

/// Cells shorter than this on average are those of a table.
const SHORTEST: usize = 18;

/// Puts the left column before the right one wherever lines run across both.
pub(super) fn unfold(lines: Vec<Line>) -> Vec<Line> {
    if lines.iter().filter(|line| line.gaps.len() == 1).count() < FEWEST {
        return lines;
    }
    let mut out = Vec::with_capacity(lines.len());
    let mut rest = lines.as_slice();
    while let Some(line) = rest.first() {
        let run = run(rest);
        if run.len() < 2 {
            out.push(line.clone());
            rest = &rest[1..];
            continue;
        }
        let (left, right): (Vec<_>, Vec<_>) = run.iter().map(|(line, gutter)| split(line, *gutter)).unzip();
        out.extend(left.into_iter().flatten());
        out.extend(right.into_iter().flatten());
        rest = &rest[run.len()..];
    }
    out
}

/// The lines from the first one on that share a gutter; none if they are no columns.
fn run(lines: &[Line]) -> Vec<(&Line, (f64, f64))> {
    let mut gutter: Option<(f64, f64)> = None;
    let mut run: Vec<&Line> = Vec::new();
    for line in lines {
        // Columns are upright, and each line is below the last.
        let below = run.last().is_none_or(|last| {
            let step = line.across - last.across;
            step > 0.0 && step < last.size.max(line.size) * 3.0
        });
        if line.along.x < 0.99 || !below {
            break;
        }
        let shared = match (line.gaps.as_slice(), gutter) {
            ([gap], None) => Some(*gap),
            ([gap], Some(gutter)) => Some((gutter.0.max(gap.0), gutter.1.min(gap.1))),
            ([], Some(gutter)) if line.end <= gutter.1 || line.start >= gutter.0 => Some(if line.end <= gutter.1 {
                (gutter.0.max(line.end), gutter.1)
            } else {
                (gutter.0, gutter.1.min(line.start))
            }),
            _ => None,
        };
        let Some(shared) = shared.filter(|(from, to)| to - from > line.size * 0.8) else {
            break;
        };
        gutter = Some(shared);
        run.push(line);
    }
    let cells = run.iter().filter(|line| !line.gaps.is_empty()).filter_map(|line| line.text.split_once('\t'));
    let (mut count, mut left, mut right) = (0, 0, 0);
    for (one, other) in cells {
        count += 1;
        left += one.chars().count();
        right += other.chars().count();
    }
    match gutter {
        Some(gutter) if count >= FEWEST && left.min(right) >= count * SHORTEST => {
            run.into_iter().map(|line| (line, gutter)).collect()
        }
        _ => Vec::new(),
    }
}

fn split(line: &Line, gutter: (f64, f64)) -> (Option<Line>, Option<Line>) {
    match line.text.split_once('\t').filter(|_| !line.gaps.is_empty()) {
        Some((left, right)) => {
            let gap = line.gaps.first().copied().unwrap_or(gutter);
            let part = |text: &str, start, end| Line {
                text: text.to_owned(),
                start,
                end,
                cells: 1,
                gaps: Vec::new(),
                ..line.clone()
            };
            (Some(part(left, line.start, gap.0)), Some(part(right, gap.1, line.end)))
        }
        None if line.end <= gutter.1 => (Some(line.clone()), None),
        None => (None, Some(line.clone())),
    }
}

#[cfg(test)]
mod tests {
    use hayro_interpret::kurbo::Vec2;

    use super::*;

    fn line(number: usize, left: &str, right: &str) -> Line {
        Line {
            text: format!("{left}\t{right}"),
            start: 50.0,
            end: 500.0,
            across: 100.0 + 12.0 * number as f64,
            size: 10.0,
            along: Vec2::new(1.0, 0.0),
            cells: 2,
            gaps: vec![(250.0 + number as f64, 290.0)],
        }
    }

    #[test]
    fn columns_drawn_across_the_page_are_read_one_after_the_other() {
        let lines: Vec<_> = (0..5)
            .map(|n| line(n, &format!("left column line {n} runs"), &format!("right column line {n} runs")))
            .collect();
        let read: Vec<_> = unfold(lines).into_iter().map(|line| line.text).collect();
        assert_eq!(read[0], "left column line 0 runs");
        assert_eq!(read[4], "left column line 4 runs");
        assert_eq!(read[5], "right column line 0 runs");
    }

    #[test]
    fn a_table_stays_a_table() {
        let lines: Vec<_> = (0..5).map(|n| line(n, "Oct", "12 mm of rain fell on the hills")).collect();
        let read: Vec<_> = unfold(lines.clone()).into_iter().map(|line| line.text).collect();
        assert_eq!(read, lines.iter().map(|line| line.text.clone()).collect::<Vec<_>>());
    }
}
