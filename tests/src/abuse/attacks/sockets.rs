//! Many sockets under one unproven name. Most of them never read.

use super::{attack::Attack, frames::open};
use crate::{abuse::scene::Attacker, live::Socket};
use std::time::Duration;

/// How many an attacker opens in one step, and how many it keeps.
const STEP: usize = 20;
const MOST: usize = 2000;
/// One in this many reads.
const READING: usize = 8;

/// The sockets that an attacker keeps.
#[derive(Default)]
pub(super) struct Sockets(Vec<Socket>);

impl Attack for Sockets {
    fn act(&mut self, who: &Attacker) {
        for socket in self.0.iter_mut().step_by(READING) {
            socket.patience(Duration::from_millis(1));
            for _ in 0..4 {
                if socket.read().is_err() {
                    break;
                }
            }
        }
        for _ in 0..STEP {
            if self.0.len() >= MOST || who.scene.is_over() {
                return;
            }
            // Once refused, it waits for the next step.
            let Some(socket) = open(who) else { return };
            self.0.push(socket);
        }
    }

    fn end(&mut self, who: &Attacker) {
        who.add("sockets kept until the end, open or closed", self.0.len());
    }
}
