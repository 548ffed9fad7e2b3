//! `cargo xtask abuse`: attacks a relay in every way that is known, while honest agents talk, and
//! checks that these do not notice.
//!
//! | module | owns |
//! |---|---|
//! | `honest` | the honest agents |
//! | `attacks` | the attackers |
//! | `scene` | what attackers share and know |
//! | `report` | the figures |
//!
//! Honest agents talk twice for the same time: first alone, then during the attack.

mod attacks;
mod honest;
mod report;
mod scene;

use self::{
    attacks::{ALL, Attack, Kind},
    honest::{Honest, Outcome},
    report::Phase,
    scene::{Attacker, Scene},
};
pub use report::Report;
use std::{
    sync::{Mutex, OnceLock, PoisonError},
    thread,
    time::{Duration, Instant},
};
use xtask::{abuse::Options, relay::Relay};

/// How long a relay has to give back memory after the attack.
const CALM: Duration = Duration::from_secs(5);

/// Runs both phases. Calls `tell` with a sentence now and then.
///
/// # Errors
/// The run could not be started. What the attacks achieved is no error.
pub fn run(options: &Options, tell: impl Fn(&str)) -> Result<Report, String> {
    let kinds = chosen(&options.only)?;
    let time = Duration::from_secs(options.seconds);
    let mut relay = start()?;
    let mut honest = Honest::new(&relay.url());
    let before = relay.memory().unwrap_or_default();
    tell(&format!("{} honest pairs talk alone", honest.lines.len() / 2));
    let control = phase(&relay, &mut honest, &[], time);
    if options.fresh {
        relay = start()?;
        honest = Honest::new(&relay.url());
    }
    let names: Vec<_> = kinds.iter().map(|kind| kind.name).collect();
    tell(&format!("attacks: {}", names.join(", ")));
    let attack = phase(&relay, &mut honest, &kinds, time);
    let mut faults: Vec<String> = relay.log().lines().filter(is_fault).map(without_id).collect();
    faults.sort();
    Ok(Report { before, control, attack, faults, is_fresh: options.fresh })
}

/// The attacks of these names, or all.
fn chosen(only: &[String]) -> Result<Vec<&'static Kind>, String> {
    let names: Vec<_> = ALL.iter().map(|kind| kind.name).collect();
    if let Some(unknown) = only.iter().find(|name| !names.contains(&name.as_str())) {
        return Err(format!("there is no attack {unknown}; there are {}", names.join(", ")));
    }
    let is_chosen = |kind: &&Kind| only.is_empty() || only.iter().any(|name| name == kind.name);
    Ok(ALL.iter().filter(is_chosen).collect())
}

/// A relay as in production, except that webhooks may lead to this machine.
fn start() -> Result<Relay, String> {
    Relay::builder()
        .configured_rate_limits()
        .var("CLIENT_IP_HEADER", crate::CLIENT_HEADER)
        .var("ALLOW_PRIVATE_WEBHOOKS", "on")
        .start()
        .map_err(|error| format!("{error:#}"))
}

/// Whether a line of the log tells of a failure of the relay.
fn is_fault(line: &&str) -> bool {
    line.contains("\"fault\"")
}

/// The line without the id of its request, so that equal ones can be counted.
fn without_id(line: &str) -> String {
    line.split_once("\"fault\"").map_or(line, |(_, fault)| fault).to_owned()
}

/// An attacker with what it does.
struct Attacking<'a> {
    kind: &'static Kind,
    who: Attacker<'a>,
    attack: Box<dyn Attack>,
}

impl Attacking<'_> {
    fn run(&mut self) {
        let scene = self.who.scene;
        // Not all at the same moment.
        scene.sleep(self.kind.pause.mul_f64(0.01) * u32::try_from(self.who.number).unwrap_or(0));
        while !scene.is_over() {
            self.attack.act(&self.who);
            self.who.turn += 1;
            scene.sleep(self.kind.pause);
        }
        self.attack.end(&self.who);
    }
}

/// The attackers of these kinds, with all that they prepare.
fn attackers<'a>(scene: &'a Scene, kinds: &[&'static Kind]) -> Vec<Attacking<'a>> {
    let crews = kinds
        .iter()
        .enumerate()
        .flat_map(|(place, kind)| kind.crews.map(|crew| (place, *kind, crew)));
    let one = crews.flat_map(|each| (0..each.1.attackers).map(move |_| each));
    let make = |(number, (place, kind, crew)): (usize, (usize, &'static Kind, _))| {
        let who = Attacker::new(scene, (place, kind.name), crew, number);
        let attack = (kind.make)(&who);
        Attacking { kind, who, attack }
    };
    one.enumerate().map(make).collect()
}

/// Lets the honest agents talk for this time, under these attacks.
fn phase(relay: &Relay, honest: &mut Honest, kinds: &[&'static Kind], time: Duration) -> Phase {
    let scene = Scene {
        base: relay.url(),
        until: OnceLock::new(),
        exposed: honest.exposed.clone(),
        inboxes: honest.inboxes.clone(),
        tallies: Mutex::default(),
    };
    let mut attackers = attackers(&scene, kinds);
    let started = Instant::now();
    let until = *scene.until.get_or_init(|| started + time);
    let peak = Mutex::new(0);
    let outcomes: Vec<(bool, Outcome)> = thread::scope(|scope| {
        let scene = &scene;
        for one in &mut attackers {
            scope.spawn(move || one.run());
        }
        scope.spawn(|| watch(relay, scene, &peak));
        let talks = honest
            .lines
            .iter_mut()
            .map(|line| scope.spawn(move || (line.is_shared, line.talk(started, until))));
        let talks: Vec<_> = talks.collect();
        talks.into_iter().map(|talk| talk.join().expect("an agent does not panic")).collect()
    });
    // Their connections end here.
    drop(attackers);
    thread::sleep(CALM);
    let [mut own, mut shared] = [Outcome::default(), Outcome::default()];
    for (is_shared, outcome) in outcomes {
        if is_shared { shared.add(outcome) } else { own.add(outcome) }
    }
    Phase {
        own,
        shared,
        memory: relay.memory().unwrap_or_default(),
        peak: peak.into_inner().unwrap_or_else(PoisonError::into_inner),
        tallies: scene.tallies.into_inner().unwrap_or_else(PoisonError::into_inner),
    }
}

/// Notes the most memory that the relay uses.
fn watch(relay: &Relay, scene: &Scene, peak: &Mutex<u64>) {
    while !scene.is_over() {
        scene.sleep(Duration::from_millis(500));
        let mut peak = peak.lock().unwrap_or_else(PoisonError::into_inner);
        *peak = relay.memory().unwrap_or_default().max(*peak);
    }
}
