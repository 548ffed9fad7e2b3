//! `nexus chat`: a conversation in the terminal, or through a pipe.
//!
//! Two threads report what happens into one channel: one listens to the session, the other reads lines. The
//! reader of lines waits until its line was handled. So everything else is done here, one thing after another.

mod desk;
mod event;
mod history;
mod line;
mod screen;

use crate::{
    backoff::Backoff,
    capabilities,
    context::Context,
    error::Result,
    live::{Listener, Next, Target, Wanted},
    message::Me,
    output::{self, Done, Printed},
    stderr::{self, tell},
    team::Team,
    typed,
};
use clap::Args;
use desk::{Desk, Handled};
use event::{Happening, Input};
use nexus_protocol::Cursor;
use screen::Screen;
use serde_json::json;
use std::{
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

#[derive(Args)]
#[command(after_help = "Examples:
  nexus chat dentist
  nexus chat dentist < questions.txt

On a terminal it shows all that is new to you, and at least the last messages, then everything as it comes. Type a
line to send it; /help lists the commands. In a pipe, each line of standard input is sent, and each message of
somebody else is printed as one line of JSON, beginning with those that you have not read. It ends with the input.")]
pub(crate) struct Chat {
    /// The session's id or alias
    session: String,
}

/// The longest pause between two tries to send a line.
const LONGEST: Duration = Duration::from_hours(1);

impl Chat {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let team = Team::of(context, &self.session)?;
        let is_for_people = output::is_for_people() && screen::is_terminal();
        let _rest = is_for_people.then_some(typed::Rest);
        let (sender, receiver) = mpsc::channel();
        let mut desk = Desk::new(&team);
        let after = if is_for_people { history::show(&mut desk)? } else { desk.stored()? };
        let listener = listen(&team, after)?;
        let listener = if is_for_people { listener.quietly() } else { listener };
        let mut screen = if is_for_people {
            let told = sender.clone();
            let screen = Screen::terminal(team.caller.agent.as_str(), sender.clone())?;
            stderr::redirect(move |line| drop(told.send(Happening::Told(line.to_owned()))));
            screen
        } else {
            Screen::pipe(sender.clone())
        };
        thread::spawn(move || hear(listener, &sender));
        let me = Me::new(&team.caller);
        let mut talk = Talk { desk, me, is_caught_up: false, has_ended: false, unsent: None };
        let ended = talk.run(&receiver, &mut screen);
        stderr::restore();
        screen.close();
        let reason = ended?;
        match reason {
            "ended" if is_for_people => tell!("* the session has ended for everybody"),
            "over" => tell!("* the session is over"),
            "left" => tell!("* you are no longer in the session"),
            _ => {}
        }
        let value = json!({
            "status": "stopped", "reason": reason, "sessionId": team.session.id,
            "sent": talk.desk.sent, "messages": talk.desk.heard,
        });
        let printed = if is_for_people { Printed::Bytes(Vec::new()) } else { Printed::Json };
        Ok(Done { printed, ..crate::json::Json::of(&value).into() })
    }
}

fn listen(team: &Team<'_>, after: Option<Cursor>) -> Result<Listener> {
    let capabilities = capabilities::of(team.context, &team.server)?;
    let target = Target {
        http: team.context.http().clone(),
        server: team.server.clone(),
        caller: team.caller.clone(),
        base: team.session.path(""),
        wanted: Wanted { others: true, events: true },
    };
    Listener::new(target, &capabilities, after)
}

/// Reports what comes, until there is nothing more.
fn hear(mut listener: Listener, sender: &mpsc::Sender<Happening>) {
    loop {
        let next = listener.next(true).map(|next| next.unwrap_or(Next::Caught(None)));
        let is_last = matches!(next, Err(_) | Ok(Next::Stopped | Next::Over | Next::Left));
        if sender.send(Happening::Heard(next)).is_err() || is_last {
            return;
        }
    }
}

struct Talk<'a> {
    desk: Desk<'a>,
    me: Me,
    /// Whether everything that waited was printed.
    is_caught_up: bool,
    /// Whether the input has ended.
    has_ended: bool,
    /// A line of a pipe that is still to be sent.
    unsent: Option<Unsent>,
}

/// A line that could not be sent yet.
struct Unsent {
    line: String,
    /// When to try again.
    due: Instant,
    backoff: Backoff,
}

impl Talk<'_> {
    /// Handles what happens until the conversation ends. Returns why it ended.
    fn run(
        &mut self,
        receiver: &mpsc::Receiver<Happening>,
        screen: &mut Screen,
    ) -> Result<&'static str> {
        loop {
            let happening = match self.next(receiver) {
                Ok(happening) => happening,
                Err(RecvTimeoutError::Timeout) => {
                    self.send_again(screen)?;
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return Ok("input"),
            };
            let ended = match happening {
                Happening::Told(line) => {
                    screen.note(&line);
                    None
                }
                Happening::Typed(Input::End) => {
                    self.has_ended = true;
                    None
                }
                Happening::Typed(Input::Line(line)) => self.typed(&line, screen)?,
                // It was there when its last messages were shown.
                Happening::Heard(Err(gone)) if screen.is_terminal() && gone.is_gone() => {
                    Some("over")
                }
                Happening::Heard(next) => self.heard(next?, screen)?,
            };
            let is_done = self.has_ended && (self.is_caught_up || screen.is_terminal());
            if let Some(reason) = ended.or(is_done.then_some("input")) {
                return Ok(reason);
            }
        }
    }

    /// What happens next. The time is over when a line is to be sent again.
    fn next(
        &self,
        receiver: &mpsc::Receiver<Happening>,
    ) -> std::result::Result<Happening, RecvTimeoutError> {
        match &self.unsent {
            Some(unsent) => {
                receiver.recv_timeout(unsent.due.saturating_duration_since(Instant::now()))
            }
            None => receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    fn send_again(&mut self, screen: &mut Screen) -> Result<()> {
        let Some(unsent) = self.unsent.take() else { return Ok(()) };
        self.send(unsent.line, unsent.backoff, screen)
    }

    /// Sends a line of a pipe. While the server cannot be reached, it waits: nothing else stops, and a signal counts.
    fn send(&mut self, line: String, mut backoff: Backoff, screen: &mut Screen) -> Result<()> {
        match self.desk.try_send(&line)? {
            None => screen.go_on(""),
            Some(wait) => {
                let due = Instant::now().checked_add(backoff.next().max(wait).min(LONGEST));
                let due = due.unwrap_or_else(Instant::now);
                self.unsent = Some(Unsent { line, due, backoff });
            }
        }
        Ok(())
    }

    fn typed(&mut self, line: &str, screen: &mut Screen) -> Result<Option<&'static str>> {
        screen.took();
        if !screen.is_terminal() && !line.is_empty() {
            return self.send(line.to_owned(), Backoff::default(), screen).map(|()| None);
        }
        match self.desk.handle(line) {
            Ok(Handled::Done) => screen.go_on(""),
            Ok(Handled::Quit(reason)) => return Ok(Some(reason)),
            Err(failure) => {
                screen.note(&failure.sentence());
                // What was typed is not lost. If it did arrive, it is sent only once.
                screen.go_on(line);
            }
        }
        Ok(None)
    }

    fn heard(&mut self, next: Next, screen: &mut Screen) -> Result<Option<&'static str>> {
        match next {
            Next::Message(json, message) => {
                let team = self.desk.team;
                let is_own = self.me.wrote(team.context, &team.server, &team.session, &message)?;
                // The listener has told about notices already.
                let is_told = screen.is_terminal() && message.is_notice();
                if !is_own && !is_told {
                    let number = self.desk.number(&message);
                    screen.message(&json, number)?;
                    self.desk.heard = self.desk.heard.saturating_add(1);
                }
                self.desk.mark_read(message.cursor())?;
            }
            Next::Caught(cursor) => {
                self.is_caught_up |= cursor.is_some();
                self.desk.mark_read(cursor)?;
            }
            Next::Reset(_) => {}
            Next::Stopped => return Ok(Some("signal")),
            Next::Over => return Ok(Some("over")),
            Next::Left => return Ok(Some("left")),
        }
        Ok(None)
    }
}
