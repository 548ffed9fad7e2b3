//! What an attack is.

use crate::abuse::scene::{Attacker, Crew};
use std::time::Duration;

/// What an attacker does, again and again.
pub(crate) trait Attack: Send {
    /// One step.
    fn act(&mut self, who: &Attacker);
    /// Tells what can only be counted at the end.
    fn end(&mut self, _who: &Attacker) {}
}

/// One kind of attack.
pub(crate) struct Kind {
    /// Its name, for `--only` and the report.
    pub(crate) name: &'static str,
    /// How many attackers each crew has.
    pub(crate) attackers: usize,
    /// Whose IPs they use.
    pub(crate) crews: [Crew; 2],
    /// The pause after each step, which bounds the load.
    pub(crate) pause: Duration,
    /// Makes an attacker's state, before the attack begins.
    pub(crate) make: fn(&Attacker) -> Box<dyn Attack>,
}
