//! Sessions with a webhook. Each message is posted at least once, and in order.

use super::load::{Load, locked};
use crate::{
    Member,
    receiver::{Got, Receiver, Reply},
    torture::{
        history::{Entry, Session},
        stage::Stage,
        talk::{Sender, entries},
        verdict::Verdict,
    },
};
use serde_json::{Value, json};
use std::{sync::Mutex, time::Duration};

/// The senders of a session.
const SENDERS: usize = 2;

/// The sessions with a webhook.
pub(super) struct Hooks<'a>(Vec<Hooked<'a>>);

/// One session.
struct Hooked<'a> {
    name: String,
    host: Member,
    senders: Vec<Mutex<Sender<'a>>>,
    receiver: Receiver,
    /// The first message that was posted whole. What came before it is not judged.
    first: u64,
}

impl<'a> Hooks<'a> {
    pub(super) fn new(stage: &'a Stage, groups: usize) -> Self {
        Self((0..groups).map(|number| Hooked::new(stage, number)).collect())
    }
}

impl<'a> Hooked<'a> {
    fn new(stage: &'a Stage, number: usize) -> Self {
        let name = format!("hooked {number}");
        let host = stage.api().session();
        let receiver = Receiver::start(Reply::agree);
        let body = json!({ "url": receiver.url, "secret": "only for this run" });
        let answer = host.join("hooked").call("PUT", "/webhook").json(&body).send();
        assert_eq!(answer.status, 200, "{}", answer.text());
        let senders = (0..SENDERS).map(|n| {
            let member = host.join(&format!("sender{n}"));
            Mutex::new(Sender::new(stage, &name, &member, false))
        });
        let senders = senders.collect();
        let mut hooked = Self { name, host: stage.own(&host), senders, receiver, first: u64::MAX };
        // The receiver may be asked first whether it agrees. Until then it gets no whole messages.
        crate::eventually("a whole message is posted", || {
            hooked.host.send("Hello");
            std::thread::sleep(Duration::from_millis(50));
            let posts = posted(&hooked.receiver.got());
            hooked.first = posts.first().map_or(u64::MAX, |post| post.cursor);
            hooked.first < u64::MAX
        });
        hooked
    }

    /// Waits until the receiver has everything, or no time is left.
    fn wait(&self, stage: &Stage, last: u64) {
        while !stage.is_over() {
            if posted(&self.receiver.got()).last().is_some_and(|post| post.cursor >= last) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Load for Hooks<'_> {
    fn name(&self) -> &'static str {
        "messages to webhooks"
    }

    fn actors(&self) -> usize {
        self.0.len() * SENDERS
    }

    fn act(&self, _: &Stage, actor: usize) {
        locked(&self.0[actor / SENDERS].senders[actor % SENDERS]).step();
    }

    fn check(&self, stage: &Stage, verdict: &mut Verdict) -> usize {
        let before = verdict.acknowledged;
        for hooked in &self.0 {
            // A message wakes the session. Without it, a post that was under way when the relay was
            // killed is repeated by an alarm, up to half a minute later.
            let _ =
                hooked.host.call("POST", "/messages").json(&json!({ "text": "Last" })).try_send();
            let log = stage.persist(|| entries(&hooked.host)).unwrap_or_default();
            hooked.wait(stage, log.last().map_or(0, |last| last.cursor));
            let posts = posted(&hooked.receiver.got());
            verdict.posted_again += judge(&hooked.name, hooked.first, &posts, &log, verdict);
            let by_senders = log.into_iter().filter(|entry| entry.agent != hooked.host.agent);
            let sends = hooked.senders.iter().flat_map(|sender| locked(sender).record().to_vec());
            verdict.session(&Session {
                name: hooked.name.clone(),
                sends: sends.collect(),
                log: by_senders.collect(),
                ..Session::default()
            });
        }
        verdict.acknowledged - before
    }
}

/// The whole messages among the posts.
fn posted(posts: &[Got]) -> Vec<Entry> {
    let is_whole = |post: &&Value| post.get("text").is_some() || post.get("json").is_some();
    let messages = posts.iter().map(|post| &post.body).filter(|post| post["type"] == "message");
    messages.filter(is_whole).map(Entry::of).collect()
}

/// Each message was posted, in order. Only the last one may have been posted again, because the
/// relay may not have seen the answer. Returns how many were.
fn judge(name: &str, first: u64, posts: &[Entry], log: &[Entry], verdict: &mut Verdict) -> usize {
    let (mut again, mut last) = (0, None::<&Entry>);
    for post in posts {
        let stored = log.iter().find(|entry| entry.cursor == post.cursor);
        if stored != Some(post) {
            verdict.lost(&format!("{name}: posted {post:?}, stored {stored:?}"));
        }
        let before = last.map_or(0, |last| last.cursor);
        if post.cursor == before {
            again += 1;
        } else if post.cursor < before {
            verdict.disordered(&format!("{name}: posted {} after {before}", post.cursor));
        }
        last = last.filter(|last| last.cursor > post.cursor).or(Some(post));
    }
    for entry in log.iter().filter(|entry| entry.cursor >= first) {
        if !posts.iter().any(|post| post.cursor == entry.cursor) {
            verdict.lost(&format!("{name}: never posted: {entry:?}"));
        }
    }
    again
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(posts: &[u64]) -> (usize, usize, usize) {
        let entry = |cursor| Entry {
            cursor,
            id: cursor.to_string(),
            agent: "a".to_owned(),
            body: cursor.to_string(),
            verified: true,
        };
        let (posts, log): (Vec<_>, Vec<_>) =
            (posts.iter().copied().map(entry).collect(), (1..=4).map(entry).collect());
        let mut verdict = Verdict::default();
        let again = judge("hooked", 2, &posts, &log, &mut verdict);
        (verdict.lost, verdict.disordered, again)
    }

    #[test]
    fn lost_and_disordered_posts_are_found_and_repeats_are_counted() {
        assert_eq!(counts(&[2, 3, 4]), (0, 0, 0));
        assert_eq!(counts(&[1, 2, 2, 3, 4, 4]), (0, 0, 2));
        assert_eq!(counts(&[2, 4]), (1, 0, 0));
        assert_eq!(counts(&[2, 4, 3]), (0, 1, 0));
        assert_eq!(counts(&[2, 3, 2, 3, 4]), (0, 1, 1));
        assert_eq!(counts(&[2, 3, 4, 5]), (1, 0, 0));
    }
}
