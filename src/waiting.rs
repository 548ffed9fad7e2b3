//! Waiting for promises.
//!
//! Work that waits for nothing, as most polls and sends in an object, makes no promise: [`begin`] gives what
//! comes of it at once. Work that waits goes the common way, as a promise of the platform.

use futures_util::task::AtomicWaker;
use js_sys::Promise;
use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};
use wasm_bindgen::JsValue;
use worker::wasm_bindgen_futures::{JsFuture, future_to_promise};

/// What comes of some work, or of a promise.
pub(crate) type Outcome = Result<JsValue, JsValue>;

/// Wakes whoever asked last. What work waits for may keep the waker of the first time that it was asked,
/// before there was a promise.
#[derive(Default)]
struct Latest(AtomicWaker);

impl Wake for Latest {
    fn wake(self: Arc<Self>) {
        self.0.wake();
    }
}

/// Some work, of any kind, as one kind: what takes work is compiled for each kind of it.
pub(crate) fn boxed<T>(
    work: impl Future<Output = T> + 'static,
) -> Pin<Box<dyn Future<Output = T>>> {
    Box::pin(work)
}

/// Does some work: gives what comes of it, or, where it has to wait, a promise of that.
pub(crate) fn begin(work: impl Future<Output = Outcome> + 'static) -> Outcome {
    let mut work = boxed(work);
    let latest = Arc::new(Latest::default());
    let waker = Waker::from(Arc::clone(&latest));
    match work.as_mut().poll(&mut Context::from_waker(&waker)) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => {
            let rest = poll_fn(move |context| {
                latest.0.register(context.waker());
                work.as_mut().poll(&mut Context::from_waker(&waker))
            });
            Ok(future_to_promise(rest).into())
        }
    }
}

/// What comes of a promise.
pub(crate) async fn outcome(promise: Promise) -> Outcome {
    JsFuture::from(promise).await
}

#[cfg(all(test, target_arch = "wasm32"))]
mod tests {
    use super::*;
    use futures_util::future::{Either, join_all, select};
    use std::{
        cell::{Cell, OnceCell},
        pin::pin,
        rc::Rc,
    };
    use wasm_bindgen::JsCast;
    use wasm_bindgen_test::wasm_bindgen_test;

    fn number(number: i32) -> Promise {
        Promise::resolve(&JsValue::from(number))
    }

    async fn promised(begun: Outcome) -> Outcome {
        JsFuture::from(begun?.unchecked_into::<Promise>()).await
    }

    #[wasm_bindgen_test]
    fn work_that_waits_for_nothing_is_done_at_once() {
        assert_eq!(begin(async { Ok(1.into()) }).unwrap(), 1);
        assert_eq!(begin(async { Err(2.into()) }).unwrap_err(), 2);
    }

    #[wasm_bindgen_test]
    async fn work_goes_on_with_what_came_of_each_promise() {
        let begun = begin(async {
            let one = outcome(number(1)).await?;
            let two = outcome(Promise::reject(&JsValue::from(2))).await.unwrap_err();
            Ok((one.as_f64().unwrap() + two.as_f64().unwrap()).into())
        });
        assert_eq!(promised(begun).await.unwrap(), 3);
        let failed = begin(async { outcome(Promise::reject(&JsValue::from(4))).await });
        assert_eq!(promised(failed).await.unwrap_err(), 4);
    }

    #[wasm_bindgen_test]
    async fn work_may_wait_for_something_that_is_no_promise() {
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
        let begin = |value| begin(async move { outcome(number(value)).await });
        let (one, two) = (begin(1), begin(2));
        assert_eq!(promised(two).await.unwrap(), 2);
        assert_eq!(promised(one).await.unwrap(), 1);
    }
}
