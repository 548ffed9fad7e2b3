//! What sessions tell the directory of themselves. Nobody waits for it, and a session does not fail when the directory
//! does.
//!
//! Sessions that live in one instance share a call: what they have to say is collected for a moment, and of a session
//! only the last report is told.

use crate::{calls, log, platform::now};
use nexus_core::{Report, Result};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    time::Duration,
};
use worker::{Delay, Env};

/// How long reports are collected.
const MOMENT: Duration = Duration::from_millis(200);

/// Milliseconds after which a telling that has not ended will not: the object that had it was evicted.
const LOST: i64 = 10_000;

/// The directory is told of this many sessions at once.
const AT_ONCE: usize = 100;

thread_local! {
    static WAITING: RefCell<BTreeMap<String, Report>> = const { RefCell::new(BTreeMap::new()) };
    /// When the call that is under way was begun, in milliseconds.
    static TELLING: Cell<Option<i64>> = const { Cell::new(None) };
}

/// Has the directory told of a session. Whether the caller is to see to that, with [`tell`].
pub(crate) fn add(report: Report) -> bool {
    WAITING.with_borrow_mut(|waiting| waiting.insert(report.session.as_str().to_owned(), report));
    let millis = now().as_millis();
    let is_told = TELLING.get().is_some_and(|begun| millis.saturating_sub(begun) < LOST);
    if !is_told {
        TELLING.set(Some(millis));
    }
    !is_told
}

/// Tells the directories all that waits.
pub(crate) async fn tell(env: &Env) {
    Delay::from(MOMENT).await;
    while let Some(reports) = take() {
        TELLING.set(Some(now().as_millis()));
        if let Err(error) = tell_of(env, reports).await {
            log::error("report", &error);
        }
    }
    TELLING.set(None);
}

async fn tell_of(env: &Env, reports: Vec<Report>) -> Result<()> {
    let region = reports.first().and_then(|report| report.region);
    calls::call_directory(env, region, &calls::Reports { reports }).await
}

/// What one directory is to be told next.
fn take() -> Option<Vec<Report>> {
    WAITING.with_borrow_mut(|waiting| {
        let region = waiting.first_key_value()?.1.region;
        let of_one = |_: &String, report: &mut Report| report.region == region;
        Some(waiting.extract_if(.., of_one).take(AT_ONCE).map(|(_, report)| report).collect())
    })
}

#[cfg(all(test, target_arch = "wasm32"))]
mod tests {
    use super::*;
    use nexus_core::Digest;
    use nexus_protocol::{Cursor, Region, Timestamp};
    use wasm_bindgen_test::wasm_bindgen_test;

    fn report(session: &str, messages: i64, region: Option<Region>) -> Report {
        let at = Timestamp::from_millis(messages);
        let (session, messages) = (Digest::of(&[session]), Cursor::from_i64(messages));
        Report { session, agents: 1, messages, expires_at: at, at, sealed: None, region }
    }

    #[wasm_bindgen_test]
    fn sessions_of_an_instance_share_a_call_to_each_directory() {
        assert!(add(report("a", 1, None)), "the first sees to it");
        for number in 0..150 {
            assert!(!add(report(&number.to_string(), 1, Some(Region::Afr))));
        }
        assert!(!add(report("a", 2, None)));
        let mut told = Vec::new();
        while let Some(reports) = take() {
            assert!(reports.len() <= AT_ONCE);
            assert!(reports.iter().all(|report| report.region == reports[0].region));
            told.extend(reports);
        }
        assert_eq!(told.len(), 151);
        let of_a: Vec<_> = told.iter().filter(|report| report.region.is_none()).collect();
        assert_eq!(of_a.len(), 1);
        assert_eq!(of_a[0].messages, Cursor::from_i64(2), "only the last");
    }
}
