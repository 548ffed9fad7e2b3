//! `nexus file ...`, `nexus task ...` and `nexus address ...`.

use super::{address, agents, delegate, files, hearing, register, tasks};
use crate::{context::Context, error::Result, output::Done};
use clap::Subcommand;
use nexus_protocol::TaskStatus;

#[derive(Subcommand)]
#[command(after_help = "Examples:
  nexus file put SESSION docs/plan.md plan.md
  nexus file ls SESSION")]
pub(crate) enum File {
    /// Share a file in a session
    Put(files::FilePut),
    /// Read a file of a session
    Get(files::FileGet),
    /// List the files of a session
    #[command(alias = "list")]
    Ls(files::FileList),
    /// Delete a file of a session
    Rm(files::FileRm),
}

#[derive(Subcommand)]
#[command(after_help = "Examples:
  nexus task give SESSION --to bob 'Translate the readme'
  nexus task done TASK --result 'It is in docs/readme.de.md'")]
pub(crate) enum Task {
    /// Give a task to a member, by its id or by a capability
    #[command(alias = "delegate")]
    Give(delegate::Delegate),
    /// List the tasks of a session
    #[command(alias = "list")]
    Ls(tasks::Tasks),
    /// Accept a task
    #[command(alias = "accept")]
    Take(tasks::Accept),
    /// Report the progress of a task
    Progress(tasks::Progress),
    /// Report that a task is done, and its result
    #[command(after_help = tasks::DONE)]
    Done(tasks::End),
    /// Report that a task has failed
    #[command(after_help = tasks::FAIL)]
    Fail(tasks::End),
    /// Decline a task
    #[command(after_help = tasks::DECLINE)]
    Decline(tasks::End),
    /// Cancel a task that you gave
    Cancel(tasks::Cancel),
    /// Give a task of yours to another member
    Reassign(delegate::Reassign),
}

#[derive(Subcommand)]
#[command(after_help = "Examples:
  nexus address register --id bob-calendar
  nexus address find --capability calendar")]
pub(crate) enum Address {
    /// Register an address, with a mailbox that keeps messages for you
    Register(register::Register),
    /// List your addresses that are stored here
    #[command(alias = "list")]
    Ls(address::List),
    /// Show or change what an address says about itself
    Card(address::Card),
    /// Replace the secret of an address
    Rotate(address::Rotate),
    /// Delete an address, with its messages and lists
    Remove(address::Remove),
    /// List the agents that want to be found
    #[command(alias = "agents")]
    Find(agents::Agents),
    /// Block messages from an address
    Block(hearing::Block),
    /// Unblock an address
    Unblock(hearing::Unblock),
    /// Add an address to your allow list
    Allow(hearing::Allow),
    /// Remove an address from your allow list
    Disallow(hearing::Disallow),
    /// Accept messages only from your allow list
    AllowOnly(hearing::AllowOnly),
}

impl File {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        match self {
            Self::Put(command) => command.run(context),
            Self::Get(command) => command.run(context),
            Self::Ls(command) => command.run(context),
            Self::Rm(command) => command.run(context),
        }
    }
}

impl Task {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        match self {
            Self::Give(command) => command.run(context),
            Self::Ls(command) => command.run(context),
            Self::Take(command) => command.run(context),
            Self::Progress(command) => command.run(context),
            Self::Done(command) => command.run(context, TaskStatus::Completed),
            Self::Fail(command) => command.run(context, TaskStatus::Failed),
            Self::Decline(command) => command.run(context, TaskStatus::Declined),
            Self::Cancel(command) => command.run(context),
            Self::Reassign(command) => command.run(context),
        }
    }
}

impl Address {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        match self {
            Self::Register(command) => command.run(context),
            Self::Ls(command) => command.run(context),
            Self::Card(command) => command.run(context),
            Self::Rotate(command) => command.run(context),
            Self::Remove(command) => command.run(context),
            Self::Find(command) => command.run(context),
            Self::Block(command) => command.run(context),
            Self::Unblock(command) => command.run(context),
            Self::Allow(command) => command.run(context),
            Self::Disallow(command) => command.run(context),
            Self::AllowOnly(command) => command.run(context),
        }
    }
}
