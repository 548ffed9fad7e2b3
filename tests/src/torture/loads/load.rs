//! What each kind of load is.

use crate::torture::{stage::Stage, verdict::Verdict};
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    thread::{self, Scope},
};

/// One kind of load. Each of its actors runs in a thread of its own.
pub(crate) trait Load: Sync {
    /// What the report calls it.
    fn name(&self) -> &'static str;
    /// The number of its actors.
    fn actors(&self) -> usize;
    /// One step of an actor. A request without a response is repeated as clients do it.
    fn act(&self, stage: &Stage, actor: usize);
    /// Compares what was acknowledged with what can be read, after all actors have ended. Returns
    /// how much was acknowledged.
    fn check(&self, stage: &Stage, verdict: &mut Verdict) -> usize;
}

/// Lets all actors act until the load ends.
pub(crate) fn run<'scope>(
    scope: &'scope Scope<'scope, '_>,
    stage: &'scope Stage,
    loads: &'scope [Box<dyn Load + '_>],
) {
    for load in loads {
        for actor in 0..load.actors() {
            scope.spawn(move || {
                let mut random = stage.random(&format!("{} {actor}", load.name()));
                while stage.is_loaded() {
                    // Half as often as the senders in sessions, so that these stay the greater part.
                    thread::sleep(random.time(stage.pause * 2));
                    load.act(stage, actor);
                }
            });
        }
    }
}

/// Locks what only one actor uses at a time.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
