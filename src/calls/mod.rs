//! The calls between objects, each defined once: its name, what it takes, what it answers.
//!
//! JSON is read from text here as everywhere else: a second kind of source would compile every type twice.
//!
//! They are requests to `/internal/NAME` of the object, which the edge never forwards: the router
//! knows no such path.

mod directory;
mod mailbox;
mod object;

pub(crate) use directory::{
    FindAgents, ReadActivity, ReadStats, Reports, Trace, WhenHeard, ask_directories, ask_each,
    call_directory, place_of,
};
pub(crate) use mailbox::{
    DescribeAgent, EndOf, FactsOf, LookAt, ReadList, RegisterAgent, SendFrom, StatusOf, TakeMail,
    Whisper,
};
use nexus_core::{Caller, Digest, Invitation, Need, SeatRequest, Subscription};
use nexus_protocol::{
    CodeStatus, Extent, Joined, PairingCode, Region, SessionId, SessionStatus, SetWebhook,
    Timestamp, WebhookStatus,
};
pub(crate) use object::{Call, Object, call, name, outcome, read, reply};
use serde::{Deserialize, Serialize};

/// To a `Session`: its status; refused if it does not exist.
#[derive(Serialize, Deserialize)]
pub(crate) struct Describe {}

impl Call for Describe {
    const BINDING: &'static str = "SESSION";
    const NAME: &'static str = "describe";
    type Answer = SessionStatus;
}

/// To a `Session`: what the page behind one of its links may show.
#[derive(Serialize, Deserialize)]
pub(crate) struct Invite {}

impl Call for Invite {
    const BINDING: &'static str = "SESSION";
    const NAME: &'static str = "invite";
    type Answer = Invitation;
}

/// To a `Session`: how much there is of it, for the operator, who may end it with this.
#[derive(Serialize, Deserialize)]
pub(crate) struct ByOperator {
    pub(crate) ends: bool,
}

impl Call for ByOperator {
    const BINDING: &'static str = "SESSION";
    const NAME: &'static str = "by-operator";
    type Answer = Extent;
}

/// To a `Session`: note a code that is about to be made; refused if this caller may not make a link to it.
#[derive(Serialize, Deserialize)]
pub(crate) struct AddCode {
    /// What the table says that the call needs.
    pub(crate) need: Need,
    pub(crate) caller: Caller,
    pub(crate) code: PairingCode,
    /// Whether the relay is to pass the link on.
    pub(crate) invites: bool,
}

impl Call for AddCode {
    const BINDING: &'static str = "SESSION";
    const NAME: &'static str = "add-code";
    type Answer = ();
}

/// To a `Session`: forget a code that this caller takes back; refused if it may not.
#[derive(Serialize, Deserialize)]
pub(crate) struct ForgetCode {
    /// What the table says that the call needs.
    pub(crate) need: Need,
    pub(crate) caller: Caller,
    pub(crate) code: PairingCode,
    /// Claims of the code whose end is unknown.
    pub(crate) lost: Vec<Digest>,
}

impl Call for ForgetCode {
    const BINDING: &'static str = "SESSION";
    const NAME: &'static str = "forget-code";
    type Answer = ();
}

/// To a `Session`: subscribe to events of MCP, and ask the receiver whether it agrees.
#[derive(Serialize, Deserialize)]
pub(crate) struct Subscribe {
    pub(crate) caller: Caller,
    pub(crate) webhook: SetWebhook,
    pub(crate) subscription: Subscription,
}

impl Call for Subscribe {
    const BINDING: &'static str = "SESSION";
    const NAME: &'static str = "subscribe";
    type Answer = Subscribed;
}

/// The webhook that a subscription is, or why its receiver is not believed.
pub(crate) type Subscribed = Result<WebhookStatus, String>;

/// To a `Session`: join for a claimed code.
impl Call for SeatRequest {
    const BINDING: &'static str = "SESSION";
    const NAME: &'static str = "take-seat";
    type Answer = Joined;
}

/// To a `PairingIndex`: store a new code. Answers when it expires, or nothing if it is in use.
#[derive(Serialize, Deserialize)]
pub(crate) struct CreateCode {
    pub(crate) code: PairingCode,
    pub(crate) session: SessionId,
}

impl Call for CreateCode {
    const BINDING: &'static str = "PAIRING_INDEX";
    const NAME: &'static str = "create-code";
    type Answer = Option<Timestamp>;

    fn region(&self) -> Option<Region> {
        self.code.region()
    }
}

/// To a `PairingIndex`: what became of a code, and, of one that can be claimed, what the page behind it may
/// show; nothing if its session has ended. The index asks the session, which lives beside it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Look {
    pub(crate) code: PairingCode,
}

impl Call for Look {
    const BINDING: &'static str = "PAIRING_INDEX";
    const NAME: &'static str = "look";
    type Answer = (CodeStatus, Option<Invitation>);

    fn region(&self) -> Option<Region> {
        self.code.region()
    }
}
