//! The data of relays of older versions, as text: `tests/fixtures/older-relays` says how it is made.
//!
//! Every object has a file of SQL there. Times in it are relative to the moment at which the data
//! was kept, so that it can be restored as if that were a moment ago.

mod life;
mod times;

pub use life::{HOOK, Life, OLD_SECRET, Read, TOKEN};

use rusqlite::Connection;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};
use times::{absolute, relative};

/// What the agents know, by their names for it.
const FACTS: &str = "facts.json";

/// What they last read at the older relay.
const ANSWERS: &str = "answers.json";

/// Writes down what the agents of `life` know and read.
pub fn keep_answers(life: &Life, fixture: &Path) {
    let answers = life.reads().iter().map(|read| life.read(read).to_string()).collect::<Vec<_>>();
    let facts = serde_json::to_string_pretty(&life.facts).expect("JSON");
    fs::create_dir_all(fixture).expect("a folder");
    fs::write(fixture.join(FACTS), facts + "\n").expect("a file");
    fs::write(fixture.join(ANSWERS), format!("[\n{}\n]\n", answers.join(",\n"))).expect("a file");
}

/// Writes down the data of a relay that was stopped, and makes times in the fixture relative to `now`.
pub fn keep_data(data: &Path, fixture: &Path, now: i64) {
    let keep = |to: &Path, text: &str| fs::write(to, relative(text, now)).expect("a file");
    let answers = fixture.join(ANSWERS);
    keep(&answers, &fs::read_to_string(&answers).expect("a file"));
    for path in databases(&data.join("objects"), "sqlite") {
        let to = fixture.join(path.strip_prefix(data).expect("below it")).with_extension("sql");
        fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        keep(&to, &dump(&Connection::open(&path).expect("a database")));
    }
}

/// What the agents know, and what they last read, as if it was kept at `now`.
pub fn answers(fixture: &Path, now: i64) -> (Value, Vec<Value>) {
    let read = |name| fs::read_to_string(fixture.join(name)).expect("a file");
    let facts = serde_json::from_str(&read(FACTS)).expect("JSON");
    (facts, serde_json::from_str(&absolute(&read(ANSWERS), now)).expect("JSON"))
}

/// Makes the data anew, as if it was kept at `now`. Webhooks of its agents lead to `hook`.
pub fn restore(fixture: &Path, data: &Path, hook: &str, now: i64) {
    for path in databases(&fixture.join("objects"), "sql") {
        let to = data.join(path.strip_prefix(fixture).expect("below it")).with_extension("sqlite");
        fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        let sql = fs::read_to_string(&path).expect("a file").replace(HOOK, hook);
        let database = Connection::open(to).expect("a database");
        database.execute_batch(&absolute(&sql, now)).expect("SQL");
    }
}

/// The files with this ending in the folders of the classes.
pub fn databases(objects: &Path, ending: &str) -> Vec<PathBuf> {
    let inside = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).expect("a folder");
        entries.map(|entry| entry.expect("an entry").path()).collect()
    };
    let files = inside(objects).into_iter().flat_map(|class| inside(&class));
    files.filter(|path| path.extension().is_some_and(|found| found == ending)).collect()
}

/// The whole database as SQL.
pub fn dump(database: &Connection) -> String {
    let list = |sql: &str| -> Vec<String> {
        let mut found = database.prepare(sql).expect("SQL");
        let rows = found.query_map([], |row| row.get(0)).expect("rows");
        rows.map(|row| row.expect("a row")).collect()
    };
    let mut lines =
        list("SELECT sql || ';' FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid");
    for table in list("SELECT name FROM sqlite_master WHERE type = 'table'") {
        let quoted = format!(
            "SELECT group_concat('quote(' || name || ')', ' || '', '' || ') FROM pragma_table_info('{table}')"
        );
        let values = list(&format!("SELECT {} FROM {table}", list(&quoted)[0]));
        lines.extend(values.iter().map(|row| format!("INSERT INTO {table} VALUES ({row});")));
    }
    lines.join("\n") + "\n"
}
