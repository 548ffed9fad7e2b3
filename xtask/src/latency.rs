//! `cargo xtask latency`: how long pairing and talking take between the regions of the world, by adding up
//! the ways that each step goes. `docs/latency.md` has the tables that it prints.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "every index is one of the nine regions, or below the length of a list that is not empty"
)]

use std::fmt::Write;

use anyhow::{Result, bail};

use crate::project::Project;

/// Milliseconds there and back between data centres of the regions, in the order of `Region::ALL`: rounded
/// from the medians that Microsoft publishes for its network ("Azure network round-trip latency
/// statistics"; West US 2, East US, Brazil South, France Central, Poland Central, Japan East, Australia East,
/// South Africa North, UAE North).
const BETWEEN: [[f64; 9]; 9] = [
    [0., 65., 185., 145., 165., 100., 165., 290., 235.],
    [65., 0., 115., 85., 100., 160., 200., 230., 175.],
    [185., 115., 0., 190., 210., 260., 300., 340., 290.],
    [145., 85., 190., 0., 25., 225., 240., 155., 100.],
    [165., 100., 210., 25., 0., 245., 260., 170., 115.],
    [100., 160., 260., 225., 245., 0., 105., 340., 155.],
    [165., 200., 300., 240., 260., 105., 0., 280., 170.],
    [290., 230., 340., 155., 170., 340., 280., 0., 105.],
    [235., 175., 290., 100., 115., 155., 170., 105., 0.],
];

/// From a client to the edge near it, and from an edge to an object in its own region, there and back.
const TO_EDGE: f64 = 10.;
const WITHIN: f64 = 15.;

/// Regions are neighbours if a way between them takes no longer than this.
const NEIGHBOURS: f64 = 110.;

/// Seconds between two polls of a client that only polls.
const POLL_EVERY: f64 = 5.;

/// There and back between an edge or an object in one region and an object in another.
fn trip(from: usize, to: usize) -> f64 {
    if from == to { WITHIN } else { WITHIN + BETWEEN[from][to] }
}

/// A pairing: its creator, whoever claims, and where the index of the code lives.
#[derive(Clone, Copy)]
struct Pair {
    creator: usize,
    claimer: usize,
    index: usize,
    /// Whether the edge asked the session of a page itself, as it did once, and not the index.
    is_asked_by_edge: bool,
}

/// What something takes in milliseconds.
type Time = fn(Pair) -> f64;

/// A step, with the time until its caller has the answer.
type Step = (&'static str, Time);

/// The ways of each step. The session lives in the region of its creator.
const STEPS: [Step; 6] = [
    ("create a session", |p| TO_EDGE + trip(p.creator, p.creator)),
    // The session notes the code, then the index stores it.
    ("make a link", |p| TO_EDGE + trip(p.creator, p.creator) + trip(p.creator, p.index)),
    // The index asks the session, beside it, who invites.
    ("open the page", |p| {
        let invitation = trip(if p.is_asked_by_edge { p.claimer } else { p.index }, p.creator);
        TO_EDGE + trip(p.claimer, p.index) + invitation
    }),
    // The index asks the session for a seat.
    ("claim", |p| TO_EDGE + trip(p.claimer, p.index) + trip(p.index, p.creator)),
    ("first message", |p| TO_EDGE + trip(p.claimer, p.creator)),
    ("reply", |p| TO_EDGE + trip(p.creator, p.creator)),
];

/// All of it, as whoever waits for it feels it: a link, its page, the claim.
fn pairing(pair: Pair) -> f64 {
    STEPS[1..4].iter().map(|(_, time)| time(pair)).sum()
}

/// From a message of the claimer to a socket, or a poll that waits, of the creator: half of each way.
fn socket(p: Pair) -> f64 {
    (TO_EDGE + trip(p.claimer, p.creator) + trip(p.creator, p.creator) + TO_EDGE) / 2.
}

/// The same to a client that polls now and then: half of the pause, and the poll.
fn poll(p: Pair) -> f64 {
    TO_EDGE.midpoint(trip(p.claimer, p.creator))
        + POLL_EVERY * 1000. / 2.
        + TO_EDGE
        + trip(p.creator, p.creator)
}

/// Whether two regions are at a distance.
type IsMeant = fn(usize, usize) -> bool;

/// Where the two are.
const DISTANCES: [(&str, IsMeant); 3] = [
    ("within a region", |a, b| a == b),
    ("between neighbours", |a, b| a != b && BETWEEN[a][b] <= NEIGHBOURS),
    ("across the world", |a, b| BETWEEN[a][b] > NEIGHBOURS),
];

/// Where an index lived: anywhere, for each word was first used somewhere; and where it lives: with the creator.
fn before(creator: usize, claimer: usize) -> Vec<Pair> {
    (0..9).map(|index| Pair { creator, claimer, index, is_asked_by_edge: true }).collect()
}

fn after(creator: usize, claimer: usize) -> Vec<Pair> {
    vec![Pair { creator, claimer, index: creator, is_asked_by_edge: false }]
}

/// The median and the worst of what this takes at this distance.
fn sum_up(is_meant: IsMeant, cases: fn(usize, usize) -> Vec<Pair>, time: Time) -> (f64, f64) {
    let pairs = (0..9).flat_map(|a| (0..9).map(move |b| (a, b)));
    let pairs = pairs.filter(|(a, b)| is_meant(*a, *b)).flat_map(|(a, b)| cases(a, b));
    let mut times: Vec<f64> = pairs.map(time).collect();
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2], times[times.len() - 1])
}

/// The tables, in Markdown.
#[must_use]
pub fn tables() -> String {
    let mut text = String::new();
    let mut table = |title: &str, rows: &[Step]| {
        let heads = DISTANCES.map(|(name, _)| format!(" {name} |"));
        let _ = writeln!(text, "| {title} |{}", heads.concat());
        let _ = writeln!(text, "|---|{}", "---|".repeat(DISTANCES.len()));
        for (name, time) in rows {
            let cells = DISTANCES.map(|(_, is_meant)| {
                let [old, new] = [before, after].map(|cases| sum_up(is_meant, cases, *time));
                if old == new {
                    format!(" {:.0} ({:.0}) |", new.0, new.1)
                } else {
                    format!(" {:.0} ({:.0}) -> {:.0} ({:.0}) |", old.0, old.1, new.0, new.1)
                }
            });
            let _ = writeln!(text, "| {name} |{}", cells.concat());
        }
        text.push('\n');
    };
    table("step", &STEPS);
    table("together", &[("link, page and claim", pairing)]);
    table(
        "a message arrives",
        &[("over a socket, or at a poll that waits", socket), ("at a poll every 5 s", poll)],
    );
    text.trim_end().to_owned()
}

/// Prints the tables, and checks that the document has them.
///
/// # Errors
/// `docs/latency.md` says something else.
pub fn run(project: &Project) -> Result<()> {
    let tables = tables();
    println!("{tables}");
    if !std::fs::read_to_string(project.path("docs/latency.md"))?.contains(&tables) {
        bail!("docs/latency.md has other tables: put these in");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nexus_protocol::Region;

    #[test]
    fn the_ways_are_those_of_the_regions_and_as_long_in_both_directions() {
        assert_eq!(Region::ALL.len(), BETWEEN.len());
        let pairs = (0..9).flat_map(|a| (0..9).map(move |b| (a, b)));
        for (a, b) in pairs {
            assert!((BETWEEN[a][b] - BETWEEN[b][a]).abs() < f64::EPSILON, "{a} and {b}");
            assert_eq!(a == b, BETWEEN[a][b] == 0.);
        }
    }

    #[test]
    fn the_document_has_the_tables() {
        let project = Project::here().unwrap();
        let document = std::fs::read_to_string(project.path("docs/latency.md")).unwrap();
        assert!(document.contains(&tables()), "run `cargo xtask latency`");
    }
}
