//! Judges the winners of codes and the holders of seats.

use super::Verdict;
use crate::torture::history::{Code, House, Moment};
use std::collections::BTreeSet;

impl Verdict {
    pub(super) fn code(&mut self, code: &Code) {
        let name = &code.code;
        let winners: BTreeSet<&String> = code.winners.iter().collect();
        let seated: BTreeSet<&String> = code.seated.iter().collect();
        let claims = if winners.is_empty() { 0 } else { winners.len().max(seated.len()) };
        *self.claims.entry(claims).or_default() += 1;
        if winners.len() != 1 || seated.len() > 1 {
            self.say(format!("claims: {name} was won by {winners:?}, and seated are {seated:?}"));
        }
        for winner in winners.difference(&seated) {
            self.lost(&format!("{name}: the seat of {winner}"));
        }
        for why in &code.refused {
            self.lost(&format!("{name}: {why}"));
        }
    }

    pub(super) fn house(&mut self, house: &House) {
        let name = &house.name;
        self.houses += 1;
        let mut changes: Vec<(Moment, bool)> = Vec::new();
        for stay in &house.stays {
            changes.push((stay.from, true));
            changes.extend(stay.until.map(|until| (until, false)));
            if stay.until.is_none() && !house.members.contains(&stay.agent) {
                self.lost(&format!("{name}: the seat of {}", stay.agent));
            }
        }
        // At the same moment, leaving comes before joining.
        changes.sort_unstable();
        let (mut taken, mut most) = (1_usize, house.members.len());
        for (_, arrives) in changes {
            taken = if arrives { taken.saturating_add(1) } else { taken.saturating_sub(1) };
            most = most.max(taken);
        }
        most = most.max(house.looks.iter().copied().max().unwrap_or_default());
        if most > house.limit {
            self.seats_over += most.saturating_sub(house.limit);
            self.say(format!("seats: {name} had {most} members in {} seats", house.limit));
        }
        for why in &house.refused {
            self.lost(&format!("{name}: {why}"));
        }
    }
}
