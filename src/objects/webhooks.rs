//! Webhooks (section 3) in the object: posting what `nexus-core` says is due.
//!
//! Each webhook is posted to on its own, one message after the other, while the object goes on with
//! everything else. The alarm takes up what failed, and what an object that died left undone.

use super::session::{Posting, Rules, Session};
use crate::{
    calls::{Subscribe, Subscribed},
    http::{self, Request, Response},
    log,
    platform::{self, System, fault, now},
    waiting::boxed,
};
use futures_util::{
    StreamExt,
    future::{Either, join_all, select},
};
use nexus_core::{Error, Need, Outcome, Post, Result, Who};
use nexus_protocol::{AgentId, SetWebhook, Setting, Timestamp};
use std::{cell::RefCell, pin::pin, rc::Rc, time::Duration};
use wasm_bindgen::JsValue;
use worker::{
    AbortController, AbortSignal, Delay, Fetch, Headers, Method, RequestInit, RequestRedirect,
    State,
};

/// How long a receiver may take to respond, body included.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many bytes of a response are read. The answer to a challenge is shorter.
const MOST_READ: usize = 4096;

/// Milliseconds after which the alarm looks whether a post that was under way came to its end.
const GUARD: i64 = 30_000;

impl Session {
    /// `PUT /v1/sessions/:id/webhook`
    pub(super) async fn set_webhook(&self, request: Request, who: &Who) -> Result<Response> {
        let allow_private =
            platform::setting(self.env(), Setting::ALLOW_PRIVATE_WEBHOOKS)?.is_some();
        let body = http::body(&request, self.limits()?).await?;
        let webhook = SetWebhook::parse(&body, allow_private)?;
        let status = self.rules(|rules| rules.set_webhook(now(), who, webhook, &mut System))?;
        // The receiver is asked whether it agrees. The member does not wait for it.
        self.start_webhooks();
        http::json(200, &status)
    }

    /// Subscribes to events of MCP, once the receiver has agreed. If it does not, everything stays as it was.
    pub(super) async fn subscribe(&self, subscribe: Subscribe) -> Result<Subscribed> {
        let Subscribe { caller, webhook, subscription } = subscribe;
        let (who, post) = self.rules(|rules| {
            let who = rules.member(now(), &caller, Need::OwnKey)?;
            let post = rules.ask_subscriber(now(), &who, &webhook, &subscription, &mut System)?;
            Ok((who, post))
        })?;
        let outcome = deliver(&post).await;
        let subscribed = self.rules(|rules| {
            // The member may have left meanwhile.
            let who = rules.member(now(), &caller, Need::OwnKey).map(|_| who)?;
            rules.subscribe(now(), &who, webhook, subscription, (&post, &outcome))
        })?;
        self.start_webhooks();
        Ok(subscribed)
    }

    /// Tells members whose webhook fails, or has ended.
    pub(super) fn settle_webhooks(&self) {
        let told = self.rules(|rules| rules.settle_webhooks(now()));
        let told = told.and_then(|events| events.iter().try_for_each(|event| self.deliver(event)));
        match told {
            // A session that is over has nobody to tell.
            Ok(()) | Err(Error::Refused(_)) => {}
            Err(error) => log::error("webhook", &error),
        }
    }

    /// Begins to post to the webhooks that have something to post, and are not being posted to.
    pub(super) fn start_webhooks(&self) {
        let started = (|| {
            let rules = self.shared_rules()?;
            let due = rules.borrow_mut().webhooks_due(now())?;
            for agent in due {
                if self.posting().borrow_mut().insert(agent.clone()) {
                    let state = platform::share(self.state());
                    let (rules, posting) = (Rc::clone(&rules), Rc::clone(self.posting()));
                    self.state().wait_until(boxed(async move {
                        let posted = post_all(&state, &rules, &posting, &agent).await;
                        posting.borrow_mut().remove(&agent);
                        let armed = posted.and(arm(&state, &rules, &posting).await);
                        if let Err(error) = armed {
                            log::error("webhook", &error);
                        }
                    }));
                }
            }
            Ok(())
        })();
        if let Err(error) = started {
            log::error("webhook", &error);
        }
    }

    /// Posts what a session that was ended has to say last. Nobody waits for it, and nothing is repeated. Whether
    /// a receiver is there is its own matter, and there is nobody left to tell.
    pub(super) fn post_last(&self, posts: Vec<Post>) {
        self.state().wait_until(boxed(async move {
            join_all(posts.iter().map(deliver)).await;
        }));
    }

    /// Sets the alarm for what comes first.
    pub(crate) async fn arm(&self) -> Result<()> {
        arm(self.state(), &self.shared_rules()?, self.posting()).await
    }

    /// When the alarm is to ring next.
    pub(super) fn next_alarm(&self) -> Result<Option<Timestamp>> {
        next_alarm(&self.shared_rules()?, self.posting())
    }
}

/// When something is to be done next: the end of the session, or telling of it, a task that changes by itself, a post to
/// repeat, or a look at whether a post that is under way came to its end.
fn next_alarm(rules: &Rc<RefCell<Rules>>, posting: &Posting) -> Result<Option<Timestamp>> {
    let mut rules = rules.borrow_mut();
    let Some(end) = rules.next_end_at(now())? else { return Ok(None) };
    if end <= now() {
        return Ok(Some(end));
    }
    let guard = (!posting.borrow().is_empty()).then(|| now().plus_millis(GUARD));
    // What is being posted is guarded, and waits for nothing else.
    let retry = rules.next_webhook_at(now(), &posting.borrow())?;
    let task = rules.next_task_at(now())?;
    Ok([Some(end), guard, retry, task].into_iter().flatten().min())
}

async fn arm(state: &State, rules: &Rc<RefCell<Rules>>, posting: &Posting) -> Result<()> {
    match next_alarm(rules, posting)? {
        Some(next) => platform::set_alarm_by(state, next).await,
        None => Ok(()),
    }
}

/// Posts everything that one webhook has to post, until there is nothing more, or a post fails.
async fn post_all(
    state: &State,
    rules: &Rc<RefCell<Rules>>,
    posting: &Posting,
    agent: &AgentId,
) -> Result<()> {
    arm(state, rules, posting).await?;
    loop {
        let post = rules.borrow_mut().next_post(now(), agent)?;
        let Some(post) = post else { return Ok(()) };
        let outcome = deliver(&post).await;
        rules.borrow_mut().posted(now(), &post, outcome)?;
    }
}

/// Makes one attempt. Redirects are not followed: they could lead where the URL may not. The whole
/// response must come in time. What is too long of it is cut off.
async fn deliver(post: &Post) -> Outcome {
    let Ok(request) = request(post) else {
        return Outcome::unanswered("the request could not be made");
    };
    let abort = AbortController::default();
    let signal = abort.signal();
    let outcome = match select(pin!(answer(request, &signal)), Delay::from(PATIENCE)).await {
        Either::Left((answer, _)) => {
            answer.unwrap_or_else(|_| Outcome::unanswered("no connection"))
        }
        Either::Right(_) => {
            let seconds = PATIENCE.as_secs();
            Outcome::unanswered(&format!("no complete response within {seconds} seconds"))
        }
    };
    abort.abort();
    outcome
}

async fn answer(request: worker::Request, signal: &AbortSignal) -> worker::Result<Outcome> {
    let mut response = Fetch::Request(request).send_with_signal(signal).await?;
    let retry_after = response.headers().get("Retry-After")?;
    let mut body = Vec::new();
    // A response without a body has no stream.
    if let Ok(mut chunks) = response.stream() {
        while let Some(chunk) = chunks.next().await {
            body.extend(chunk?);
            if body.len() > MOST_READ {
                break;
            }
        }
    }
    body.truncate(MOST_READ);
    let body = String::from_utf8_lossy(&body).into_owned();
    Ok(Outcome::of(now(), response.status_code(), retry_after.as_deref(), body))
}

fn request(post: &Post) -> Result<worker::Request> {
    let headers = Headers::new();
    let set = |name: &str, value: &str| headers.set(name, value).map_err(fault);
    set("Content-Type", "application/json")?;
    set("User-Agent", concat!("nexus-relay/", env!("CARGO_PKG_VERSION")))?;
    for (name, value) in &post.headers {
        set(name, value)?;
    }
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_headers(headers)
        .with_redirect(RequestRedirect::Manual)
        .with_body(Some(JsValue::from_str(&post.body)));
    worker::Request::new_with_init(&post.url, &init).map_err(fault)
}
