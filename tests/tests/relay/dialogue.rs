//! An agent that speaks OpenDialogue.

pub(crate) use nexus_tests::dialogue::{Agent, Line, nonce, now, sign};
use nexus_tests::{Api, Relay};

pub(crate) fn agent(relay: &Relay, name: &str) -> Agent {
    let api = Api::new(&relay.url());
    Agent::register(&api, name).unwrap_or_else(|refused| panic!("{}", refused.text()))
}
