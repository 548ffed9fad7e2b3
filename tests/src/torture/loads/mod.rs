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
mod load;
mod mails;
mod tasks;

pub(super) use self::load::{Load, run};
use super::stage::Stage;

/// Every kind of load, set up with this many sessions or groups of addresses of each.
pub(super) fn all(stage: &Stage, groups: usize) -> Vec<Box<dyn Load + '_>> {
    vec![
        Box::new(mails::Mails::new(stage, groups)),
        Box::new(tasks::Tasks::new(stage, groups)),
        Box::new(files::Files::new(stage, groups)),
        Box::new(hooks::Hooks::new(stage, groups)),
    ]
}
