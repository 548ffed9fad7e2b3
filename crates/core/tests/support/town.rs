//! Mailboxes that reach each other, on databases that outlive them.

use super::{Counter, Sqlite, agent, at};
use nexus_core::{
    About, Accepted, Arrival, Error, Facts, Fault, Letter, Mailbox, Mailboxes, Result, SecretUse,
};
use nexus_protocol::{
    Ack, AgentId, AgentSecret, Conversation, ConversationRequest, IdempotencyKey, Limits, Mail,
    MailSent, Page, PageRequest, Refusal, Register, SendMail,
};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    pin::pin,
    task::{Context, Poll, Waker},
};

/// What happens to a call from one mailbox to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Clear,
    /// It does not arrive.
    Lost,
    /// It arrives, but its answer does not.
    AnswerLost,
}

/// One mailbox.
pub struct House {
    pub database: Sqlite,
    pub mailbox: RefCell<Mailbox<Sqlite>>,
    /// Whether a reader is connected.
    pub live: Cell<bool>,
    /// What readers were sent.
    pub arrivals: RefCell<Vec<Arrival>>,
}

pub struct Town {
    pub houses: BTreeMap<AgentId, House>,
    pub limits: Limits,
    pub random: Counter,
    pub now: Cell<i64>,
    pub way: Cell<Way>,
}

/// The result of a future that is never pending.
pub fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("it waits"),
    }
}

pub fn secret(name: &str) -> AgentSecret {
    format!("{name}-has-a-long-secret").parse().unwrap()
}

pub fn registration(name: &str) -> Register {
    Register {
        agent_id: None,
        secret: Some(secret(name)),
        name: name.to_owned(),
        description: None,
        version: None,
        capabilities: vec!["c".to_owned()],
        listed: false,
    }
}

pub fn mail(text: &str, conversation: Option<&str>) -> SendMail {
    SendMail {
        text: Some(text.to_owned()),
        conversation_id: conversation.map(|id| id.parse().unwrap()),
        ..SendMail::default()
    }
}

impl Town {
    /// Registers agents of these names at 0.
    pub fn new(limits: Limits, names: &[&str]) -> Self {
        let mut town = Self {
            houses: BTreeMap::new(),
            limits,
            random: Counter::default(),
            now: Cell::new(0),
            way: Cell::new(Way::Clear),
        };
        for name in names {
            let database = Sqlite::new();
            let mailbox = Mailbox::new(agent(name), database.clone(), town.limits.clone());
            let house = House {
                database,
                mailbox: RefCell::new(mailbox),
                live: Cell::new(false),
                arrivals: RefCell::default(),
            };
            let mut random = town.random.clone();
            let register = house.mailbox.borrow_mut().register(
                at(0),
                registration(name),
                SecretUse::Shown,
                &mut random,
            );
            register.unwrap();
            town.houses.insert(agent(name), house);
        }
        town
    }

    pub fn house(&self, name: &str) -> &House {
        &self.houses[&agent(name)]
    }

    /// Calls `work` with a mailbox.
    pub fn of<T>(&self, name: &str, work: impl FnOnce(&mut Mailbox<Sqlite>) -> T) -> T {
        work(&mut self.house(name).mailbox.borrow_mut())
    }

    /// Drops the objects and rebuilds them from what they stored.
    pub fn evict(&self) {
        for (id, house) in &self.houses {
            let fresh = Mailbox::new(id.clone(), house.database.clone(), self.limits.clone());
            *house.mailbox.borrow_mut() = fresh;
        }
    }

    pub fn send(
        &self,
        from: &str,
        to: &str,
        key: Option<&str>,
        message: SendMail,
    ) -> Result<MailSent> {
        let key: Option<IdempotencyKey> = key.map(|key| key.parse().unwrap());
        let clock = || at(self.now.get());
        let mut random = self.random.clone();
        let mailbox = &self.house(from).mailbox;
        let to = agent(to);
        at_once(nexus_core::send(mailbox, self, clock, &mut random, &to, key.as_ref(), message))
    }

    /// A page of the inbox: cursors and texts.
    pub fn poll(&self, name: &str, after: Option<&str>, limit: u32) -> Vec<(String, String)> {
        texts(&self.page(name, after, limit))
    }

    pub fn page(&self, name: &str, after: Option<&str>, limit: u32) -> Page {
        let after = after.map(|cursor| cursor.parse().unwrap());
        let request = PageRequest { after, limit, members: false, wait: 0 };
        self.of(name, |mailbox| mailbox.read(at(self.now.get()), request)).unwrap().0
    }

    pub fn ack(&self, name: &str, cursor: &str) -> Result<nexus_protocol::Acked> {
        let ack = Ack { cursor: cursor.parse().unwrap() };
        Ok(self.of(name, |mailbox| mailbox.ack(at(self.now.get()), ack))?.0)
    }

    pub fn conversation(
        &self,
        name: &str,
        id: &str,
        with: Option<&str>,
        last: u32,
    ) -> Result<Conversation> {
        let request = ConversationRequest { with: with.map(agent), last };
        let clock = || at(self.now.get());
        let mailbox = &self.house(name).mailbox;
        at_once(nexus_core::conversation(mailbox, self, clock, &id.parse().unwrap(), &request))
    }

    pub fn end(&self, name: &str, id: &str) -> Result<Conversation> {
        let clock = || at(self.now.get());
        let mailbox = &self.house(name).mailbox;
        at_once(nexus_core::end_conversation(mailbox, self, clock, &id.parse().unwrap(), None))
    }

    fn call<T>(
        &self,
        to: &AgentId,
        work: impl FnOnce(&House, &mut Mailbox<Sqlite>) -> Result<T>,
    ) -> Result<T> {
        let lost = || Error::from(Fault::new("lost"));
        let house = self.houses.get(to).ok_or_else(|| Refusal::no_address(to.as_str()))?;
        match self.way.get() {
            Way::Lost => Err(lost()),
            Way::Clear => work(house, &mut house.mailbox.borrow_mut()),
            Way::AnswerLost => {
                work(house, &mut house.mailbox.borrow_mut())?;
                Err(lost())
            }
        }
    }
}

impl Mailboxes for Town {
    async fn deliver(&self, to: &AgentId, letter: &Letter) -> Result<Accepted> {
        // Written and read again, as it is when it crosses between objects.
        let letter = serde_json::to_string(letter).unwrap();
        let letter: Letter = serde_json::from_str(&letter).unwrap();
        self.call(to, |house, mailbox| {
            let (accepted, arrival) =
                mailbox.receive(at(self.now.get()), &letter, house.live.get())?;
            house.arrivals.borrow_mut().extend(arrival);
            Ok(accepted)
        })
    }

    async fn facts(&self, of: &AgentId, about: &About) -> Result<Option<Facts>> {
        self.call(of, |_, mailbox| mailbox.facts(at(self.now.get()), about))
    }

    async fn end(&self, of: &AgentId, about: &About) -> Result<()> {
        self.call(of, |_, mailbox| mailbox.end(at(self.now.get()), about).map(|_| ()))
    }
}

pub fn mails(page: &Page) -> Vec<Mail> {
    page.messages.iter().map(|raw| serde_json::from_str(raw.get()).unwrap()).collect()
}

/// Cursors and texts.
pub fn texts(page: &Page) -> Vec<(String, String)> {
    let text = |mail: Mail| (mail.cursor.unwrap().to_string(), mail.text.unwrap_or_default());
    mails(page).into_iter().map(text).collect()
}
