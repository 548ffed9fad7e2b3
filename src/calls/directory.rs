//! The directories: one for each region, near what it counts; and one for all that comes from nowhere that is known,
//! which in a jurisdiction is the only one.

use super::{Call, Object, object::answered};
use crate::{http::Request, platform};
use futures_util::future::join_all;
use nexus_core::{Fault, Listing, Place, Report, Result, Search, Tally, Traced};
use nexus_protocol::{Activity, AgentId, Region, Stats, Timestamp};
use serde::{Deserialize, Serialize};
use worker::Env;

/// The region in whose directory is counted what this request begins.
pub(crate) fn place_of(request: &Request, env: &Env) -> Result<Option<Region>> {
    // A jurisdiction is one place.
    let is_anywhere = platform::jurisdiction(env)?.is_falsy();
    Ok(if is_anywhere { request.region() } else { None })
}

/// Calls the directory of a region.
pub(crate) async fn call_directory<C: Call>(
    env: &Env,
    region: Option<Region>,
    call: &C,
) -> Result<C::Answer> {
    let body = serde_json::to_string(call).map_err(Fault::new)?;
    answered::<C>(&ask(env, region, C::NAME, &body).await?)
}

/// Calls all directories of this deployment at once, as far as there can be more than one.
pub(crate) async fn ask_directories<C: Call>(
    request: &Request,
    env: &Env,
    call: &C,
) -> Result<Vec<C::Answer>> {
    ask_each(request, env, call).await?.into_iter().collect()
}

/// The same, if one that does not answer is not to fail the others.
pub(crate) async fn ask_each<C: Call>(
    request: &Request,
    env: &Env,
    call: &C,
) -> Result<Vec<Result<C::Answer>>> {
    let body = serde_json::to_string(call).map_err(Fault::new)?;
    let answers = ask_all(request, env, C::NAME, &body).await?;
    Ok(answers.into_iter().map(|answer| answered::<C>(&answer?)).collect())
}

async fn ask_all(
    request: &Request,
    env: &Env,
    name: &str,
    body: &str,
) -> Result<Vec<Result<String>>> {
    let has_regions = platform::jurisdiction(env)?.is_falsy() && request.is_placed();
    let regions = Region::ALL.into_iter().filter(|_| has_regions).map(Some);
    let asked = regions.chain([None]).map(|region| ask(env, region, name, body));
    Ok(join_all(asked).await)
}

async fn ask(env: &Env, region: Option<Region>, name: &str, body: &str) -> Result<String> {
    let object = match region {
        Some(region) => format!("directory-{}", region.hint()),
        None => "directory".to_owned(),
    };
    Object::named(env, "DIRECTORY", &object, region)?.called(name, body).await
}

/// To a `Directory`: what sessions tell of themselves.
#[derive(Serialize, Deserialize)]
pub(crate) struct Reports {
    pub(crate) reports: Vec<Report>,
}

impl Call for Reports {
    const BINDING: &'static str = "DIRECTORY";
    const NAME: &'static str = "reports";
    type Answer = ();
}

/// To a `Directory`: the counters.
#[derive(Serialize, Deserialize)]
pub(crate) struct ReadStats {}

impl Call for ReadStats {
    const BINDING: &'static str = "DIRECTORY";
    const NAME: &'static str = "stats";
    type Answer = Stats;
}

/// To a `Directory`: what was counted of requests and messages.
impl Call for Tally {
    const BINDING: &'static str = "DIRECTORY";
    const NAME: &'static str = "tally";
    type Answer = ();
}

/// To a `Directory`: what happened lately.
#[derive(Serialize, Deserialize)]
pub(crate) struct ReadActivity {}

impl Call for ReadActivity {
    const BINDING: &'static str = "DIRECTORY";
    const NAME: &'static str = "activity";
    type Answer = Activity;
}

/// To a `Directory`: what it knows of the session whose digest begins with these digits.
#[derive(Serialize, Deserialize)]
pub(crate) struct Trace {
    pub(crate) digits: String,
}

impl Call for Trace {
    const BINDING: &'static str = "DIRECTORY";
    const NAME: &'static str = "trace";
    type Answer = Option<Traced>;
}

/// To a `Directory`: what a mailbox tells of its agent.
impl Call for Listing {
    const BINDING: &'static str = "DIRECTORY";
    const NAME: &'static str = "enlist";
    type Answer = ();
}

/// To a `Directory`: which agents are listed, and whether there are more.
#[derive(Serialize, Deserialize)]
pub(crate) struct FindAgents {
    pub(crate) search: Search,
}

impl Call for FindAgents {
    const BINDING: &'static str = "DIRECTORY";
    const NAME: &'static str = "find-agents";
    type Answer = (Vec<Place>, bool);
}

/// To a `Directory`: when a listed agent was last heard.
#[derive(Serialize, Deserialize)]
pub(crate) struct WhenHeard {
    pub(crate) agent: AgentId,
}

impl Call for WhenHeard {
    const BINDING: &'static str = "DIRECTORY";
    const NAME: &'static str = "when-heard";
    type Answer = Option<Timestamp>;
}
