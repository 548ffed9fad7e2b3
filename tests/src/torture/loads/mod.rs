//! What happens in a run besides the talk in sessions: one kind of load per file.
//!
//! | module | load |
//! |---|---|
//! | `mails` | addresses that write to each other, read and acknowledge |
//! | `tasks` | agents that give, accept and finish tasks |
//! | `files` | agents that save versions of files and read them back |
//! | `hooks` | sessions with a webhook |

mod files;
mod hooks;
mod mails;
mod tasks;

use super::{stage::Stage, verdict::Verdict};
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    thread::{self, Scope},
};

/// One kind of load. Each of its actors runs in a thread of its own.
pub(super) trait Load: Sync {
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

/// Every kind of load, set up with this many sessions or groups of addresses of each.
pub(super) fn all(stage: &Stage, groups: usize) -> Vec<Box<dyn Load + '_>> {
    vec![
        Box::new(mails::Mails::new(stage, groups)),
        Box::new(tasks::Tasks::new(stage, groups)),
        Box::new(files::Files::new(stage, groups)),
        Box::new(hooks::Hooks::new(stage, groups)),
    ]
}

/// Lets all actors act until the load ends.
pub(super) fn run<'scope>(
    scope: &'scope Scope<'scope, '_>,
    stage: &'scope Stage,
    loads: &'scope [Box<dyn Load + '_>],
) {
    for load in loads {
        for actor in 0..load.actors() {
            scope.spawn(move || {
                let mut random = stage.random(&format!("{} {actor}", load.name()));
                while stage.is_loaded() {
                    thread::sleep(random.time(stage.pause));
                    load.act(stage, actor);
                }
            });
        }
    }
}

/// Locks what only one actor uses at a time.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
