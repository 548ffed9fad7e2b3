//! Making requests for many sessions at the same time.

use std::thread;

/// How many requests are made at the same time.
const AT_ONCE: usize = 8;

/// Applies `work` to each item. The results have the order of the items.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let chunk = |items: &[T]| {
        thread::scope(|scope| {
            let work = &work;
            let running: Vec<_> =
                items.iter().map(|item| scope.spawn(move || work(item))).collect();
            running.into_iter().filter_map(|thread| thread.join().ok()).collect::<Vec<R>>()
        })
    };
    items.chunks(AT_ONCE).flat_map(chunk).collect()
}
