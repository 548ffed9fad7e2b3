//! The commands.

mod agents;
mod alias;
mod bind;
mod completions;
mod config;
mod contacts;
mod create;
mod delegate;
mod discover;
mod doctor;
mod end;
mod files;
mod hearing;
mod heartbeat;
mod inbox;
mod invite;
mod join;
mod leave;
mod listen;
mod ls;
mod pair;
mod ping;
mod poll;
mod poll_all;
mod poll_daemon;
mod poll_status;
mod receive;
mod register;
mod remove;
mod renew;
mod send;
mod status;
mod tasks;
mod wait;
mod work;

use crate::{context::Context, error::Result, output::Done};
use clap::Subcommand;
use nexus_protocol::TaskStatus;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Start a session
    Create(create::Create),
    /// Look at a session: who is in it, when it ends
    Status(status::Status),
    /// Join a session whose id you know
    Join(join::Join),
    /// Leave a session, and forget it here
    Leave(leave::Leave),
    /// End a session for everybody, and forget it here
    End(end::End),
    /// Remove another member from a session
    Remove(remove::Remove),
    /// Restart the clock of a session
    Renew(renew::Renew),
    /// Make a link with which one agent can join
    Pair(pair::Pair),
    /// Join with the code or link that you were given
    Claim(pair::Claim),
    /// See what became of a code
    PairStatus(pair::PairStatus),
    /// List the links of a session that nobody has used yet
    PairList(pair::PairList),
    /// Take back a link, so that nobody can use it
    Revoke(pair::Revoke),
    /// See who is in a session, and what they can do
    Discover(discover::Discover),
    /// Say what you can do
    Profile(discover::SetProfile),
    /// Give a task to a member, or to whoever can do it
    Delegate(delegate::Delegate),
    /// Hand a task that you gave to another agent
    Reassign(delegate::Reassign),
    /// See the tasks of a session
    Tasks(tasks::Tasks),
    /// Take on a task
    Accept(tasks::Accept),
    /// Say how far a task has come
    Progress(tasks::Progress),
    /// Say that a task is done, and what came of it
    #[command(after_help = tasks::DONE)]
    Done(tasks::End),
    /// Say that a task has failed
    #[command(after_help = tasks::FAIL)]
    Fail(tasks::End),
    /// Say that you will not do a task
    #[command(after_help = tasks::DECLINE)]
    Decline(tasks::End),
    /// Take a task back that you gave
    Cancel(tasks::Cancel),
    /// Do tasks by running a program for each
    Work(work::WorkOn),
    /// Say something about a topic
    Broadcast(tasks::Broadcast),
    /// Share a file in a session
    FilePut(files::FilePut),
    /// Read a file of a session
    FileGet(files::FileGet),
    /// List the files of a session
    FileList(files::FileList),
    /// Delete a file of a session
    FileRm(files::FileRm),
    /// Get an address of your own, with an inbox that waits
    Register(register::Register),
    /// Find agents that let themselves be listed
    Agents(agents::Agents),
    /// Read what waits at your address
    Inbox(inbox::Inbox),
    /// Invite an address into a session
    Invite(invite::Invite),
    /// Take no more messages from an address
    Block(hearing::Block),
    /// Take messages from it again
    Unblock(hearing::Unblock),
    /// Write an address on your allow list
    Allow(hearing::Allow),
    /// Take it off that list
    Disallow(hearing::Disallow),
    /// Take messages only from those on your allow list
    AllowOnly(hearing::AllowOnly),
    /// Keep names of addresses and gateways
    #[command(subcommand)]
    Contacts(contacts::Contacts),
    /// Measure the way to a contact
    Ping(ping::Ping),
    /// Take messages from other machines, without a relay
    Receive(receive::Receive),
    /// Send a message to a session, an address or a contact
    Send(send::Send),
    /// Read what is new
    Poll(poll::Poll),
    /// Wait until somebody says something
    Wait(wait::Wait),
    /// Receive messages as they are sent, and wake an agent for each
    Listen(listen::Listen),
    /// Read what is new again and again, until stopped
    PollDaemon(poll_daemon::PollDaemon),
    /// Keep a session alive, until stopped
    Heartbeat(heartbeat::Heartbeat),
    /// See which loops run, and up to where was read
    PollStatus(poll_status::PollStatus),
    /// Give a session a name that works wherever its id does
    Alias(alias::Alias),
    /// Take a name back
    Unalias(alias::Unalias),
    /// List the sessions that are known here, and ask their servers about them
    Ls(ls::Ls),
    /// Read what is new in every session
    PollAll(poll_all::PollAll),
    /// Show or set the server for sessions that have none of their own
    #[command(subcommand)]
    Config(config::Config),
    /// Set the server of one session
    Bind(bind::Bind),
    /// Check servers, sessions and files
    Doctor(doctor::Doctor),
    /// Print a completion script for a shell
    Completions(completions::Completions),
}

impl Command {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        match self {
            Self::Create(command) => command.run(context),
            Self::Status(command) => command.run(context),
            Self::Join(command) => command.run(context),
            Self::Leave(command) => command.run(context),
            Self::End(command) => command.run(context),
            Self::Remove(command) => command.run(context),
            Self::Renew(command) => command.run(context),
            Self::Pair(command) => command.run(context),
            Self::Claim(command) => command.run(context),
            Self::PairStatus(command) => command.run(context),
            Self::PairList(command) => command.run(context),
            Self::Revoke(command) => command.run(context),
            Self::Discover(command) => command.run(context),
            Self::Profile(command) => command.run(context),
            Self::Delegate(command) => command.run(context),
            Self::Reassign(command) => command.run(context),
            Self::Tasks(command) => command.run(context),
            Self::Accept(command) => command.run(context),
            Self::Progress(command) => command.run(context),
            Self::Done(command) => command.run(context, TaskStatus::Completed),
            Self::Fail(command) => command.run(context, TaskStatus::Failed),
            Self::Decline(command) => command.run(context, TaskStatus::Declined),
            Self::Cancel(command) => command.run(context),
            Self::Work(command) => command.run(context),
            Self::Broadcast(command) => command.run(context),
            Self::FilePut(command) => command.run(context),
            Self::FileGet(command) => command.run(context),
            Self::FileList(command) => command.run(context),
            Self::FileRm(command) => command.run(context),
            Self::Register(command) => command.run(context),
            Self::Agents(command) => command.run(context),
            Self::Inbox(command) => command.run(context),
            Self::Invite(command) => command.run(context),
            Self::Block(command) => command.run(context),
            Self::Unblock(command) => command.run(context),
            Self::Allow(command) => command.run(context),
            Self::Disallow(command) => command.run(context),
            Self::AllowOnly(command) => command.run(context),
            Self::Contacts(command) => command.run(context),
            Self::Ping(command) => command.run(context),
            Self::Receive(command) => command.run(context),
            Self::Send(command) => command.run(context),
            Self::Poll(command) => command.run(context),
            Self::Wait(command) => command.run(context),
            Self::Listen(command) => command.run(context),
            Self::PollDaemon(command) => command.run(context),
            Self::Heartbeat(command) => command.run(context),
            Self::PollStatus(command) => command.run(context),
            Self::Alias(command) => command.run(context),
            Self::Unalias(command) => command.run(context),
            Self::Ls(command) => command.run(context),
            Self::PollAll(command) => command.run(context),
            Self::Config(command) => command.run(context),
            Self::Bind(command) => command.run(context),
            Self::Doctor(command) => command.run(context),
            // Text for a shell, which `main` prints.
            Self::Completions(_) => Ok(crate::json::Json::of(&()).into()),
        }
    }
}
