//! The counters of a region and the agents that are listed there.

use super::class::Class;
use crate::{
    calls::{self, Call, FindAgents, ReadActivity, ReadStats, Reports, Trace, WhenHeard},
    http::{self, Request, Response},
    platform::{self, Storage, now},
};
use nexus_core::{Error, Fault, Listing, Result, Tally};
use std::cell::RefCell;
use worker::{Env, State};

/// Counters for `/v1/stats`, and who is listed in `/v1/agents`.
pub(super) struct Directory {
    state: State,
    rules: RefCell<nexus_core::Directory<Storage>>,
}

impl Class for Directory {
    async fn respond(&self, request: Request) -> Response {
        http::answer(request.id(), self.answer_request(&request).await)
    }

    /// Forgets ended sessions and minutes of the day before.
    async fn alarm(&self) -> Result<()> {
        let next = self.rules.borrow_mut().clean_up(now()).map_err(Error::from);
        platform::after_alarm(&self.state, next).await
    }
}

impl Directory {
    pub(super) fn new(state: State, _env: Env) -> Self {
        let rules = RefCell::new(nexus_core::Directory::new(Storage::of(&state)));
        Self { state, rules }
    }

    async fn answer_request(&self, request: &Request) -> Result<Response> {
        match calls::name(request.path()) {
            Some(Reports::NAME) => {
                let Reports { reports } = calls::read(request).await?;
                let next = self.rules.borrow_mut().report(now(), &reports)?;
                platform::set_next_alarm(&self.state, next).await?;
                calls::reply::<Reports>(&())
            }
            Some(Tally::NAME) => {
                let tally: Tally = calls::read(request).await?;
                let next = self.rules.borrow_mut().tally(now(), &tally)?;
                platform::set_next_alarm(&self.state, next).await?;
                calls::reply::<Tally>(&())
            }
            Some(ReadActivity::NAME) => {
                calls::reply::<ReadActivity>(&self.rules.borrow_mut().activity(now())?)
            }
            Some(Trace::NAME) => {
                let Trace { digits } = calls::read(request).await?;
                calls::reply::<Trace>(&self.rules.borrow_mut().trace(now(), &digits)?)
            }
            Some(ReadStats::NAME) => {
                calls::reply::<ReadStats>(&self.rules.borrow_mut().stats(now())?)
            }
            Some(Listing::NAME) => {
                let listing: Listing = calls::read(request).await?;
                self.rules.borrow_mut().enlist(&listing)?;
                calls::reply::<Listing>(&())
            }
            Some(FindAgents::NAME) => {
                let FindAgents { search } = calls::read(request).await?;
                calls::reply::<FindAgents>(&self.rules.borrow_mut().agents(now(), &search)?)
            }
            Some(WhenHeard::NAME) => {
                let WhenHeard { agent } = calls::read(request).await?;
                calls::reply::<WhenHeard>(&self.rules.borrow_mut().heard(&agent)?)
            }
            _ => Err(Fault::new("the directory was called by a name that it does not have").into()),
        }
    }
}
