//! The calls that other objects and the edge make to a mailbox, and those that it makes to others.

use super::{
    dialect::Reader,
    live,
    mailbox::{Event, Mailbox, Rules},
    sockets::{self, Reach, Socket},
};
use crate::{
    calls::{
        self, Call, DescribeAgent, EndOf, FactsOf, LookAt, ReadList, RegisterAgent, SendFrom,
        StatusOf, TakeMail, Whisper,
    },
    http::{Request, Response},
    platform::{System, now},
};
use nexus_core::{About, Accepted, Arrival, Facts, Fault, Letter, Mailboxes, Notice, Result};
use nexus_protocol::AgentId;

impl Mailbox {
    pub(super) async fn called(&self, name: &str, request: &Request) -> Result<Response> {
        match name {
            RegisterAgent::NAME => {
                let RegisterAgent { region, request, used } = calls::read(request).await?;
                let registered = self
                    .rules(|rules| rules.register_in(region, now(), request, used, &mut System))?;
                let listing = self.rules(Rules::listing)?;
                if listing.listed {
                    self.enlist(&listing).await?;
                }
                calls::reply::<RegisterAgent>(&registered)
            }
            DescribeAgent::NAME => calls::reply::<DescribeAgent>(&self.status()?),
            LookAt::NAME => {
                let open =
                    |socket: &Socket<Reader<()>>| matches!(self.reach(&socket.who), Reach::Yes);
                let open = sockets::connected(self.state()).any(|(_, socket)| open(&socket));
                calls::reply::<LookAt>(&(self.status()?.card, open))
            }
            ReadList::NAME => {
                let ReadList { need, proof, list } = calls::read(request).await?;
                self.enter(None, proof.as_ref(), need)?;
                let entries = self.rules(|rules| rules.whole_list(list))?;
                calls::reply::<ReadList>(&(entries, self.rules(Rules::is_allow_only)?))
            }
            SendFrom::NAME => {
                let SendFrom { need, proof, to, key, message } = calls::read(request).await?;
                self.enter(None, proof.as_ref(), need)?;
                calls::reply::<SendFrom>(&self.send(&to, key.as_ref(), message).await?)
            }
            Whisper::NAME => {
                let whisper: Whisper = calls::read(request).await?;
                let conversation = whisper.conversation.clone();
                let about = About { with: whisper.from.clone(), conversation };
                let hears = self.rules(|rules| {
                    // A stranger has to write first.
                    Ok(rules.hears(&whisper.from)? && rules.facts(now(), &about)?.is_some())
                })?;
                calls::reply::<Whisper>(&(hears && self.announce(&Event::Whisper(&whisper))))
            }
            TakeMail::NAME => {
                let TakeMail { need, proof } = calls::read(request).await?;
                self.enter(None, proof.as_ref(), need)?;
                calls::reply::<TakeMail>(&self.take()?)
            }
            Letter::NAME => {
                let letter: Letter = calls::read(request).await?;
                let live = sockets::has_readers(self.state(), |reader| self.reach(reader));
                let (accepted, arrival) =
                    self.rules(|rules| rules.receive(now(), &letter, live))?;
                if let Some(arrival) = arrival {
                    self.arrived(&arrival, &letter.name)?;
                    self.arm().await;
                }
                calls::reply::<Letter>(&accepted)
            }
            FactsOf::NAME => {
                let FactsOf(about) = calls::read(request).await?;
                calls::reply::<FactsOf>(&self.rules(|rules| rules.facts(now(), &about))?)
            }
            EndOf::NAME => {
                let EndOf(about) = calls::read(request).await?;
                if self.rules(|rules| rules.end(now(), &about))? {
                    self.announce(&Event::Ended(&about, "participant_ended"));
                }
                calls::reply::<EndOf>(&())
            }
            StatusOf::NAME => {
                let StatusOf { sender, message } = calls::read(request).await?;
                let status = self.rules(|rules| rules.message_status(now(), &sender, &message))?;
                calls::reply::<StatusOf>(&status)
            }
            Notice::NAME => {
                self.announce(&Event::Notice(&calls::read(request).await?));
                calls::reply::<Notice>(&())
            }
            _ => Err(Fault::new("a mailbox was called by a name that it does not have").into()),
        }
    }

    /// Whether anything is still to be sent to a reader.
    fn reach(&self, reader: &Reader<()>) -> Reach {
        self.frames_of(reader).reach(reader)
    }

    /// Sends a message that was stored to those who read it as it comes.
    fn arrived(&self, arrival: &Arrival, name: &str) -> Result<()> {
        let log = self.log()?.of_sender(name);
        let stored = (arrival.cursor, arrival.record.as_str());
        live::deliver(self.state(), &log, stored, |reader| self.reach(reader));
        if let Some(about) = &arrival.last_turn {
            self.announce(&Event::Ended(about, "max_turns"));
        }
        Ok(())
    }
}

impl Mailboxes for Mailbox {
    async fn deliver(&self, to: &AgentId, letter: &Letter) -> Result<Accepted> {
        calls::call(self.env(), to.as_str(), letter).await
    }

    async fn facts(&self, of: &AgentId, about: &About) -> Result<Option<Facts>> {
        calls::call(self.env(), of.as_str(), &FactsOf(about.clone())).await
    }

    async fn end(&self, of: &AgentId, about: &About) -> Result<()> {
        calls::call(self.env(), of.as_str(), &EndOf(about.clone())).await
    }
}
