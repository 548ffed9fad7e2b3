//! Tables: columns of equal width, of which the last one is cut to the width of the terminal.

use super::text::{Ink, Text, cut, width_of};
use crate::harmless;

/// Adds a table. Columns without any content are left out.
pub(super) fn table(text: &mut Text, header: &[&str], rows: &[Vec<String>]) {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| harmless::line(cell)).collect()).collect();
    let widths: Vec<usize> = header
        .iter()
        .enumerate()
        .map(|(column, title)| {
            let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| width_of(cell));
            let widest = cells.max().unwrap_or(0);
            if widest == 0 { 0 } else { widest.max(width_of(title)) }
        })
        .collect();
    let titles: Vec<String> = header.iter().map(|title| (*title).to_owned()).collect();
    row(text, Ink::Dim, &titles, &widths);
    for cells in &rows {
        row(text, Ink::Plain, cells, &widths);
    }
}

fn row(text: &mut Text, ink: Ink, cells: &[String], widths: &[usize]) {
    let mut line = String::new();
    let last = widths.iter().rposition(|width| *width > 0).unwrap_or(0);
    for (column, (cell, width)) in
        cells.iter().zip(widths).enumerate().filter(|(_, (_, w))| **w > 0)
    {
        let cell = if column == last {
            cut(cell, text.width().saturating_sub(width_of(&line)).max(8))
        } else {
            cell.clone()
        };
        let space = width.saturating_sub(width_of(&cell)).saturating_add(2);
        line.push_str(&cell);
        line.push_str(&" ".repeat(space));
    }
    text.line(ink, line.trim_end());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_empty_ones_are_left_out() {
        let mut text = Text::new(24, false);
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = [row(["日本", "", "a long text that is cut"]), row(["é", "", "b\nc"])];
        table(&mut text, &["NAME", "NOTHING", "WHAT"], &rows);
        assert_eq!(text.as_str(), "NAME  WHAT\n日本  a long text that …\né     b c\n");
    }
}
