//! The figures: recall by form, by surrounding and in total. No whole value is printed unless a form
//! is asked for by name.

use std::collections::BTreeMap;
use std::fmt;
use std::process::ExitCode;

use super::{Family, Form, Outcome, Score, Surrounding, Text, VALUES, forms, score, texts_of};

/// How many forms are listed unless all are asked for.
const WORST: usize = 30;

/// The least recall in total and of each form, in thousandths.
const LEAST_TOTAL: usize = 990;
const LEAST_FORM: usize = 950;

/// How often each result occurred.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// All texts.
    pub texts: usize,
    /// The secret is gone.
    pub found: usize,
    /// A part of the secret is gone.
    pub partial: usize,
    /// More than the secret is gone.
    pub overcut: usize,
}

impl Counts {
    fn add(&mut self, score: &Score) {
        self.texts += 1;
        self.found += usize::from(score.outcome == Outcome::Found);
        self.partial += usize::from(score.outcome == Outcome::Partial);
        self.overcut += usize::from(score.overcut > 0);
    }

    /// The share of secrets that are gone, in thousandths.
    #[must_use]
    pub fn recall(&self) -> usize {
        (self.found * 1000).checked_div(self.texts).unwrap_or(1000)
    }

    fn faults(&self) -> usize {
        self.texts - self.found + self.overcut
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, tenth) = (self.recall() / 10, self.recall() % 10);
        let Self { texts, partial, overcut, .. } = self;
        write!(to, "{whole:>4}.{tenth} % of {texts:>6}  partial {partial:>5}  overcut {overcut:>5}")
    }
}

/// The figures of one form.
#[derive(Clone, Debug)]
pub struct Row {
    /// The form.
    pub form: &'static Form,
    /// How often each result occurred.
    pub counts: Counts,
    /// A text that came out wrong, shortened.
    pub example: Option<String>,
}

/// The figures of all forms.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The rows, in the order of the tables.
    pub rows: Vec<Row>,
    /// All texts.
    pub total: Counts,
    families: BTreeMap<&'static str, Counts>,
    surroundings: BTreeMap<&'static str, Counts>,
}

/// Measures all forms, with so many values each.
#[must_use]
pub fn measure(values: usize) -> Report {
    let mut report = Report::default();
    for form in forms() {
        let mut row = Row { form, counts: Counts::default(), example: None };
        let mut worst = (Outcome::Found, false);
        for text in texts_of(form, 0..values) {
            let score = score(&text);
            let family = if form.family == Family::Known { "known" } else { "place" };
            row.counts.add(&score);
            report.total.add(&score);
            report.families.entry(family).or_default().add(&score);
            report.surroundings.entry(text.surrounding.name()).or_default().add(&score);
            let fault = (score.outcome, score.overcut > 0);
            if fault > worst {
                worst = fault;
                row.example = Some(example(&text, &score));
            }
        }
        report.rows.push(row);
    }
    report
}

impl Report {
    /// What is below the bar, in sentences.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let total = (self.total.recall() < LEAST_TOTAL)
            .then(|| format!("too many are missed:{}", self.total));
        let forms = self.weak().map(|Row { form, counts, example }| {
            format!("{}:{counts}\n    {}", form.name, example.as_deref().unwrap_or_default())
        });
        total.into_iter().chain(forms).collect()
    }

    /// The names of the forms that are below the bar.
    pub fn weak_forms(&self) -> impl Iterator<Item = &'static str> {
        self.weak().map(|row| row.form.name)
    }

    fn weak(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|Row { counts, .. }| {
            counts.recall() < LEAST_FORM || counts.partial > 0 || counts.overcut > 0
        })
    }

    fn print(&self, all: bool) {
        for (family, counts) in &self.families {
            println!("{family:<36}{counts}");
        }
        for surrounding in Surrounding::ALL {
            let counts = self.surroundings.get(surrounding.name()).copied().unwrap_or_default();
            println!("{:<36}{counts}", format!("in {}", surrounding.name()));
        }
        let mut rows: Vec<&Row> = self.rows.iter().filter(|row| row.counts.faults() > 0).collect();
        rows.sort_by_key(|row| (row.counts.recall(), usize::MAX - row.counts.faults()));
        println!("\n{} of {} forms have faults.", rows.len(), self.rows.len());
        for Row { form, counts, example } in rows.iter().take(if all { usize::MAX } else { WORST })
        {
            println!("{:<36}{counts}", form.name);
            println!("    {}", example.as_deref().unwrap_or_default());
        }
        println!("\n{:<36}{}", "total", self.total);
    }
}

/// The text around a secret, and no more than the beginning of the secret.
fn example(text: &Text, score: &Score) -> String {
    let tail: Vec<char> = text.text[..text.loose.0].chars().rev().take(60).collect();
    let tail: String = tail.into_iter().rev().collect();
    // What may go with the secret may contain another one.
    let lead: String = text.text[text.loose.0..text.start].chars().take(30).collect();
    let begin: String = text.value.chars().take(4).collect();
    let after: String = text.text[text.start + text.value.len()..].chars().take(20).collect();
    let fault = match (score.outcome, score.overcut) {
        (Outcome::Missed, _) => "missed".to_owned(),
        (Outcome::Partial, _) => "partial".to_owned(),
        (Outcome::Found, bytes) => format!("{bytes} bytes too many"),
    };
    let length = text.value.chars().count();
    let shown = format!("{tail}{lead}{begin}...{after}");
    format!("{fault}, {}, of {length}: {shown:?}", text.surrounding.name())
}

/// Prints every text of a form, and what became of it. The values are made up.
fn show(form: &'static Form, values: usize) {
    for text in texts_of(form, 0..values) {
        let score = score(&text);
        let Score { outcome, overcut, clean } = score;
        println!("{} {outcome:?} overcut {overcut}", text.surrounding.name());
        println!("  {:?}\n  {clean:?}", text.text);
    }
}

/// The command: prints the figures, and fails if they are below the bar.
pub fn run(arguments: impl Iterator<Item = String>) -> ExitCode {
    let arguments: Vec<String> = arguments.collect();
    let value = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name);
        place.and_then(|place| arguments.get(place + 1))
    };
    let values = value("--values").and_then(|count| count.parse().ok()).unwrap_or(VALUES);
    if let Some(name) = value("--show") {
        let Some(form) = forms().find(|form| form.name == name) else {
            eprintln!("error: there is no form {name}");
            return ExitCode::from(2);
        };
        show(form, values);
        return ExitCode::SUCCESS;
    }
    let report = measure(values);
    report.print(arguments.iter().any(|argument| argument == "--all"));
    if report.complaints().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
