//! What readers are given as soon as it is stored.

use nexus_protocol::Message;

/// A message that was just stored, for those who read as it comes.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The message as JSON.
    pub record: String,
    /// The message.
    pub message: Message,
}
