//! Section 9 in the object: members, tasks, files.

use super::{
    present::{agents_answering, agents_attending},
    session::{Rules, Session},
};
use crate::{
    http::{self, Request, Response},
    log,
    platform::now,
    router::Route,
};
use nexus_core::{Content, Result, Who};
use nexus_protocol::{
    BoardRequest, ChangeTask, Condition, FileInfo, FilesRequest, GiveTask, MembersRequest, Profile,
    Refusal, Task, TaskStatus, file_version,
};

impl Session {
    pub(super) fn members(&self, request: &Request, who: &Who) -> Result<Response> {
        let asked = MembersRequest::parse(request.query())?;
        let connected = agents_answering(self.state());
        let members = self.rules(|rules| rules.members(now(), who, &asked, &connected))?;
        http::json(200, &members)
    }

    pub(super) async fn change_profile(&self, request: Request, who: &Who) -> Result<Response> {
        let change = Profile::parse(&http::body(&request, self.limits()?).await?)?;
        http::json(200, &self.rules(|rules| rules.change_profile(now(), who, change))?)
    }

    pub(super) fn board(&self, request: &Request, who: &Who) -> Result<Response> {
        let asked = BoardRequest::parse(request.query())?;
        http::json(200, &self.rules(|rules| rules.board(now(), who, &asked))?)
    }

    pub(super) fn task(&self, route: &Route, who: &Who) -> Result<Response> {
        let id = route.task()?;
        http::json(200, &self.rules(|rules| rules.task(now(), who, &id))?)
    }

    pub(super) async fn give_task(&self, request: Request, who: &Who) -> Result<Response> {
        let key = http::idempotency_key(&request)?;
        let limits = self.limits_of_texts()?;
        let give = GiveTask::parse(&http::body(&request, &limits).await?, &limits)?;
        let connected = agents_attending(self.state());
        let give = |rules: &mut Rules| rules.give_task(now(), who, key.as_ref(), give, &connected);
        let (task, delivery) = self.rules(give)?;
        self.pass_on(delivery)?;
        self.arm_for(&task).await?;
        http::json(201, &task)
    }

    pub(super) async fn change_task(
        &self,
        request: Request,
        route: &Route,
        who: &Who,
    ) -> Result<Response> {
        let key = http::idempotency_key(&request)?;
        let (limits, id) = (self.limits_of_texts()?, route.task()?);
        let change = ChangeTask::parse(&http::body(&request, &limits).await?, &limits)?;
        let connected = agents_attending(self.state());
        let (task, delivery) = self
            .rules(|rules| rules.change_task(now(), who, key.as_ref(), &id, change, &connected))?;
        self.pass_on(delivery)?;
        self.arm_for(&task).await?;
        http::json(200, &task)
    }

    pub(super) fn files(&self, request: &Request, who: &Who) -> Result<Response> {
        let asked = FilesRequest::parse(request.query())?;
        http::json(200, &self.rules(|rules| rules.files(now(), who, &asked))?)
    }

    pub(super) fn file(&self, request: &Request, route: &Route, who: &Who) -> Result<Response> {
        let (key, version) = (route.file()?, file_version(request.query())?);
        let (file, content) = self.rules(|rules| rules.file(now(), who, &key, version))?;
        Ok(send_file(request, file, content))
    }

    pub(super) fn delete_file(
        &self,
        request: &Request,
        route: &Route,
        who: &Who,
    ) -> Result<Response> {
        let (key, condition) = (route.file()?, condition(request)?);
        let (deleted, delivery) =
            self.rules(|rules| rules.delete_file(now(), who, &key, &condition))?;
        self.pass_on([delivery])?;
        http::json(200, &deleted)
    }

    /// Sets the alarm, if something may happen to the task by itself before it rings.
    async fn arm_for(&self, task: &Task) -> Result<()> {
        let given = task.status == TaskStatus::Pending;
        if given && (task.deadline.is_some() || self.limits()?.agent_inactivity > 0) {
            self.arm().await?;
        }
        Ok(())
    }

    pub(super) async fn put_file(
        &self,
        request: Request,
        route: &Route,
        who: &Who,
    ) -> Result<Response> {
        let (key, condition) = (route.file()?, condition(&request)?);
        let repeat = http::idempotency_key(&request)?;
        let content_type = request.header("Content-Type");
        let content_type = content_type.unwrap_or("application/octet-stream").to_owned();
        if content_type.len() > 256 || !content_type.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        {
            let rule = "must be at most 256 printable ASCII characters";
            return Err(Refusal::invalid("Content-Type", rule).into());
        }
        let limit = self.limits()?.max_file_bytes;
        let bytes = http::body_up_to(&request, limit, Refusal::file_too_large(limit)).await?;
        let saved = self.rules(|rules| {
            let content = Content { content_type, bytes };
            rules.put_file(now(), who, repeat.as_ref(), &key, &condition, content)
        })?;
        self.pass_on(saved.delivery)?;
        http::json(if saved.created { 201 } else { 200 }, &saved.file)
    }

    /// Tells of what has happened to tasks by itself. What fails is told by the alarm.
    pub(super) fn settle_tasks(&self) {
        let told = self
            .rules(|rules| rules.settle_tasks(now()))
            .and_then(|deliveries| self.pass_on(deliveries));
        match told {
            // A session that is over has no tasks.
            Ok(()) | Err(nexus_core::Error::Refused(_)) => {}
            Err(error) => log::error("tasks", &error),
        }
    }
}

/// `If-Match` and `If-None-Match`, of a change.
fn condition(request: &Request) -> Result<Condition> {
    let (matches, none) = (request.header("If-Match"), request.header("If-None-Match"));
    Ok(Condition::parse(matches, none)?)
}

/// A file, or the part of it that is asked for. A browser must not take it for a page of this server.
fn send_file(request: &Request, file: FileInfo, content: Vec<u8>) -> Response {
    let mentions = |list: Option<&str>| {
        let tag = |item: &str| item.trim().trim_start_matches("W/") == file.etag;
        list.is_some_and(|list| list.trim() == "*" || list.split(',').any(tag))
    };
    let size = content.len();
    let range = request
        .header("Range")
        .filter(|_| request.header("If-Range").is_none_or(|tag| tag == file.etag));
    let (status, range, body) = if mentions(request.header("If-None-Match")) {
        (304, None, Vec::new())
    } else {
        match range.map(|range| part(range, size)) {
            None | Some(Part::Whole) => (200, None, content),
            Some(Part::Bytes(first, last)) => {
                let part = content.get(first..=last).unwrap_or_default().to_vec();
                (206, Some(format!("bytes {first}-{last}/{size}")), part)
            }
            Some(Part::Outside) => (416, Some(format!("bytes */{size}")), Vec::new()),
        }
    };
    let response = Response::bytes(status, file.content_type, body)
        .with("ETag", file.etag)
        .with("X-File-Version", file.version.to_string())
        .with("X-File-Editor", file.editor.to_string())
        .with("Last-Modified", file.updated_at.to_http())
        .with("Accept-Ranges", "bytes")
        .with("Content-Disposition", "attachment")
        .with("Content-Security-Policy", "default-src 'none'; sandbox");
    match range {
        Some(range) => response.with("Content-Range", range),
        None => response,
    }
}

/// What `Range` asks for.
#[derive(Debug, PartialEq)]
enum Part {
    /// Everything: also where several parts are asked for, or something that is not a range.
    Whole,
    /// From the first to the last byte, both included.
    Bytes(usize, usize),
    /// Nothing that there is.
    Outside,
}

fn part(range: &str, size: usize) -> Part {
    let Some((first, last)) = range.strip_prefix("bytes=").and_then(|range| range.split_once('-'))
    else {
        return Part::Whole;
    };
    let end = size.saturating_sub(1);
    match (first.trim().parse::<usize>(), last.trim().parse::<usize>()) {
        (Ok(first), _) if last.trim().is_empty() && first < size => Part::Bytes(first, end),
        (Ok(first), Ok(last)) if first <= last && first < size => Part::Bytes(first, last.min(end)),
        (Ok(first), Ok(last)) if first > last => Part::Whole,
        (Ok(_), Ok(_)) => Part::Outside,
        (Ok(_), Err(_)) if last.trim().is_empty() => Part::Outside,
        (Err(_), Ok(count)) if first.trim().is_empty() => match count.min(size) {
            0 => Part::Outside,
            count => Part::Bytes(size.saturating_sub(count), end),
        },
        _ => Part::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_http() {
        for (range, expected) in [
            ("bytes=0-3", Part::Bytes(0, 3)),
            ("bytes=4-", Part::Bytes(4, 9)),
            ("bytes=8-99", Part::Bytes(8, 9)),
            ("bytes=-3", Part::Bytes(7, 9)),
            ("bytes=-99", Part::Bytes(0, 9)),
            ("bytes=10-", Part::Outside),
            ("bytes=10-12", Part::Outside),
            ("bytes=-0", Part::Outside),
            ("bytes=5-2", Part::Whole),
            ("bytes=0-1,3-4", Part::Whole),
            ("lines=0-1", Part::Whole),
            ("bytes=x-y", Part::Whole),
        ] {
            assert_eq!(part(range, 10), expected, "{range}");
        }
        assert_eq!(part("bytes=0-", 0), Part::Outside);
    }
}
