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

    /// Whether nothing else has taken note of whom to wake.
    fn is_woken_only_by(&self, waker: &Waker) -> bool {
        let own = Waker::from(Arc::clone(&self.wakes));
        // The work itself, the one above, and the one that is asked about.
        own.will_wake(waker) && Arc::strong_count(&self.wakes) == 3
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
    /// The work waits for this, and for nothing else unless there is more than one to be woken.
    Paused(Promise, Waker),
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
        (Poll::Pending, Turn::Paused(promise, waker)) if work.is_woken_only_by(&waker) => {
            let number = LAST.get().wrapping_add(1);
            LAST.set(number);
            PAUSED.with_borrow_mut(|paused| paused.insert(number, work));
            Ok(bridge::chain(&promise, number).into())
        }
        (Poll::Pending, turn) => {
            if let Turn::Paused(_, waker) = turn {
                // What was to wait for the promise is asked again, and waits in the common way.
                waker.wake();
            }
            let rest = poll_fn(move |context| {
                work.wakes.0.register(context.waker());
                work.poll()
            });
            Ok(future_to_promise(rest).into())
        }
    }
}

/// What comes of a promise.
pub(crate) async fn outcome(promise: Promise) -> Outcome {
    let mut asked = false;
    let paused = poll_fn(|context| {
        TURN.with_borrow_mut(|turn| match turn {
            Turn::Going(outcome) if asked => Poll::Ready(outcome.take()),
            Turn::Going(None) => {
                asked = true;
                *turn = Turn::Paused(promise.clone(), context.waker().clone());
                Poll::Pending
            }
            _ => Poll::Ready(None),
        })
    });
    match paused.await {
        Some(outcome) => outcome,
        // Another waits, too.
        None => JsFuture::from(promise).await,
    }
}

#[cfg(all(test, target_arch = "wasm32"))]
mod tests {
    use super::*;
    use futures_util::future::{Either, join_all, select};
    use std::{cell::OnceCell, pin::pin, rc::Rc};
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
    async fn work_may_wait_for_many_promises_at_a_time() {
        connect();
        for many in [2, 40] {
            let begun = begin(async move {
                let all = join_all((0..many).map(|value| outcome(number(value)))).await;
                let values = all.into_iter().map(|value| value.unwrap().as_f64().unwrap());
                Ok(values.sum::<f64>().into())
            });
            assert_eq!(promised(begun).await.unwrap(), many * (many - 1) / 2);
        }
        let begun = begin(async {
            let never = pin!(outcome(Promise::new(&mut |_, _| {})));
            let soon = pin!(outcome(number(1)));
            match select(never, soon).await {
                Either::Left(_) => Err(JsValue::UNDEFINED),
                Either::Right((soon, _)) => soon,
            }
        });
        assert_eq!(promised(begun).await.unwrap(), 1);
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
