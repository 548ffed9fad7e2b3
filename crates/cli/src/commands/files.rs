//! `nexus file put`, `get`, `ls`, `rm`

use crate::{
    answer::Answer,
    capabilities,
    context::Context,
    error::{Failure, Kind, Result},
    http::{FileBody, Repeat, Request},
    json::Json,
    output::{Done, Printed},
    random,
    stderr::tell,
    team::{Team, encoded},
};
use clap::Args;
use nexus_protocol::FileKey;
use serde_json::json;
use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};
use ureq::http::Method;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus file put SESSION docs/plan.md plan.md
  nexus file put SESSION docs/plan.md plan.md --if-version 3
  tar cz src | nexus file put SESSION src.tgz - --content-type application/gzip

With --if-version, the file is stored only if it still has that version, so that nobody's edit is lost. With
0, it is stored only if it does not exist. A file has at most 1 MiB, or less if the relay says so, and is
deleted with the session.")]
pub(crate) struct FilePut {
    /// The session's id or alias
    pub(super) session: String,
    /// Its name in the session: a path such as docs/plan.md
    #[arg(value_parser = key)]
    pub(super) key: FileKey,
    /// The file to store; - reads standard input
    pub(super) file: PathBuf,
    /// Only if it has this version
    #[arg(long, value_name = "N")]
    pub(super) if_version: Option<u32>,
    /// Its content type; default: by the extension of its name
    #[arg(long, value_name = "TYPE")]
    pub(super) content_type: Option<String>,
}

#[derive(Args)]
#[command(after_help = "Examples:
  nexus file get SESSION docs/plan.md
  nexus file get SESSION docs/plan.md --output plan.md | jq .version
  nexus file get SESSION docs/plan.md --version 2 --output -

Without --output, or with -, only the bytes of the file are printed. With a name, they are written to that
file as a whole or not at all, and the version is printed. The last ten versions are kept.")]
pub(crate) struct FileGet {
    /// The session's id or alias
    pub(super) session: String,
    /// Its name in the session
    #[arg(value_parser = key)]
    pub(super) key: FileKey,
    /// The file to write
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// An earlier version
    #[arg(long, value_name = "N")]
    pub(super) version: Option<u32>,
}

#[derive(Args)]
#[command(after_help = "Examples:
  nexus file ls SESSION
  nexus file ls SESSION --prefix docs/ | jq -r '.files[].key'")]
pub(crate) struct FileList {
    /// The session's id or alias
    session: String,
    /// Only files whose names begin with this
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,
}

#[derive(Args)]
#[command(after_help = "Examples:
  nexus file rm SESSION docs/plan.md

All its versions are deleted. Deleting a file that does not exist succeeds.")]
pub(crate) struct FileRm {
    /// The session's id or alias
    session: String,
    /// Its name in the session
    #[arg(value_parser = key)]
    key: FileKey,
    /// Only if it has this version
    #[arg(long, value_name = "N")]
    if_version: Option<u32>,
}

/// The most bytes of one file at a relay that does not say how many it takes.
const MOST: u64 = 1 << 20;

fn key(text: &str) -> Result<FileKey, &'static str> {
    text.parse().map_err(|nexus_protocol::Malformed(rule)| rule)
}

fn path(key: &FileKey) -> String {
    let parts: Vec<String> = key.as_str().split('/').map(encoded).collect();
    format!("/files/{}", parts.join("/"))
}

fn condition(version: Option<u32>) -> Option<(&'static str, String)> {
    version.map(|version| match version {
        0 => ("If-None-Match", "*".to_owned()),
        version => ("If-Match", format!("\"{version}\"")),
    })
}

fn unavailable(path: &Path, what: &str, error: &io::Error) -> Failure {
    let message = format!("{} cannot be {what}: {error}.", path.display());
    Failure::own(Kind::FileUnavailable, message)
}

impl FilePut {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let team = Team::of(context, &self.session)?;
        let most = capabilities::of(context, &team.server)?.max_file_bytes.unwrap_or(MOST);
        let bytes = contents(&self.file, most)?;
        let content_type = self.content_type.unwrap_or_else(|| kind_of(&self.key).to_owned());
        let body = FileBody { bytes, content_type };
        let request =
            Request::new(Method::PUT, team.session.path(&path(&self.key)), Repeat::Always);
        let (once, condition) = (Some(random::hex()), condition(self.if_version));
        let request = team.caller.sign(Request { condition, once, ..request });
        context.http().upload(&team.server, &request, &body).map(|answer| answer.body.into())
    }
}

impl FileGet {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let team = Team::of(context, &self.session)?;
        let query = self.version.map(|version| format!("?version={version}")).unwrap_or_default();
        let path = team.session.path(&format!("{}{query}", path(&self.key)));
        let request = team.caller.sign(Request::get(path));
        let file = context.http().download(&team.server, &request)?;
        let Some(output) = self.output.filter(|output| output.as_os_str() != "-") else {
            return Ok(Done { printed: Printed::Bytes(file.bytes), ..Json::of(&()).into() });
        };
        write(&output, &file.bytes).map_err(|error| unavailable(&output, "written", &error))?;
        tell!("{} bytes in {}", file.bytes.len(), output.display());
        let told = json!({ "key": self.key, "version": file.version, "size": file.bytes.len(), "contentType": file.content_type, "output": output });
        Ok(Json::of(&told).into())
    }
}

/// The bytes of a file, or of standard input. No more is read than the relay takes.
fn contents(path: &Path, most: u64) -> Result<Vec<u8>> {
    let source: io::Result<Box<dyn Read>> = if path.as_os_str() == "-" {
        Ok(Box::new(io::stdin()))
    } else {
        fs::File::open(path).map(|file| Box::new(file) as Box<dyn Read>)
    };
    let mut bytes = Vec::new();
    let read =
        source.and_then(|source| source.take(most.saturating_add(1)).read_to_end(&mut bytes));
    let length = read.map_err(|error| unavailable(path, "read", &error))?;
    if u64::try_from(length).is_ok_and(|length| length <= most) {
        return Ok(bytes);
    }
    let message = format!(
        "{} is longer than {most} bytes, the most that the relay keeps in one file. Nothing was sent. Compress it, or store it in parts.",
        path.display()
    );
    Err(Failure::own(Kind::FileUnavailable, message))
}

/// Writes a file as a whole or not at all. It gets the mode of an existing one, or the usual one. What is no regular file, such as a pipe, is written to.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir()) {
        return fs::OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    // A link stays a link.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    // Others may read it, as far as the user's mask allows: it is no secret of the client's.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder.unwrap_or(Path::new(".")))?;
    if let Ok(before) = fs::metadata(&path) {
        file.as_file().set_permissions(before.permissions())?;
    }
    file.write_all(bytes)?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

impl FileList {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let team = Team::of(context, &self.session)?;
        let query = self.prefix.map(|prefix| format!("?prefix={}", encoded(&prefix)));
        let json = team.get(&format!("/files{}", query.unwrap_or_default()))?;
        Ok(json.into())
    }
}

impl FileRm {
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let team = Team::of(context, &self.session)?;
        let request =
            Request::new(Method::DELETE, team.session.path(&path(&self.key)), Repeat::Always);
        let request = Request { condition: condition(self.if_version), ..request };
        match team.call(request) {
            // An earlier try may have deleted it.
            Err(Failure::Refused(answer)) if is_missing(&answer) => {
                let message = "There is no such file: it was deleted before, or never existed.";
                tell!("{message}");
                let value = json!({ "ok": true, "key": self.key, "message": message });
                Ok(Json::of(&value).into())
            }
            result => result.map(|answer| answer.body.into()),
        }
    }
}

fn is_missing(answer: &Answer) -> bool {
    // With a version, a missing file is another version, 0.
    let is_gone = answer.status == 412 && answer.body.as_str().contains("\"version\":0");
    is_gone || answer.error().error == "file_not_found"
}

/// The content type of a file, by the extension of its name.
fn kind_of(key: &FileKey) -> &'static str {
    let name = key.as_str().rsplit('/').next().unwrap_or_default();
    match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "txt" | "log" => "text/plain; charset=utf-8",
        "md" => "text/markdown; charset=utf-8",
        "json" => "application/json",
        "csv" => "text/csv; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "pdf" => "application/pdf",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_paths_and_have_a_type() {
        let key = |text: &str| text.parse::<FileKey>().unwrap();
        assert_eq!(path(&key("docs/a b?#%.md")), "/files/docs/a%20b%3F%23%25.md");
        assert_eq!(kind_of(&key("docs.md/plan")), "application/octet-stream");
        assert_eq!(kind_of(&key("a/plan.json")), "application/json");
    }
}
