//! Forms that are recognised by the shape of their value.

mod clouds;
mod code;
mod common;
mod models;
mod money;
mod talk;
mod tools;

use super::form::Form;

/// The tables.
pub(super) const TABLES: [&[Form]; 7] = [
    clouds::FORMS,
    code::FORMS,
    common::FORMS,
    models::FORMS,
    money::FORMS,
    talk::FORMS,
    tools::FORMS,
];
