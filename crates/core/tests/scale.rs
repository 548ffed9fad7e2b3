//! What one deployment bears: the life of a session by the rules themselves, many times over. `docs/scale.md` has the
//! tables; `cargo xtask scale` prints them.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::unwrap_used,
    reason = "a test may panic, and these figures are small and positive"
)]

mod support;

use nexus_protocol::{PairingCode, Region};
use std::{
    collections::{BTreeSet, HashMap},
    fmt::Write as _,
    hash::{DefaultHasher, Hash, Hasher},
};
use support::life::{Class, Reading, Rhythm, Told, live};

/// How agents talk: a message every 26 s, both waiting for the next, and nobody ends the session.
const RHYTHM: Rhythm = Rhythm {
    messages: 20,
    bytes: 500,
    gap: 26,
    is_keyed: true,
    reading: Reading::Waiting,
    is_ended: false,
};

/// How many sessions live at a time.
const LIVE: [f64; 3] = [1e3, 1e5, 1e7];

/// Of a hundred sessions, how many begin in each region, in the order of `Region::ALL`. Assumed.
const SHARES: [u64; 9] = [15, 30, 5, 22, 5, 17, 3, 1, 2];

/// First words of codes in each region, each with an index of its own.
const WORDS: u64 = 64;

/// Calls a second that an object bears, as the platform says, from the lower end.
const BEARABLE: f64 = 500.;

/// Requests that an instance of the edge answers a second. It tells a directory what it counted every 20 s. Assumed.
const OF_INSTANCE: f64 = 50.;

/// Dollars per million, as in `bench/src/work/prices.rs`, and a month of a gigabyte.
const WORKER_REQUEST: f64 = 0.32;
const OBJECT_REQUEST: f64 = 0.158;
const ROW_WRITTEN: f64 = 1.00;
const GIGABYTE_MONTH: f64 = 0.20;

const MONTH: f64 = 30. * 86_400.;

/// Bytes of a row of the directory, with its digest, figures and page.
const DIRECTORY_ROW: f64 = 250.;

/// Some number, which is the same in every run.
fn random(seed: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    seed.hash(&mut hasher);
    hasher.finish()
}

fn region(number: u64) -> u64 {
    let mut left = number % SHARES.iter().sum::<u64>();
    for (region, share) in (0..).zip(SHARES) {
        if left < share {
            return region;
        }
        left -= share;
    }
    0
}

/// The calls of the busiest second to the busiest object of each class, while `live` sessions live.
fn busiest(told: &Told, live: f64) -> HashMap<Class, u64> {
    let begun_a_second = live / (told.ended as f64 / 1000.);
    let calls = told.calls.len() as f64;
    // Some hundred thousand calls, or an hour.
    let seconds = (3e5 / (begun_a_second * calls)).clamp(3., 3600.).floor();
    let sessions = begun_a_second * seconds;
    let mut counts: HashMap<(Class, u64, u64), u64> = HashMap::new();
    for (which, (_, class)) in told.calls.iter().enumerate() {
        // Sessions are at every age. So each call of a life falls into these seconds for as many of them as begin in
        // as many seconds.
        let fraction = f64::from(random((which, live as u64)) as u32) / f64::from(u32::MAX);
        for session in 0..(sessions + fraction).floor() as u64 {
            let second = random((which, session, "second")) % seconds as u64;
            let at = region(random((which, session, "region")));
            let object = match class {
                // Each has its own.
                Class::Session => random((which, session, "session")) % (live as u64),
                Class::PairingIndex => at * WORDS + random((which, session, "word")) % WORDS,
                Class::Directory => at,
            };
            *counts.entry((*class, object, second)).or_default() += 1;
        }
    }
    let mut most = HashMap::new();
    for ((class, ..), count) in counts {
        let before = most.entry(class).or_insert(0);
        *before = count.max(*before);
    }
    most
}

fn share_of_largest() -> f64 {
    *SHARES.iter().max().unwrap() as f64 / SHARES.iter().sum::<u64>() as f64
}

/// A figure with three digits.
fn shown(figure: f64) -> String {
    let (figure, unit) = match figure {
        figure if figure >= 1e9 => (figure / 1e9, " G"),
        figure if figure >= 1e6 => (figure / 1e6, " M"),
        figure if figure >= 1e4 => (figure / 1e3, " k"),
        figure => (figure, ""),
    };
    if figure >= 100. {
        format!("{figure:.0}{unit}")
    } else if figure >= 10. {
        format!("{figure:.1}{unit}")
    } else {
        format!("{figure:.2}{unit}")
    }
}

fn tables() -> String {
    let told = live(RHYTHM);
    let seconds = told.ended as f64 / 1000.;
    let of = |wanted| told.calls.iter().filter(|(_, class)| *class == wanted).count() as f64;
    let mut text = String::new();
    let mut line = |cells: &[String]| {
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    };
    let head = |title: &str, all: &[&str]| {
        [title].iter().chain(all).map(|cell| (*cell).to_owned()).collect::<Vec<_>>()
    };
    line(&head("a session in its life", &["figure"]));
    line(&head("---", &["---"]));
    for (name, figure) in [
        ("seconds", seconds),
        ("requests of its clients", told.requests as f64),
        ("calls to its object", of(Class::Session)),
        ("calls to the index of its code", of(Class::PairingIndex)),
        ("calls to the directory", of(Class::Directory)),
        ("rows written", told.rows as f64),
        ("bytes stored", told.stored as f64),
    ] {
        line(&head(name, &[&shown(figure)]));
    }
    line(&[]);
    let all = LIVE.map(|live| format!("{} live", shown(live)));
    line(&head("", &all.each_ref().map(String::as_str)));
    line(&head("---", &["---"; LIVE.len()]));
    let most = LIVE.map(|live| busiest(&told, live));
    let mut row = |name: &str, figure: &dyn Fn(f64, &HashMap<Class, u64>) -> String| {
        let mut most = most.iter();
        let cells = LIVE.map(|live| figure(live, most.next().unwrap()));
        line(&head(name, &cells.each_ref().map(String::as_str)));
    };
    let of_class = |most: &HashMap<Class, u64>, class| shown(most[&class] as f64);
    let tallies = |live: f64| {
        let requests = live / seconds * told.requests as f64 * share_of_largest();
        (requests / OF_INSTANCE).ceil() / 20.
    };
    row("sessions begun a second", &|live, _| shown(live / seconds));
    row("requests of clients a second", &|live, _| shown(live / seconds * told.requests as f64));
    row("busiest session, calls in its busiest second", &|_, most| of_class(most, Class::Session));
    row("busiest index of codes, the same", &|_, most| of_class(most, Class::PairingIndex));
    row("busiest directory, the same", &|live, most| {
        shown(most[&Class::Directory] as f64 + tallies(live))
    });
    row("rows written a second", &|live, _| shown(live / seconds * told.rows as f64));
    row("stored, GB", &|live, _| shown(live * (told.stored as f64 + DIRECTORY_ROW) / 1e9));
    row("rows of the busiest directory", &|live, _| shown(live * share_of_largest()));
    let month = |live: f64, each: f64| live / seconds * MONTH * each / 1e6;
    row("a month: requests, $", &|live, _| {
        let requests = told.requests as f64 * WORKER_REQUEST;
        shown(month(live, requests + told.calls.len() as f64 * OBJECT_REQUEST))
    });
    row("a month: rows written, $", &|live, _| shown(month(live, told.rows as f64 * ROW_WRITTEN)));
    row("a month: storage, $", &|live, _| {
        shown(live * (told.stored as f64 + DIRECTORY_ROW) / 1e9 * GIGABYTE_MONTH)
    });
    let reports = of(Class::Directory);
    let wall = BEARABLE / (share_of_largest() * reports) * seconds;
    let _ = writeln!(
        text,
        "\nThe first wall is the directory of the largest region: {} calls a second, at {} live sessions.",
        BEARABLE,
        shown(wall)
    );
    text.replace("|  |\n", "\n").trim_end().to_owned()
}

#[test]
fn the_document_has_the_tables() {
    let tables = tables();
    println!("{tables}");
    let document =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/scale.md"))
            .unwrap();
    assert!(document.contains(&tables), "docs/scale.md has other tables: put these in");
}

#[test]
fn the_assumptions_are_about_what_there_is() {
    assert_eq!(SHARES.len(), Region::ALL.len());
    assert_eq!(SHARES.iter().sum::<u64>(), 100);
    let words: BTreeSet<String> = (0..2000_u64)
        .map(|number| {
            let bytes = [random(number), random((number, 1))].map(u64::to_be_bytes);
            let code = PairingCode::from_random(Region::Weur, bytes.concat().try_into().unwrap());
            code.first_word().to_owned()
        })
        .collect();
    assert_eq!(words.len() as u64, WORDS);
    assert!(live(RHYTHM).stored as usize > RHYTHM.messages as usize * RHYTHM.bytes);
}
