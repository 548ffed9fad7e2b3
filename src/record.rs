//! One line of the log for each request. Of a path, it holds only the form in the table of routes.
//!
//! What is counted of requests and messages goes to the directory every now and then, for the operator's page, and,
//! where a data set is bound, to Analytics Engine at once.

use crate::{
    calls,
    http::{self, Request, Response},
    log,
    platform::now,
    router::{Method, Route},
    waiting::boxed,
};
use js_sys::{Array, Function, Object, Reflect};
use nexus_core::{Digest, Result, Tally};
use nexus_protocol::{LimitKind, Region, Timestamp};
use std::{
    cell::{Cell, RefCell},
    time::Duration,
};
use wasm_bindgen::{JsCast, JsValue};
use worker::{Context, Delay, Env, console_log};

/// How long requests are counted before the directory is told.
const TALLY: Duration = Duration::from_secs(20);

/// Milliseconds after which a telling that has not happened will not; and after which an object, which no timer may
/// keep awake, tells at once.
const TALLY_LOST: i64 = 60_000;

thread_local! {
    static COUNTED: RefCell<Tally> = const { RefCell::new(Tally::EMPTY) };
    /// Whether there may be a data set: what is bound does not change while an instance lives.
    static HAS_DATA_SET: Cell<bool> = const { Cell::new(true) };
    /// When the last telling was begun, in milliseconds, while it is under way.
    static TELLING: Cell<Option<i64>> = const { Cell::new(None) };
    /// When the directory was last told, in milliseconds.
    static TOLD: Cell<i64> = const { Cell::new(0) };
}

/// A request that is being answered.
pub(crate) struct Record {
    started: Timestamp,
    method: Method,
    /// As in the table of routes; none if there is no such path.
    pattern: &'static str,
    /// The hash of the session's id.
    session: Option<Digest>,
    /// Whether it stores a message if it succeeds.
    sends: bool,
    /// The limit that it has hit.
    limit: Option<LimitKind>,
}

impl Record {
    pub(crate) fn begin(method: Method, route: Option<&Route>) -> Self {
        let session = route.filter(|route| route.pattern.split('/').any(|part| part == ":session"));
        let session = session.and_then(|route| route.session().ok());
        Self {
            started: now(),
            method,
            pattern: route.map_or("-", |route| route.pattern),
            session: session.map(|id| Digest::of_session(&id)),
            sends: route.is_some_and(Route::sends),
            limit: None,
        }
    }

    /// The hash of the id of the session that it is about.
    pub(crate) fn session(&self) -> Option<&Digest> {
        self.session.as_ref()
    }

    /// Notes what was answered, before it is put into other words.
    pub(crate) fn note(&mut self, answer: &Result<Response>) {
        self.limit = http::limit_hit(answer);
    }

    /// Writes the line, and counts.
    pub(crate) fn end(self, request: &Request, response: &Response, env: &Env, context: &Context) {
        let status = response.status();
        let millis = now().millis_since(self.started).max(0);
        // One that an object took as it came has the id that the object gave it.
        let id = response.header("X-Request-Id").unwrap_or(request.id());
        let session = self.session.as_ref().map(short);
        // By hand, for nothing in it needs quoting, and every request pays for it.
        console_log!(
            r#"{{"requestId":"{id}","route":"{} {}","status":{status},"ms":{millis}{}}}"#,
            self.method.as_str(),
            self.pattern,
            session.map_or_else(String::new, |hash| format!(r#","session":"{hash}""#)),
        );
        if HAS_DATA_SET.get() {
            data_point(env, self.method.as_str(), self.pattern, status, millis);
        }
        COUNTED.with_borrow_mut(|tally| {
            tally.count(status);
            if self.sends && status < 300 {
                tally.store(1);
            }
            if let Some(limit) = self.limit {
                tally.hit(limit);
            }
        });
        tell_soon(request, env, context);
    }
}

/// What names a session in the log: the same for all its requests, and of no use to anyone but the operator.
fn short(session: &Digest) -> &str {
    session.first(12)
}

/// The fields of a data point are: index the route; blobs the route and the status; doubles the
/// milliseconds.
fn data_point(env: &Env, method: &str, pattern: &str, status: u16, millis: i64) {
    let Some(data_set) = Reflect::get(env, &"ANALYTICS".into()).ok().filter(JsValue::is_object)
    else {
        return HAS_DATA_SET.set(false);
    };
    let write = Reflect::get(&data_set, &"writeDataPoint".into()).ok();
    let Some(write) = write.and_then(|write| write.dyn_into::<Function>().ok()) else { return };
    let route = JsValue::from(format!("{method} {pattern}"));
    let point = Object::new();
    for (name, value) in [
        ("indexes", Array::of1(&route)),
        ("blobs", Array::of2(&route, &status.to_string().into())),
        (
            "doubles",
            Array::of1(&JsValue::from_f64(f64::from(i32::try_from(millis).unwrap_or(i32::MAX)))),
        ),
    ] {
        let _ = Reflect::set(&point, &name.into(), &value);
    }
    // What is not written is missing in a chart, and nowhere else.
    let _ = write.call1(&data_set, &point);
}

/// Sees to it that the directory is told before long what was counted.
fn tell_soon(request: &Request, env: &Env, context: &Context) {
    let millis = now().as_millis();
    if TELLING.get().is_some_and(|begun| millis.saturating_sub(begun) < TALLY_LOST) {
        return;
    }
    TELLING.set(Some(millis));
    // A jurisdiction that cannot be read fails whatever needs it.
    let region = calls::place_of(request, env).unwrap_or_default();
    let env = env.clone();
    context.wait_until(boxed(async move {
        Delay::from(TALLY).await;
        TELLING.set(None);
        tell(&env, region).await;
    }));
}

/// Counts messages that no route tells of: of frames, which nobody but their object sees, and of tools.
pub(crate) fn count_messages(messages: u32) {
    COUNTED.with_borrow_mut(|tally| tally.store(messages));
}

/// Counts a limit that was hit by what is answered as a success: by a tool.
pub(crate) fn count_limit(limit: LimitKind) {
    COUNTED.with_borrow_mut(|tally| tally.hit(limit));
}

/// Whether an object is to tell what was counted here: nothing of it was told for a while.
pub(crate) fn is_due() -> bool {
    COUNTED.with_borrow(|tally| tally.messages > 0)
        && now().as_millis().saturating_sub(TOLD.get()) >= TALLY_LOST
}

/// Tells the directory what was counted here.
pub(crate) async fn tell(env: &Env, region: Option<Region>) {
    TOLD.set(now().as_millis());
    let tally = COUNTED.take();
    if let Err(failure) = calls::call_directory(env, region, &tally).await {
        // Told with the next: if only the answer was lost, it is counted twice.
        COUNTED.with_borrow_mut(|counted| *counted = std::mem::take(counted).plus(tally));
        log::error("tally", &failure);
    }
}

#[cfg(all(test, target_arch = "wasm32"))]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test]
    fn a_data_set_that_is_bound_gets_a_point_and_none_is_missed() {
        let make = Function::new_no_args(
            "return { ANALYTICS: { writeDataPoint(point) { this.seen = JSON.stringify(point) } } }",
        );
        let env = make.call0(&JsValue::NULL).unwrap();
        data_point(env.unchecked_ref::<Env>(), "GET", "/p/:code", 404, 3);
        let data_set = Reflect::get(&env, &"ANALYTICS".into()).unwrap();
        let seen = Reflect::get(&data_set, &"seen".into()).unwrap().as_string().unwrap();
        assert_eq!(
            seen,
            r#"{"indexes":["GET /p/:code"],"blobs":["GET /p/:code","404"],"doubles":[3]}"#
        );
        data_point(Object::new().unchecked_ref::<Env>(), "GET", "/", 200, 1);
    }

    #[wasm_bindgen_test]
    fn the_name_of_a_session_in_the_log_says_nothing_of_its_id() {
        let [one, other] = ["0a", "0b"].map(|byte| byte.repeat(24));
        let hash = |id: &str| Digest::of_session(&id.parse().unwrap());
        assert_eq!(short(&hash(&one)).len(), 12);
        assert!(!one.contains(short(&hash(&one))));
        assert_ne!(short(&hash(&one)), short(&hash(&other)));
    }
}
