use nexus_protocol::FileKey;
use std::fmt;

/// The place in which a sealed string stands. It opens in no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field<'a> {
    /// The text of a message.
    Text,
    /// The greeting of a session. Its sender is the creator.
    Greeting,
    /// What is to be done. Its sender gave the task.
    Task,
    /// What belongs to a task. Its sender gave the task.
    Context,
    /// How far a task is, in words. Its sender does the task.
    Progress,
    /// What came of a task. Its sender did the task.
    Result,
    /// A file. Its sender is the editor of this version.
    File(&'a FileKey),
}

/// Its name, as `f` of a plaintext has it.
impl fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Text => "text",
            Self::Greeting => "greeting",
            Self::Task => "task",
            Self::Context => "context",
            Self::Progress => "progress",
            Self::Result => "result",
            Self::File(key) => return write!(f, "file/{key}"),
        };
        f.write_str(name)
    }
}
