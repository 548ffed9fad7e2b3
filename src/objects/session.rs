//! One session: `id_from_name(sessionId)`.

use crate::{
    calls::{self, Call, Describe},
    http,
    platform::{self, Storage, System, fault, now},
    router::{self, Endpoint},
};
use nexus_core::{Fault, Result, SeatRequest};
use nexus_protocol::{CreateSession, Limits, PageRequest, Renew, SendMessage};
use std::cell::{OnceCell, RefCell};
use worker::{DurableObject, Env, Request, Response, State, durable_object};

type Rules = nexus_core::Session<Storage>;

/// Members and key hashes, the message log, cursors, the TTL.
#[durable_object]
pub struct Session {
    state: State,
    env: Env,
    /// Built by the first call, because building them can fail.
    limits: OnceCell<Limits>,
    rules: OnceCell<RefCell<Rules>>,
}

impl DurableObject for Session {
    fn new(state: State, env: Env) -> Self {
        Self { state, env, limits: OnceCell::new(), rules: OnceCell::new() }
    }

    async fn fetch(&self, request: Request) -> worker::Result<Response> {
        let answer = self.answer(request).await;
        self.report();
        let answer = answer.and_then(|response| http::with_rows_written(response, &self.env));
        http::answer(answer)
    }

    /// Deletes everything once the deadline has passed.
    async fn alarm(&self) -> worker::Result<Response> {
        let next = match self.rules(|rules| Ok(rules.alarm(now())?)) {
            Ok(None) => self.state.storage().delete_all().await.map(|()| None).map_err(fault),
            next => next,
        };
        platform::after_alarm(&self.state, next).await
    }
}

impl Session {
    async fn answer(&self, mut request: Request) -> Result<Response> {
        let path = request.path();
        if let Some(name) = calls::name(&path) {
            return self.called(name, &mut request).await;
        }
        let route = router::route(&request.method(), &path)?;
        match route.endpoint {
            Endpoint::CreateSession => self.create(request).await,
            Endpoint::SessionStatus => http::json(200, &self.rules(|rules| rules.status(now()))?),
            Endpoint::Join => {
                let caller = http::caller(&request)?;
                http::json(200, &self.rules(|rules| rules.join(now(), &caller, &mut System))?)
            }
            Endpoint::Leave => {
                let (caller, agent) = (http::caller(&request)?, route.agent()?);
                http::json(200, &self.rules(|rules| rules.leave(now(), &caller, &agent))?)
            }
            Endpoint::Renew => self.renew(request).await,
            Endpoint::Send => self.send(request).await,
            Endpoint::Poll => self.poll(&request),
            _ => Err(Fault::new("a request came to a session that is not for it").into()),
        }
    }

    async fn called(&self, name: &str, request: &mut Request) -> Result<Response> {
        match name {
            Describe::NAME => calls::reply::<Describe>(&self.rules(|rules| rules.status(now()))?),
            SeatRequest::NAME => {
                let seat: SeatRequest = calls::read(request).await?;
                let joined = self.rules(|rules| rules.take_seat(now(), &seat, &mut System))?;
                calls::reply::<SeatRequest>(&joined)
            }
            _ => Err(Fault::new("a session was called by a name that it does not have").into()),
        }
    }

    async fn create(&self, mut request: Request) -> Result<Response> {
        let limits = self.limits()?;
        let create = CreateSession::parse(&http::body(&mut request, limits).await?, limits)?;
        let created = self.rules(|rules| rules.create(now(), create, &mut System))?;
        platform::set_alarm(&self.state, created.expires_at).await?;
        http::json(201, &created)
    }

    async fn renew(&self, mut request: Request) -> Result<Response> {
        let caller = http::caller(&request)?;
        let limits = self.limits()?;
        let renew = Renew::parse(&http::body(&mut request, limits).await?, limits)?;
        let renewed = self.rules(|rules| rules.renew(now(), &caller, renew))?;
        // The alarm finds a later deadline by itself; of an earlier one it must be told.
        if renew.ttl.is_some() {
            platform::set_alarm(&self.state, renewed.expires_at).await?;
        }
        http::json(200, &renewed)
    }

    async fn send(&self, mut request: Request) -> Result<Response> {
        let (caller, key) = (http::caller(&request)?, http::idempotency_key(&request)?);
        let limits = self.limits()?;
        let send = SendMessage::parse(&http::body(&mut request, limits).await?, limits)?;
        http::json(201, &self.rules(|rules| rules.send(now(), &caller, key.as_ref(), send))?)
    }

    fn poll(&self, request: &Request) -> Result<Response> {
        let caller = http::caller(request)?;
        let url = request.url().map_err(fault)?;
        let poll = PageRequest::parse(url.query().unwrap_or_default(), self.limits()?)?;
        http::json(200, &self.rules(|rules| rules.poll(now(), &caller, poll))?)
    }

    fn limits(&self) -> Result<&Limits> {
        if let Some(limits) = self.limits.get() {
            return Ok(limits);
        }
        let limits = platform::limits(&self.env)?;
        Ok(self.limits.get_or_init(|| limits))
    }

    /// Does one thing with the rules. No other request comes between, for nothing is awaited.
    fn rules<T>(&self, work: impl FnOnce(&mut Rules) -> Result<T>) -> Result<T> {
        let rules = if let Some(rules) = self.rules.get() {
            rules
        } else {
            let name = self.state.id().name().and_then(|name| name.parse().ok());
            let id = name.ok_or_else(|| Fault::new("a session has no id"))?;
            let rules = Rules::new(id, Storage::of(&self.state), self.limits()?.clone());
            self.rules.get_or_init(|| RefCell::new(rules))
        };
        work(&mut rules.borrow_mut())
    }

    /// Tells the directory what has changed. Nobody waits for it, and a session does not fail when
    /// the directory does.
    fn report(&self) {
        let env = self.env.clone();
        match self.rules(|rules| Ok(rules.take_report(now())?)) {
            Ok(None) => {}
            Ok(Some(report)) => self.state.wait_until(async move {
                if let Err(error) = calls::call(&env, calls::THE_DIRECTORY, &report).await {
                    http::log_error("report", &error);
                }
            }),
            Err(error) => http::log_error("report", &error),
        }
    }
}
