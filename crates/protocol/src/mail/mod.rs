//! Mail between addresses (section 8): messages, conversations, and the lists of whom to hear.

mod conversation;
mod lists;
mod message;

pub use conversation::{Conversation, ConversationRequest, ConversationState, EndReason};
pub use lists::{AgentList, AgentListRequest, AllowOnly, Allowed, Blocked};
pub use message::{
    Ack, Acked, Mail, MailDelivery, MailFrame, MailSent, MailState, MailStatus, SendMail,
};
