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
use std::{sync::mpsc, thread};

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

impl Chat {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let team = Team::of(context, &self.session)?;
        let is_for_people = output::is_for_people() && screen::is_terminal();
        let _rest = is_for_people.then_some(typed::Rest);
        let (sender, receiver) = mpsc::channel();
        let mut desk = Desk::new(&team);
        let after = if is_for_people { history::show(&mut desk)? } else { desk.stored()? };
        let listener = listen(&team, after)?;
        let mut screen = if is_for_people {
            let told = sender.clone();
            let screen = Screen::terminal(team.caller.agent.as_str(), sender.clone())?;
            stderr::redirect(move |line| drop(told.send(Happening::Told(line.to_owned()))));
            screen
        } else {
            Screen::pipe(sender.clone())
        };
        thread::spawn(move || hear(listener, &sender));
        let mut talk =
            Talk { desk, me: Me::new(&team.caller), is_caught_up: false, has_ended: false };
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
}

impl Talk<'_> {
    /// Handles what happens until the conversation ends. Returns why it ended.
    fn run(
        &mut self,
        receiver: &mpsc::Receiver<Happening>,
        screen: &mut Screen,
    ) -> Result<&'static str> {
        while let Ok(happening) = receiver.recv() {
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
                Happening::Heard(next) => self.heard(next?, screen)?,
            };
            let is_done = self.has_ended && (self.is_caught_up || screen.is_terminal());
            if let Some(reason) = ended.or(is_done.then_some("input")) {
                return Ok(reason);
            }
        }
        Ok("input")
    }

    fn typed(&mut self, line: &str, screen: &mut Screen) -> Result<Option<&'static str>> {
        screen.took();
        let handled = if screen.is_terminal() {
            self.desk.handle(line)
        } else if line.is_empty() {
            Ok(Handled::Done)
        } else {
            self.desk.insist(line)
        };
        match handled {
            Ok(Handled::Done) => screen.go_on(""),
            Ok(Handled::Quit(reason)) => return Ok(Some(reason)),
            Err(failure) if screen.is_terminal() => {
                screen.note(&failure.sentence());
                // What was typed is not lost. If it did arrive, it is sent only once.
                screen.go_on(line);
            }
            Err(failure) => return Err(failure),
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
