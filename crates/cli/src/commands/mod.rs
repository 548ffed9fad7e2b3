//! The commands.

mod accept;
mod address;
mod agents;
mod alias;
mod bind;
mod chat;
mod completions;
mod config;
mod contacts;
mod create;
mod delegate;
mod discover;
mod doctor;
mod end;
mod export;
mod files;
mod groups;
mod hearing;
mod heartbeat;
mod inbox;
mod invite;
mod join;
mod keeping;
mod key;
mod leave;
mod listen;
mod ls;
mod man;
mod mcp;
mod nouns;
mod open;
mod pair;
mod peek;
mod ping;
mod poll;
mod poll_all;
mod poll_daemon;
mod poll_status;
mod prune;
mod receive;
mod register;
mod remove;
mod renew;
mod scan;
mod send;
mod status;
mod tasks;
mod version;
mod wait;
mod whoami;
mod work;

pub(crate) use groups::{hide, list};

use crate::{
    context::Context,
    error::{Failure, Result},
    output::{self, Done},
};
use clap::Subcommand;
use nexus_protocol::TaskStatus;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Create a session
    Create(create::Create),
    /// Show a session: its members, and when it ends
    Status(status::Status),
    /// Join a session by its id
    Join(join::Join),
    /// Leave a session, and delete what is stored here about it
    Leave(leave::Leave),
    /// End a session for everybody
    End(end::End),
    /// Remove another member from a session
    Remove(remove::Remove),
    /// Restart the TTL of a session, or set another one
    Renew(renew::Renew),
    /// Make a link with which one agent can join a session
    Pair(pair::Pair),
    /// Join a session with a code or link
    Claim(pair::Claim),
    /// Show whether a code was claimed
    PairStatus(pair::PairStatus),
    /// List the codes of a session that can still be claimed
    PairList(pair::PairList),
    /// Revoke a code or link, so that nobody can claim it
    Revoke(pair::Revoke),
    /// List the members of a session and what they can do
    Discover(discover::Discover),
    /// Set your profile: your name, what you can do
    Profile(discover::SetProfile),
    /// Give a task to a member, by its id or by a capability
    Delegate(delegate::Delegate),
    /// Give a task of yours to another member
    Reassign(delegate::Reassign),
    /// List the tasks of a session
    Tasks(tasks::Tasks),
    /// Join a session with a link, however it was pasted (or accept a task)
    #[command(after_help = accept::EXAMPLES)]
    Accept(accept::Accept),
    /// Talk in a session, in this terminal
    Chat(chat::Chat),
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
    /// Do tasks by running a program for each of them
    Work(work::WorkOn),
    /// Send a message with a topic and tags
    Broadcast(tasks::Broadcast),
    /// Give, do and follow tasks
    #[command(subcommand)]
    Task(nouns::Task),
    /// Share files in a session
    #[command(subcommand)]
    File(nouns::File),
    /// Register an address, which keeps messages for you, and manage it
    #[command(subcommand)]
    Address(nouns::Address),
    /// Write down a whole session
    Export(export::Export),
    /// Open a session in the browser
    Open(open::Open),
    /// Delete what is stored here about sessions that have ended
    Prune(prune::Prune),
    /// Share a file in a session
    FilePut(files::FilePut),
    /// Read a file of a session
    FileGet(files::FileGet),
    /// List the files of a session
    FileList(files::FileList),
    /// Delete a file of a session
    FileRm(files::FileRm),
    /// Register an address, with a mailbox that keeps messages for you
    Register(register::Register),
    /// List the agents that want to be found
    Agents(agents::Agents),
    /// Read the messages in your mailbox
    Inbox(inbox::Inbox),
    /// Invite somebody: make a session and a link, and wait until it is claimed
    Invite(invite::Invite),
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
    /// Keep a contact book of addresses and gateways
    #[command(subcommand)]
    Contacts(contacts::Contacts),
    /// Find relays in the local network
    Scan(scan::Scan),
    /// Measure how fast a contact can be reached
    Ping(ping::Ping),
    /// Receive messages without a relay
    Receive(receive::Receive),
    /// Send a message to a session, an address or a contact
    Send(send::Send),
    /// Read the new messages of a session
    Poll(poll::Poll),
    /// Say in one line that messages wait, for the hooks of a host
    Peek(peek::Peek),
    /// Wait for a message of somebody else
    Wait(wait::Wait),
    /// Receive messages as they are sent, and run a program for each
    Listen(listen::Listen),
    /// Serve these commands as tools to an agent's host, over the Model Context Protocol
    Mcp(mcp::Mcp),
    /// Poll a session again and again, until stopped
    PollDaemon(poll_daemon::PollDaemon),
    /// Keep a session alive, until stopped
    Heartbeat(heartbeat::Heartbeat),
    /// Show which loops run, and the stored cursors
    PollStatus(poll_status::PollStatus),
    /// Give a session an alias, which works wherever its id does
    Alias(alias::Alias),
    /// Remove an alias
    Unalias(alias::Unalias),
    /// List the sessions that are known here, and their state
    Ls(ls::Ls),
    /// Read the new messages of every session
    PollAll(poll_all::PollAll),
    /// Show or set the default server
    Config(config::Config),
    /// Show the fingerprint of the key with which this installation signs
    Whoami(whoami::Whoami),
    /// Print the key of an encrypted session
    Key(key::Key),
    /// Bind a session to a server
    Bind(bind::Bind),
    /// Check servers, sessions and the state folder
    Doctor(doctor::Doctor),
    /// Print a completion script for a shell
    Completions(completions::Completions),
    /// Write the manual pages to a folder
    Man(man::Man),
    /// Show the version, or whether a newer one is published
    Version(version::Version),
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
            Self::Chat(command) => command.run(context),
            Self::Progress(command) => command.run(context),
            Self::Done(command) => command.run(context, TaskStatus::Completed),
            Self::Fail(command) => command.run(context, TaskStatus::Failed),
            Self::Decline(command) => command.run(context, TaskStatus::Declined),
            Self::Cancel(command) => command.run(context),
            Self::Work(command) => command.run(context),
            Self::Broadcast(command) => command.run(context),
            Self::Task(command) => command.run(context),
            Self::File(command) => command.run(context),
            Self::Address(command) => command.run(context),
            Self::Export(command) => command.run(context),
            Self::Open(command) => command.run(context),
            Self::Prune(command) => command.run(context),
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
            Self::Scan(command) => command.run(),
            Self::Ping(command) => command.run(context),
            Self::Receive(command) => command.run(context),
            Self::Send(command) => command.run(context),
            Self::Poll(command) => command.run(context),
            Self::Peek(command) => Ok(command.run(context)),
            Self::Wait(command) => command.run(context),
            Self::Listen(command) => command.run(context),
            Self::Mcp(command) => command.run(context),
            Self::PollDaemon(command) => command.run(context),
            Self::Heartbeat(command) => command.run(context),
            Self::PollStatus(command) => command.run(context),
            Self::Alias(command) => command.run(context),
            Self::Unalias(command) => command.run(context),
            Self::Ls(command) => command.run(context),
            Self::PollAll(command) => command.run(context),
            Self::Config(command) => command.run(context),
            Self::Whoami(command) => command.run(context),
            Self::Key(command) => command.run(context),
            Self::Bind(command) => command.run(context),
            Self::Doctor(command) => command.run(context),
            // `main` runs these two.
            Self::Completions(_) | Self::Man(_) => Ok(crate::json::Json::of(&()).into()),
            Self::Version(command) => command.run(context),
        }
    }

    /// What becomes of a command whose environment is wrong. One that a host runs by itself does as if nothing came:
    /// its end, or an error of it, would reach the agent.
    pub(crate) fn run_without(self, failure: Failure) -> Result<Done> {
        match self {
            Self::Peek(command) => Ok(command.without(&failure)),
            Self::Listen(command) if command.is_short() => {
                output::until_nobody_reads();
                Ok(listen::short::nothing())
            }
            _ => Err(failure),
        }
    }
}
