//! Tasks (section 9): requests, answers, and the statuses of a task.

mod board;
mod request;
mod state;

pub use board::{Board, BoardRequest};
pub(crate) use request::bounded;
pub use request::{Assignee, ChangeTask, Deadline, GiveTask};
pub use state::{Priority, Progress, Task, TaskEvent, TaskNews, TaskStatus};
