//! Forms that are recognised by what stands around their value. Each is a few texts with a slot.

mod assignments;
mod code;
mod commands;
mod files;
mod http;
mod lists;
mod named;
mod prose;
mod shells;

use super::form::Form;

/// The tables.
pub(super) const TABLES: [&[Form]; 9] = [
    assignments::FORMS,
    code::FORMS,
    commands::FORMS,
    files::FORMS,
    http::FORMS,
    lists::FORMS,
    named::FORMS,
    prose::FORMS,
    shells::FORMS,
];
