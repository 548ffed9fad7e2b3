//! The pairing codes that begin with one word: `id_from_name(WORD)`.

use super::class::{Class, with_diagnostics};
use crate::{
    calls::{self, Call as _, CreateCode, Describe, ForgetCode, Invite, Look},
    http::{self, Request, Response},
    platform::{self, Storage, System, now},
    router::{self, Code as Call, Endpoint},
};
use futures_util::lock::Mutex;
use nexus_core::{
    Claimer, Error, Fault, Found, Invitation, Need, Result, Revocation, SeatRequest, Seats,
};
use nexus_protocol::{
    CodeRevoked, CodeState, CodeStatus, ErrorCode, Joined, PairingCode, Profile, Refusal, SessionId,
};
use std::{
    cell::{OnceCell, RefCell},
    collections::HashMap,
    rc::Rc,
};
use worker::{Env, State};

type Rules = nexus_core::PairingIndex<Storage>;

/// Codes -> sessions, single use, expiry.
pub(super) struct PairingIndex {
    state: State,
    env: Env,
    /// Built by the first call, because building them can fail.
    rules: OnceCell<RefCell<Rules>>,
    /// Claims of one code wait for each other here, so that the second learns how the first ended.
    turns: RefCell<HashMap<PairingCode, Rc<Mutex<()>>>>,
}

impl Class for PairingIndex {
    async fn respond(&self, request: Request) -> Response {
        let answer = self.answer_request(&request).await;
        let answer = answer.and_then(|response| with_diagnostics(&self.env, response));
        http::answer(request.id(), answer)
    }

    /// Forgets old codes.
    async fn alarm(&self) -> Result<()> {
        let next = self.rules().and_then(|rules| Ok(rules.borrow_mut().clean_up(now())?));
        platform::after_alarm(&self.state, next).await
    }
}

impl PairingIndex {
    pub(super) fn new(state: State, env: Env) -> Self {
        Self { state, env, rules: OnceCell::new(), turns: RefCell::default() }
    }

    async fn answer_request(&self, request: &Request) -> Result<Response> {
        let path = request.path();
        match calls::name(path) {
            Some(CreateCode::NAME) => {
                let CreateCode { code, session } = calls::read(request).await?;
                let created = self.rules()?.borrow_mut().create(now(), &code, &session)?;
                let (expires_at, clean_up) = created.unzip();
                platform::set_next_alarm(&self.state, clean_up.flatten()).await?;
                calls::reply::<CreateCode>(&expires_at)
            }
            Some(Look::NAME) => {
                let Look { code } = calls::read(request).await?;
                calls::reply::<Look>(&self.look(&code).await?)
            }
            Some(_) => {
                Err(Fault::new("an index was called by a name that it does not have").into())
            }
            None => {
                let route = router::route(request.method(), path)?;
                let Endpoint::Code(call, need) = route.endpoint else {
                    return Err(Refusal::not_found().into());
                };
                let code = route.code()?;
                match call {
                    Call::Status => self.status(&code).await,
                    Call::Claim => self.claim(request, &code).await,
                    Call::Revoke => self.revoke(request, &code, need).await,
                    // The edge makes it, for no index knows which code is to be made.
                    Call::Create => Err(Refusal::not_found().into()),
                }
            }
        }
    }

    /// What became of a code, and what its page may show if it can be claimed.
    async fn look(&self, code: &PairingCode) -> Result<(CodeStatus, Option<Invitation>)> {
        let Found { session, status } = self.rules()?.borrow().look(now(), code)?;
        if status.state != CodeState::Pending {
            return Ok((status, None));
        }
        match calls::call(&self.env, session.as_str(), &Invite {}).await {
            Err(Error::Refused(refusal)) if refusal.body.error == ErrorCode::SessionNotFound => {
                Ok((status, None))
            }
            invitation => Ok((status, Some(invitation?))),
        }
    }

    /// What became of a code. One whose session is over cannot be claimed any more.
    async fn status(&self, code: &PairingCode) -> Result<Response> {
        let Found { session, mut status } = self.rules()?.borrow().look(now(), code)?;
        if status.state == CodeState::Pending {
            match calls::call(&self.env, session.as_str(), &Describe {}).await {
                Err(Error::Refused(_)) => status.state = CodeState::Expired,
                described => drop(described?),
            }
        }
        http::json(200, &status)
    }

    /// Takes back a code, if the session lets its caller.
    async fn revoke(&self, request: &Request, code: &PairingCode, need: Need) -> Result<Response> {
        let caller = http::caller(request)?;
        if caller.agent.is_none() {
            return Err(Refusal::missing_agent_id().into());
        }
        self.in_turn(code, async {
            let rules = self.rules()?;
            let Revocation { session, lost, is_done } =
                rules.borrow().find_to_revoke(now(), code)?;
            let forget = ForgetCode { need, caller, code: code.clone(), lost };
            calls::call(&self.env, session.as_str(), &forget).await?;
            if !is_done {
                rules.borrow_mut().revoke(now(), code)?;
            }
            Ok::<(), Error>(())
        })
        .await?;
        http::json(200, &CodeRevoked { ok: true, state: CodeState::Revoked })
    }

    async fn claim(&self, request: &Request, code: &PairingCode) -> Result<Response> {
        let agent = http::sender(request)?;
        let idempotency_key = http::idempotency_key(request)?;
        let limits = platform::limits(&self.env)?;
        let profile = Profile::parse(&http::body(request, &limits).await?)?;
        let key_id = http::key_id(request)?;
        let claimer = Claimer { agent, idempotency_key, profile, key_id };
        let rules = self.rules()?;
        let mut random = System;
        let claim = nexus_core::claim(rules, self, now, &mut random, code, &claimer);
        http::json(200, &self.in_turn(code, claim).await?)
    }

    /// Does some work on a code when what was begun before on the same code has ended.
    async fn in_turn<T>(&self, code: &PairingCode, work: impl Future<Output = T>) -> T {
        let turn = Rc::clone(self.turns.borrow_mut().entry(code.clone()).or_default());
        let outcome = {
            let _turn = turn.lock().await;
            work.await
        };
        // The map and this function hold it: nobody waits.
        if Rc::strong_count(&turn) == 2 {
            self.turns.borrow_mut().remove(code);
        }
        outcome
    }

    fn rules(&self) -> Result<&RefCell<Rules>> {
        if let Some(rules) = self.rules.get() {
            return Ok(rules);
        }
        let ttl = platform::limits(&self.env)?.pairing_ttl;
        let rules = Rules::new(Storage::of(&self.state), ttl);
        Ok(self.rules.get_or_init(|| RefCell::new(rules)))
    }
}

impl Seats for PairingIndex {
    async fn take(&self, session: &SessionId, request: SeatRequest) -> Result<Joined> {
        calls::call(&self.env, session.as_str(), &request).await
    }
}
