//! `nexus accept`: joins by a link, as `claim` does. Earlier versions accepted tasks with it, and scripts still do.

use super::{
    alias,
    pair::{self, Claim},
    tasks::{self, Which},
};
use crate::{context::Context, error::Result, output::Done, paste, team::ProfileArgs};
use clap::Args;

pub(super) const EXAMPLES: &str = "Examples:
  nexus accept https://messaging.md/p/PEARL-FOCAL-S5SJV --as bob
  nexus accept 'See <https://messaging.md/p/PEARL-FOCAL-S5SJV>.' --as bob --alias alice
  nexus accept --as bob < mail.txt

The link may be pasted as it came: in a sentence, in brackets, or wrapped by mail protection. Put it into
quotes, because a shell acts on < and &. Without a link, it is read from standard input.
The id of a task accepts the task, as `nexus task take` does.";

#[derive(Args)]
pub(crate) struct Accept {
    /// The link or the code; - or none reads it from standard input
    #[arg(value_name = "LINK")]
    what: Vec<String>,
    /// An alias for the session on this machine
    #[arg(long, value_name = "NAME", value_parser = alias::name)]
    alias: Option<String>,
    /// The session of a task
    #[arg(long, hide = true)]
    session: Option<String>,
    #[command(flatten)]
    profile: ProfileArgs,
}

impl Accept {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let task = match self.what.as_slice() {
            [word] if self.session.is_some() || is_task(word) => tasks::task_id(word).ok(),
            _ => None,
        };
        if let Some(task) = task {
            return tasks::Accept { which: Which { task, session: self.session } }.run(context);
        }
        let pasted = pair::pasted(&self.what)?;
        pair::check_own(context, &pasted)?;
        Claim { code: vec![pasted], alias: self.alias, profile: self.profile }.run(context)
    }
}

/// Whether a word is the id of a task. Other servers may have ids of other forms, but no invitation looks
/// like one word without a link, except for a code.
fn is_task(word: &str) -> bool {
    let is_code = || word.split('-').count() == 3;
    let is_word =
        word != "-" && !word.contains(|c: char| c.is_whitespace() || "/:<>\"".contains(c));
    is_word && !paste::is_invitation(word) && !is_code()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_the_argument_decides() {
        for word in ["8f14e45fceea167a-7", "42", "f47ac10b-58cc-4372-a567-0e02b2c3d479"] {
            assert!(is_task(word), "{word}");
        }
        for word in
            ["-", "pearl-focal-s5sjv", "OTHER-WORDS-12345", "https://a.example/p/A-B-C", "<x>"]
        {
            assert!(!is_task(word), "{word}");
        }
    }
}
