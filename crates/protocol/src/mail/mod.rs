//! Mail between addresses (section 8): messages, conversations, block lists and allow lists.

mod conversation;
mod lists;
mod message;

pub use conversation::{Conversation, ConversationRequest, ConversationState, EndReason};
pub use lists::{AgentList, AgentListRequest, AllowOnly, Allowed, Blocked};
pub use message::{
    Ack, Acked, Mail, MailDelivery, MailFrame, MailSent, MailState, MailStatus, SendMail,
};
