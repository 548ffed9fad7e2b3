//! What connected readers are sent.

use nexus_protocol::Message;

/// A message that was just stored, to be sent to connected readers.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The message as JSON.
    pub record: String,
    /// The message.
    pub message: Message,
}
