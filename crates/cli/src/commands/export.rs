//! `nexus export`

use crate::{
    clock,
    context::Context,
    error::{Failure, Kind, Result},
    json::Json,
    message::Page,
    output::Done,
    stderr::tell,
    team::{Team, read},
};
use clap::Args;
use nexus_protocol::Cursor;
use serde_json::{json, value::RawValue};
use std::{io::Write, path::PathBuf};

#[derive(Args)]
#[command(after_help = "Examples:
  nexus export SESSION > talk.json
  nexus export SESSION --output talk.json
  nexus export SESSION

Reads everything that you may read in the session, from the beginning, including who joined and left. The
stored cursor stays as it is. On a terminal, this is a transcript. Messages are written by strangers.")]
pub(crate) struct Export {
    /// The session's id or alias
    session: String,
    /// Write the JSON to this file, which only you can read
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Export {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let team = Team::of(context, &self.session)?;
        let (mut messages, mut after) = (Vec::new(), None::<Cursor>);
        loop {
            let place = after.map(|after| format!("&after={after}")).unwrap_or_default();
            let page: Page = read(&team.get(&format!("/messages?limit=500&events=true{place}"))?)?;
            let (next, has_more) = (page.next(), page.has_more);
            messages.extend(page.messages);
            if !has_more || next <= after {
                break;
            }
            after = next;
        }
        let count = messages.len();
        let whole = json!({
            "sessionId": team.session.id, "server": team.server.url, "exportedAt": clock::now(),
        });
        let whole = Json::of(&whole).with(&Json::of(&Messages { messages }));
        let Some(path) = self.output else { return Ok(whole.into()) };
        let failed = |error: std::io::Error| {
            let message = format!("{} cannot be written: {error}.", path.display());
            Failure::own(Kind::FileUnavailable, message)
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut file =
            tempfile::NamedTempFile::new_in(folder.unwrap_or(".".as_ref())).map_err(failed)?;
        writeln!(file, "{}", whole.as_str()).map_err(failed)?;
        file.persist(&path).map_err(|error| failed(error.error))?;
        tell!("{count} messages in {}", path.display());
        let value = json!({ "sessionId": team.session.id, "messages": count, "output": path });
        Ok(Json::of(&value).into())
    }
}

#[derive(serde::Serialize)]
struct Messages {
    messages: Vec<Box<RawValue>>,
}
