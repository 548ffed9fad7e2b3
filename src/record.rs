//! One line of the log for each request. Of a path, it holds only the form in the table of routes.
//!
//! What is counted of requests goes to the directory every now and then, for the operator's page, and,
//! where a data set is bound, to Analytics Engine at once.

use crate::{
    calls,
    http::Response,
    log,
    platform::now,
    router::{Method, Route},
    waiting::boxed,
};
use js_sys::{Array, Function, Object, Reflect};
use nexus_core::{Digest, Tally};
use nexus_protocol::Timestamp;
use std::{cell::Cell, time::Duration};
use wasm_bindgen::{JsCast, JsValue};
use worker::{Context, Delay, Env, console_log};

/// How long requests are counted before the directory is told.
const TALLY: Duration = Duration::from_secs(20);

/// Milliseconds after which a telling that has not happened will not.
const TALLY_LOST: i64 = 60_000;

thread_local! {
    static COUNTED: Cell<Tally> = const { Cell::new(Tally { requests: 0, refused: 0, limited: 0, failed: 0 }) };
    /// Whether there may be a data set: what is bound does not change while an instance lives.
    static HAS_DATA_SET: Cell<bool> = const { Cell::new(true) };
    /// When the last telling was begun, in milliseconds, while it is under way.
    static TELLING: Cell<Option<i64>> = const { Cell::new(None) };
}

/// A request that is being answered.
pub(crate) struct Record {
    started: Timestamp,
    method: Method,
    /// As in the table of routes; none if there is no such path.
    pattern: &'static str,
    /// The hash of the session's id.
    session: Option<String>,
}

impl Record {
    pub(crate) fn begin(method: Method, route: Option<&Route>) -> Self {
        let session = route.filter(|route| route.pattern.split('/').any(|part| part == ":session"));
        let session = session.and_then(|route| route.session().ok());
        Self {
            started: now(),
            method,
            pattern: route.map_or("-", |route| route.pattern),
            session: session.map(|id| short_hash(id.as_str())),
        }
    }

    /// Writes the line, and counts.
    pub(crate) fn end(self, id: &str, response: &Response, env: &Env, context: &Context) {
        let status = response.status();
        let millis = now().millis_since(self.started).max(0);
        // One that an object took as it came has the id that the object gave it.
        let id = response.header("X-Request-Id").unwrap_or(id);
        let session = self.session.as_deref();
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
        count(status, env, context);
    }
}

/// What names a session in the log: the same for all its requests, and of no use to anyone.
pub(crate) fn short_hash(id: &str) -> String {
    let digest = Digest::of(&["log", id]);
    digest.as_str().chars().take(12).collect()
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

/// Counts a request, and sees to it that the directory is told before long.
fn count(status: u16, env: &Env, context: &Context) {
    let mut tally = COUNTED.get();
    tally.count(status);
    COUNTED.set(tally);
    let millis = now().as_millis();
    if TELLING.get().is_some_and(|begun| millis.saturating_sub(begun) < TALLY_LOST) {
        return;
    }
    TELLING.set(Some(millis));
    let env = env.clone();
    context.wait_until(boxed(async move {
        Delay::from(TALLY).await;
        TELLING.set(None);
        let tally = COUNTED.take();
        if let Err(failure) = calls::call(&env, calls::THE_DIRECTORY, &tally).await {
            // Told with the next: if only the answer was lost, it is counted twice.
            COUNTED.set(COUNTED.get().plus(tally));
            log::error("tally", &failure);
        }
    }));
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
        let id = "0a".repeat(24);
        assert_eq!(short_hash(&id).len(), 12);
        assert!(!id.contains(&short_hash(&id)));
        assert_ne!(short_hash(&id), short_hash(&id.replace("0a", "0b")));
    }
}
