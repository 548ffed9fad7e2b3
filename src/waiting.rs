//! Waiting for promises.
//!
//! Most requests wait for one promise: the answer of an object. A future that waits for it in the common
//! way makes two closures, two promises and a microtask, which together cost more than the relay's own
//! part of the request. Here JavaScript goes on with the work by itself: what [`begin`] gives is the
//! promise that was waited for, with the rest of the work chained to it.

use crate::bridge;
use futures_util::task::AtomicWaker;
use js_sys::Promise;
use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};
use wasm_bindgen::{JsValue, prelude::Closure};
use worker::wasm_bindgen_futures::{JsFuture, future_to_promise};

/// What comes of some work, or of a promise.
pub(crate) type Outcome = Result<JsValue, JsValue>;

struct Work {
    future: Pin<Box<dyn Future<Output = Outcome>>>,
    /// Whom it wakes, if it comes to wait for something that is no promise.
    wakes: Arc<Wakes>,
}

#[derive(Default)]
struct Wakes(AtomicWaker);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.wake();
    }
}

impl Work {
    fn poll(&mut self) -> Poll<Outcome> {
        let waker = Waker::from(Arc::clone(&self.wakes));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

thread_local! {
    /// What goes on when its promise is settled, and the number of the last one.
    static PAUSED: RefCell<HashMap<u32, Work>> = RefCell::default();
    static LAST: Cell<u32> = const { Cell::new(0) };
    /// What is between the work that is being done and who does it.
    static TURN: RefCell<Turn> = const { RefCell::new(Turn::Nobody) };
}

enum Turn {
    /// No work is being done, or none that can be paused.
    Nobody,
    /// The work goes on, with what it has waited for, if it has.
    Going(Option<Outcome>),
    /// The work waits for this.
    Paused(Promise),
}

/// Tells JavaScript how to go on. Once, before anything is begun.
pub(crate) fn connect() {
    let resume = |work: u32, kept: bool, value: JsValue| -> Outcome {
        let outcome = if kept { Ok(value) } else { Err(value) };
        take(work).map_or(Ok(JsValue::UNDEFINED), |work| go_on(work, Some(outcome)))
    };
    let resume: Closure<dyn Fn(u32, bool, JsValue) -> Outcome> = Closure::new(resume);
    let forget: Closure<dyn Fn(u32)> = Closure::new(|work| drop(take(work)));
    bridge::connect(&resume.into_js_value(), &forget.into_js_value());
}

fn take(work: u32) -> Option<Work> {
    PAUSED.with_borrow_mut(|paused| paused.remove(&work))
}

/// Some work, of any kind, as one kind: what takes work is compiled for each kind of it.
pub(crate) fn boxed<T>(
    work: impl Future<Output = T> + 'static,
) -> Pin<Box<dyn Future<Output = T>>> {
    Box::pin(work)
}

/// Does some work: gives what comes of it, or, where it has to wait, a promise of that.
pub(crate) fn begin(work: impl Future<Output = Outcome> + 'static) -> Outcome {
    go_on(Work { future: Box::pin(work), wakes: Arc::default() }, None)
}

fn go_on(mut work: Work, outcome: Option<Outcome>) -> Outcome {
    let before = TURN.replace(Turn::Going(outcome));
    let state = work.poll();
    match (state, TURN.replace(before)) {
        (Poll::Ready(outcome), _) => outcome,
        (Poll::Pending, Turn::Paused(promise)) => {
            let number = LAST.get().wrapping_add(1);
            LAST.set(number);
            PAUSED.with_borrow_mut(|paused| paused.insert(number, work));
            Ok(bridge::chain(&promise, number).into())
        }
        (Poll::Pending, _) => {
            let rest = poll_fn(move |context| {
                work.wakes.0.register(context.waker());
                work.poll()
            });
            Ok(future_to_promise(rest).into())
        }
    }
}

/// What comes of a promise. It must be the only thing that is waited for meanwhile: in a `select`, take a
/// [`JsFuture`].
pub(crate) async fn outcome(promise: Promise) -> Outcome {
    if !TURN.with_borrow(|turn| matches!(turn, Turn::Going(_))) {
        return JsFuture::from(promise).await;
    }
    TURN.set(Turn::Paused(promise));
    let mut asked = false;
    poll_fn(|_| {
        if !asked {
            asked = true;
            return Poll::Pending;
        }
        TURN.with_borrow_mut(|turn| match turn {
            Turn::Going(outcome) => outcome.take().map_or(Poll::Pending, Poll::Ready),
            _ => Poll::Pending,
        })
    })
    .await
}

#[cfg(all(test, target_arch = "wasm32"))]
mod tests {
    use super::*;
    use std::{cell::OnceCell, rc::Rc};
    use wasm_bindgen::JsCast;
    use wasm_bindgen_test::wasm_bindgen_test;

    fn number(number: i32) -> Promise {
        Promise::resolve(&JsValue::from(number))
    }

    async fn promised(begun: Outcome) -> Outcome {
        connect();
        JsFuture::from(begun?.unchecked_into::<Promise>()).await
    }

    #[wasm_bindgen_test]
    fn work_that_waits_for_nothing_is_done_at_once() {
        assert_eq!(begin(async { Ok(1.into()) }).unwrap(), 1);
        assert_eq!(begin(async { Err(2.into()) }).unwrap_err(), 2);
    }

    #[wasm_bindgen_test]
    async fn work_goes_on_with_what_came_of_each_promise() {
        connect();
        let begun = begin(async {
            let one = outcome(number(1)).await?;
            let two = outcome(Promise::reject(&JsValue::from(2))).await.unwrap_err();
            Ok((one.as_f64().unwrap() + two.as_f64().unwrap()).into())
        });
        assert_eq!(promised(begun).await.unwrap(), 3);
        let failed = begin(async { outcome(Promise::reject(&JsValue::from(4))).await });
        assert_eq!(promised(failed).await.unwrap_err(), 4);
        assert!(PAUSED.with_borrow(HashMap::is_empty));
    }

    #[wasm_bindgen_test]
    async fn work_may_wait_for_something_that_is_no_promise() {
        connect();
        // As a timer of the platform: it wakes whom it was asked by first.
        let (asked_by, over) = (Rc::new(OnceCell::new()), Rc::new(Cell::new(false)));
        let (first, is_over) = (Rc::clone(&asked_by), Rc::clone(&over));
        let begun = begin(async move {
            let one = outcome(number(1)).await?;
            poll_fn(|context| {
                first.get_or_init(|| context.waker().clone());
                if is_over.get() { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            let two = outcome(number(2)).await?;
            Ok((one.as_f64().unwrap() + two.as_f64().unwrap()).into())
        });
        while asked_by.get().is_none() {
            JsFuture::from(number(0)).await.unwrap();
        }
        JsFuture::from(number(0)).await.unwrap();
        over.set(true);
        asked_by.get().unwrap().wake_by_ref();
        assert_eq!(promised(begun).await.unwrap(), 3);
    }

    #[wasm_bindgen_test]
    async fn works_that_wait_at_the_same_time_do_not_mix() {
        connect();
        let begin = |value| begin(async move { outcome(number(value)).await });
        let (one, two) = (begin(1), begin(2));
        assert_eq!(promised(two).await.unwrap(), 2);
        assert_eq!(promised(one).await.unwrap(), 1);
    }
}
