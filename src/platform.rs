//! The platform, in the form in which `nexus-core` takes it: storage, clock, random numbers,
//! variables.

use crate::{
    bridge::{self, Rows},
    log,
};
use js_sys::{Array, Date, JsString, Reflect, Uint8Array};
use nexus_core::{Database, Error, Fault, Random, Result, Row, Value};
use nexus_protocol::{AllowUnredacted, Limits, Setting, Timestamp};
use std::{
    cell::{Cell, OnceCell},
    ops::{ControlFlow, RangeInclusive},
    thread::LocalKey,
};
use wasm_bindgen::{JsCast, JsValue};
use worker::{Env, ScheduledTime, State};

/// Milliseconds after which an alarm that failed is tried again.
const FAILED_ALARM: i64 = 600_000;

/// Something that the platform did not do, for the log.
#[allow(clippy::needless_pass_by_value, reason = "the form that map_err takes")]
pub(crate) fn fault(error: worker::Error) -> Error {
    Error::Fault(Fault::new(error))
}

/// The time of the platform's clock.
pub(crate) fn now() -> Timestamp {
    // Milliseconds since 1970 fit an i64 for as long as there are calendars.
    #[allow(clippy::cast_possible_truncation, reason = "see above")]
    Timestamp::from_millis(Date::now() as i64)
}

thread_local! {
    /// When this instance was first asked something: clocks stand still before.
    static STARTED: Cell<Option<Timestamp>> = const { Cell::new(None) };
}

/// Notes that this instance has been asked something.
pub(crate) fn note_start() {
    if STARTED.get().is_none() {
        STARTED.set(Some(now()));
    }
}

/// Seconds since this instance was first asked something.
pub(crate) fn uptime() -> i64 {
    now().millis_since(STARTED.get().unwrap_or_else(now)) / 1000
}

/// The object's state, for what goes on when a call has been answered.
pub(crate) fn share(state: &State) -> State {
    let state: &JsValue = state.as_raw().as_ref();
    State::from(state.clone().unchecked_into::<worker::worker_sys::DurableObjectState>())
}

/// An alarm at this time.
async fn set_alarm(state: &State, at: Timestamp) -> Result<()> {
    // Exact below 2^53.
    #[allow(clippy::cast_precision_loss, reason = "see above")]
    let date = Date::new(&JsValue::from_f64(at.as_millis() as f64));
    state.storage().set_alarm(ScheduledTime::new(date)).await.map_err(fault)
}

/// Sees to it that there is an alarm at this time or before.
pub(crate) async fn set_alarm_by(state: &State, at: Timestamp) -> Result<()> {
    let set = state.storage().get_alarm().await.map_err(fault)?;
    if set.is_some_and(|set| set <= at.as_millis()) {
        return Ok(());
    }
    set_alarm(state, at).await
}

/// An alarm at this time, if there is one.
pub(crate) async fn set_next_alarm(state: &State, at: Option<Timestamp>) -> Result<()> {
    match at {
        Some(at) => set_alarm(state, at).await,
        None => Ok(()),
    }
}

/// What follows an alarm: the next one, if there is one. An alarm that failed is set again for later
/// rather than left to the platform, which gives it up after a few tries.
pub(crate) async fn after_alarm(state: &State, next: Result<Option<Timestamp>>) -> Result<()> {
    let next = next.unwrap_or_else(|error| {
        log::error("alarm", &error);
        Some(now().plus_millis(FAILED_ALARM))
    });
    let set = set_next_alarm(state, next).await;
    set.inspect_err(|error| log::error("alarm", error))
}

/// The platform's random numbers.
pub(crate) struct System;

impl Random for System {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Fault> {
        getrandom::fill(bytes).map_err(Fault::new)
    }
}

thread_local! {
    /// Rows that this instance has written, which is what storage costs.
    static ROWS_WRITTEN: Cell<usize> = const { Cell::new(0) };
    /// Session objects that this instance has built: one that sleeps is built again when it wakes.
    static OBJECTS_BUILT: Cell<usize> = const { Cell::new(0) };
}

/// Notes that a session object was built.
pub(crate) fn note_built() {
    OBJECTS_BUILT.set(OBJECTS_BUILT.get().saturating_add(1));
}

/// Session objects that this instance has built.
pub(crate) fn objects_built() -> usize {
    OBJECTS_BUILT.get()
}

/// Rows that this instance has written.
pub(crate) fn rows_written() -> usize {
    ROWS_WRITTEN.get()
}

/// The storage of an object.
pub(crate) struct Storage(JsValue);

impl Storage {
    pub(crate) fn of(state: &State) -> Self {
        let raw: &JsValue = state.as_raw().as_ref();
        let storage = Reflect::get(raw, &"storage".into()).unwrap_or_default();
        // Where there is none, every statement fails.
        Self(Reflect::get(&storage, &"sql".into()).unwrap_or_default())
    }
}

impl Database for Storage {
    fn query(
        &self,
        sql: &'static str,
        values: &[Value],
        each: &mut dyn FnMut(Row) -> Result<ControlFlow<()>, Fault>,
    ) -> Result<(), Fault> {
        let bound: Array = values.iter().map(to_platform).collect();
        let rows = bridge::with_constant(sql, |sql| Rows::query(&self.0, sql, &bound));
        let rows = rows.map_err(refused)?;
        loop {
            let columns = rows.next().map_err(refused)?;
            if columns == 0 {
                break;
            }
            let columns = (0..columns).map(|_| from_platform(&rows)).collect();
            if each(Row::new(columns))?.is_break() {
                break;
            }
        }
        ROWS_WRITTEN.set(ROWS_WRITTEN.get().saturating_add(rows.written()));
        Ok(())
    }
}

/// What the database did not do.
#[allow(clippy::needless_pass_by_value, reason = "the form that map_err takes")]
fn refused(error: JsValue) -> Fault {
    Fault::new(worker::Error::from(error))
}

fn to_platform(value: &Value) -> JsValue {
    match value {
        Value::Null => JsValue::NULL,
        // Exact below 2^53, which is what a value may be.
        #[allow(clippy::cast_precision_loss, reason = "see above")]
        Value::Integer(number) => JsValue::from_f64(*number as f64),
        Value::Text(text) => JsValue::from_str(text),
        Value::Blob(bytes) => Uint8Array::from(bytes.as_slice()).into(),
    }
}

fn from_platform(rows: &Rows) -> Value {
    match rows.kind() {
        0 => Value::Null,
        // Whole numbers below 2^53 is all that is stored.
        #[allow(clippy::cast_possible_truncation, reason = "see above")]
        1 => Value::Integer(rows.number() as i64),
        2 => Value::Text(rows.text()),
        _ => Value::Blob(rows.blob()),
    }
}

thread_local! {
    /// The variables of a deployment do not change while an instance lives.
    static LIMITS: OnceCell<Limits> = const { OnceCell::new() };
    static JURISDICTION: OnceCell<JsValue> = const { OnceCell::new() };
    static CLIENT_IP_HEADER: OnceCell<Option<String>> = const { OnceCell::new() };
    static DIAGNOSTICS: OnceCell<bool> = const { OnceCell::new() };
}

/// Remembers what `read` gives, if it is no fault.
fn remembered<T: Clone>(
    cell: &'static LocalKey<OnceCell<T>>,
    read: impl FnOnce() -> Result<T, Fault>,
) -> Result<T, Fault> {
    cell.with(|cell| match cell.get() {
        Some(value) => Ok(value.clone()),
        None => Ok(read().map(|value| cell.get_or_init(|| value).clone())?),
    })
}

/// Where everything is to be kept, as the platform holds it; undefined if that does not matter.
pub(crate) fn jurisdiction(env: &Env) -> Result<JsValue, Fault> {
    remembered(&JURISDICTION, || Ok(setting(env, Setting::JURISDICTION)?.into()))
}

/// The header that names the client's IP, if one is believed.
pub(crate) fn client_ip_header(env: &Env) -> Result<Option<String>, Fault> {
    remembered(&CLIENT_IP_HEADER, || setting(env, Setting::CLIENT_IP_HEADER))
}

/// Whether answers tell what this instance has done.
pub(crate) fn has_diagnostics(env: &Env) -> Result<bool, Fault> {
    remembered(&DIAGNOSTICS, || Ok(setting(env, Setting::DIAGNOSTICS)?.is_some()))
}

/// The header by which a test asks for a panic. It names the place.
pub(crate) const PANIC: &str = "X-Panic";

/// Whether the value of that header asks for a panic at this place. Only with the variable `DIAGNOSTICS`.
pub(crate) fn asks_for_panic(value: Option<&str>, env: &Env, place: &str) -> bool {
    value == Some(place) && has_diagnostics(env).unwrap_or(false)
}

/// Panics, if that was asked for.
pub(crate) fn panic_if(asked: bool) {
    assert!(!asked, "a request has asked for a panic");
}

/// The figures that bound requests, from the variables of the deployment. A variable that cannot be
/// read is a fault: a limit must not fail open.
pub(crate) fn limits(env: &Env) -> Result<Limits, Fault> {
    remembered(&LIMITS, || read_limits(env))
}

fn read_limits(env: &Env) -> Result<Limits, Fault> {
    let limits = Limits::read(|name, range, default| number_variable(env, name, range, default))?;
    let value = setting(env, Setting::ALLOW_UNREDACTED)?;
    let unredacted = AllowUnredacted::parse(value.as_deref());
    let unredacted = unredacted
        .ok_or_else(|| Fault::new("the variable ALLOW_UNREDACTED must be `on`, `off` or empty"))?;
    Ok(Limits { unredacted, ..limits })
}

/// A text in the composed form of Unicode (NFC). The platform has its tables, which the relay so need not
/// bring.
pub(crate) fn composed(text: String) -> String {
    JsString::from(text).normalize("NFC").into()
}

/// A variable that is a whole number, given as a number or as text.
fn number_variable(
    env: &Env,
    name: &str,
    range: RangeInclusive<u32>,
    default: u32,
) -> Result<u32, Fault> {
    let Some(text) = text_variable(env, name)? else {
        return Ok(default);
    };
    text.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
        let (least, most) = (range.start(), range.end());
        Fault::new(format!("the variable {name} must be a whole number from {least} to {most}"))
    })
}

/// A setting of the deployment; none if it is not set or empty.
pub(crate) fn setting(env: &Env, setting: Setting) -> Result<Option<String>, Fault> {
    text_variable(env, setting.name)
}

/// A variable as text; none if it is not set or empty.
fn text_variable(env: &Env, name: &str) -> Result<Option<String>, Fault> {
    let value = Reflect::get(env, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED);
    let text = value.as_string().or_else(|| value.as_f64().map(|number| number.to_string()));
    if text.is_none() && !value.is_undefined() && !value.is_null() {
        return Err(Fault::new(format!("the variable {name} must be a text or a number")));
    }
    Ok(text.filter(|text| !text.is_empty()))
}

#[cfg(all(test, target_arch = "wasm32"))]
mod tests {
    use super::*;
    use js_sys::Object;
    use wasm_bindgen_test::wasm_bindgen_test;

    fn env(variables: &[(&str, JsValue)]) -> Env {
        let object = Object::new();
        for (name, value) in variables {
            Reflect::set(&object, &JsValue::from_str(name), value).unwrap();
        }
        object.unchecked_into()
    }

    #[wasm_bindgen_test]
    fn the_clock_runs_and_random_numbers_differ() {
        assert!(now() > Timestamp::from_millis(1_700_000_000_000));
        let (a, b): ([u8; 32], [u8; 32]) = (System.bytes().unwrap(), System.bytes().unwrap());
        assert_ne!(a, b);
    }

    #[wasm_bindgen_test]
    fn variables_are_numbers_or_text_and_the_protocol_has_the_defaults() {
        assert_eq!(read_limits(&env(&[])).unwrap(), Limits::default());
        for value in [JsValue::from_f64(7.0), JsValue::from_str("7")] {
            let limits = read_limits(&env(&[("MAX_AGENTS", value)])).unwrap();
            assert_eq!(limits, Limits { max_agents: 7, ..Limits::default() });
        }
        let shorter = read_limits(&env(&[("MAX_TTL_SECONDS", JsValue::from_f64(60.0))])).unwrap();
        assert_eq!((shorter.max_ttl, shorter.default_ttl), (60, 60));
    }

    #[wasm_bindgen_test]
    fn a_variable_that_cannot_be_read_is_a_fault() {
        for value in [JsValue::from_f64(0.0), JsValue::from_f64(1.5), JsValue::from_str("many")] {
            let fault = read_limits(&env(&[("MAX_AGENTS", value)])).unwrap_err().to_string();
            assert_eq!(fault, "the variable MAX_AGENTS must be a whole number from 1 to 1000");
        }
        assert!(read_limits(&env(&[("MAX_AGENTS", JsValue::TRUE)])).is_err());
        assert!(read_limits(&env(&[("ALLOW_UNREDACTED", JsValue::from_str("yes"))])).is_err());
    }
}
