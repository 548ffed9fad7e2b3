//! Which members of a session are there by a socket.

use super::{
    dialect::Reader,
    sockets::{self, connected},
};
use nexus_core::Who;
use nexus_protocol::{AgentId, PageRequest};
use std::collections::BTreeSet;
use worker::State;

/// The agents that have a socket open, whose frames go out at once.
pub(crate) fn agents_connected(state: &State) -> BTreeSet<AgentId> {
    connected::<Reader<Who>>(state).map(|(_, socket)| socket.who.who.agent().clone()).collect()
}

/// The agents that have a socket open and were heard on it lately. They are online.
pub(crate) fn agents_answering(state: &State) -> BTreeSet<AgentId> {
    let sockets = sockets::answering::<Reader<Who>>(state);
    sockets.map(|socket| socket.who.who.agent().clone()).collect()
}

/// The same, if a poll asks for members.
pub(crate) fn members_connected(state: &State, poll: PageRequest) -> BTreeSet<AgentId> {
    if poll.members { agents_answering(state) } else { BTreeSet::new() }
}

/// The agents that answer on a socket, and have proven themselves. They can be given tasks.
pub(crate) fn agents_attending(state: &State) -> BTreeSet<AgentId> {
    let sockets = sockets::answering::<Reader<Who>>(state);
    let attending = sockets.filter(|socket| socket.who.who.is_itself());
    attending.map(|socket| socket.who.who.agent().clone()).collect()
}
