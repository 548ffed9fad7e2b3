//! Shows texts above the line that is being edited. The editor takes none while it searches its history or waits for
//! a key, for as long as a person likes. So a thread waits for it, and nobody else does.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// A text that changes nothing: a line up and a line down.
pub(super) const NOTHING: &str = "\u{1b}[1A\n";

/// How long the editor may take to paint a text.
const PAINTING: Duration = Duration::from_millis(50);

/// Shows texts in their order.
pub(crate) struct Shower(Arc<Shared>);

#[derive(Default)]
struct Shared {
    texts: Mutex<Texts>,
    changed: Condvar,
}

#[derive(Default)]
struct Texts {
    /// Those that may not have been shown.
    all: VecDeque<String>,
    /// How many of them the editor has: it has shown a text once it takes the next one.
    taken: usize,
    has_ended: bool,
}

impl Texts {
    fn next(&self) -> Option<&String> {
        self.all.get(self.taken)
    }
}

impl Shared {
    fn texts(&self) -> MutexGuard<'_, Texts> {
        self.texts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, mut show: impl FnMut(String)) {
        loop {
            let wait = |texts: &mut Texts| texts.next().is_none() && !texts.has_ended;
            let texts = self.changed.wait_while(self.texts(), wait);
            let texts = texts.unwrap_or_else(PoisonError::into_inner);
            let Some(text) = texts.next().filter(|_| !texts.has_ended).cloned() else { return };
            drop(texts);
            show(text);
            let mut texts = self.texts();
            let shown = texts.taken;
            texts.all.drain(..shown);
            texts.taken = 1;
            drop(texts);
            self.changed.notify_all();
        }
    }

    fn push(&self, text: String) {
        self.texts().all.push_back(text);
        self.changed.notify_all();
    }
}

impl Shower {
    /// `show` may block.
    pub(super) fn new(show: impl FnMut(String) + Send + 'static) -> Self {
        let shared = Arc::new(Shared::default());
        let here = Arc::clone(&shared);
        thread::spawn(move || here.run(show));
        Self(shared)
    }

    pub(super) fn push(&self, text: &str) {
        self.0.push(text.to_owned());
    }

    /// Waits until the editor has all texts, for at most this long.
    /// Returns whether it has.
    pub(crate) fn settle(&self, limit: Duration) -> bool {
        let wait = |texts: &mut Texts| texts.next().is_some();
        let waited = self.0.changed.wait_timeout_while(self.0.texts(), limit, wait);
        let (texts, _) = waited.unwrap_or_else(PoisonError::into_inner);
        texts.next().is_none()
    }

    /// Waits until all texts are shown, for at most this long. Returns those that may not have been.
    pub(super) fn end(self, is_editing: bool, limit: Duration) -> Vec<String> {
        if is_editing {
            // The editor has room for this once it has taken everything before it, and then needs a moment to paint.
            self.push(NOTHING);
        }
        if self.settle(limit) && is_editing {
            thread::sleep(PAINTING);
        }
        let mut texts = self.0.texts();
        texts.has_ended = true;
        let mut left = std::mem::take(&mut texts.all);
        let taken = std::mem::take(&mut texts.taken);
        if !is_editing {
            // It was printed at once.
            left.drain(..taken);
        }
        drop(texts);
        self.0.changed.notify_all();
        left.into_iter().filter(|text| text != NOTHING).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn an_editor_that_takes_nothing_holds_nobody_up_and_nothing_is_lost() {
        let (sender, editor) = mpsc::sync_channel(1);
        let shower = Shower::new(move |text| drop(sender.send(text)));
        for text in ["a", "b", "c"] {
            shower.push(text);
        }
        assert_eq!(shower.end(true, Duration::ZERO), ["a", "b", "c"]);
        drop(editor);
    }

    #[test]
    fn texts_are_shown_in_their_order() {
        let (sender, editor) = mpsc::sync_channel(1);
        let shower = Shower::new(move |text| drop(sender.send(text)));
        let shown = thread::spawn(move || editor.into_iter().collect::<Vec<String>>());
        for text in ["a", "b", "c"] {
            shower.push(text);
        }
        assert_eq!(shower.end(true, Duration::from_mins(1)), [""; 0]);
        assert_eq!(shown.join().unwrap(), ["a", "b", "c", NOTHING]);
    }
}
