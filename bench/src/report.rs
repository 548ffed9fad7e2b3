//! The results as a table and as JSON.

use serde::Serialize;
use std::fmt::Write;

/// One line of the table.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    pub work: String,
    pub unit: &'static str,
    pub ours: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<f64>,
    /// The values that are compared with the bar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compared: Option<Compared>,
    /// Processor time of workerd for each request, in microseconds: ours, the floor's, and the
    /// median ratio. On a busy machine it says more than throughput.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processor_micros: Option<[f64; 3]>,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Compared {
    pub value: f64,
    /// `x` for a ratio. Otherwise the unit.
    pub unit: &'static str,
    pub bar: Bar,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Bar {
    AtLeast(f64),
    AtMost(f64),
    /// The value is only shown.
    None,
}

impl Compared {
    fn is_met(self) -> Option<bool> {
        match self.bar {
            Bar::AtLeast(bar) => Some(self.value >= bar),
            Bar::AtMost(bar) => Some(self.value <= bar),
            Bar::None => None,
        }
    }
}

impl Line {
    /// A line that is only shown.
    pub fn shown(work: impl Into<String>, unit: &'static str, ours: f64) -> Self {
        Self { work: work.into(), unit, ours, floor: None, compared: None, processor_micros: None }
    }

    /// A line whose value itself is compared with a bar.
    pub fn bounded(work: impl Into<String>, unit: &'static str, ours: f64, bar: Bar) -> Self {
        let compared = Some(Compared { value: ours, unit, bar });
        Self { compared, ..Self::shown(work, unit, ours) }
    }

    pub fn floor(self, floor: f64) -> Self {
        Self { floor: Some(floor), ..self }
    }

    pub fn compared(self, value: f64, unit: &'static str, bar: Bar) -> Self {
        Self { compared: Some(Compared { value, unit, bar }), ..self }
    }
}

/// The results of a run.
#[derive(Serialize)]
pub struct Report {
    pub machine: String,
    pub workerd: String,
    pub seconds: f64,
    pub lines: Vec<Line>,
}

impl Report {
    /// The results as Markdown, which is also readable on a terminal.
    pub fn table(&self) -> String {
        let head = ["work", "ours", "floor", "ratio", "asked", "", "processor time"];
        let mut rows = vec![head.map(str::to_owned)];
        rows.extend(self.lines.iter().map(row));
        let widths: Vec<usize> = (0..head.len())
            .map(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0))
            .collect();
        let mut table = String::new();
        for (at, row) in rows.iter().enumerate() {
            for (cell, width) in row.iter().zip(&widths) {
                let _ = write!(table, "| {cell:width$} ");
            }
            table.push_str("|\n");
            if at == 0 {
                for width in &widths {
                    let _ = write!(table, "|{}", "-".repeat(width + 2));
                }
                table.push_str("|\n");
            }
        }
        table
    }
}

fn row(line: &Line) -> [String; 7] {
    let unit = if line.unit.is_empty() { String::new() } else { format!(" {}", line.unit) };
    let processor = line.processor_micros.filter(|[ours, floor, _]| ours.min(*floor) > 0.0);
    [
        line.work.clone(),
        format!("{}{unit}", number(line.ours)),
        line.floor.map(|floor| format!("{}{unit}", number(floor))).unwrap_or_default(),
        line.compared.map(|compared| with_unit(compared.value, compared.unit)).unwrap_or_default(),
        match line.compared.map(|compared| (compared.bar, compared.unit)) {
            Some((Bar::AtLeast(bar), unit)) => format!(">= {}", with_unit(bar, unit)),
            Some((Bar::AtMost(bar), unit)) => format!("<= {}", with_unit(bar, unit)),
            _ => String::new(),
        },
        match line.compared.and_then(Compared::is_met) {
            Some(true) => "met".to_owned(),
            Some(false) => "missed".to_owned(),
            None => String::new(),
        },
        processor
            .map(|[ours, floor, ratio]| format!("{ours:.0} / {floor:.0} us, {ratio:.2}"))
            .unwrap_or_default(),
    ]
}

fn with_unit(value: f64, unit: &str) -> String {
    match unit {
        "x" => format!("{value:.2}"),
        "" => number(value),
        unit => format!("{} {unit}", number(value)),
    }
}

/// The value with three significant digits.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size < 10.0 && value.fract() == 0.0 => format!("{value:.0}"),
        size if size < 10.0 => format!("{value:.2}"),
        size if size < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// The median. `0` if there are no values.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let upper = values.len() / 2;
    match (values.get(upper.wrapping_sub(1)), values.get(upper)) {
        (Some(low), Some(high)) if values.len().is_multiple_of(2) => f64::midpoint(*low, *high),
        (_, Some(middle)) => *middle,
        _ => 0.0,
    }
}
