//! Making a link to a session (section 4), which takes the session and the index of the code.

use crate::{
    agents,
    calls::{self, AddCode, CreateCode},
    http::{self, Request, Response},
    platform::{self, System},
};
use nexus_core::{Caller, Fault, Need, Random, Result};
use nexus_protocol::{CreatePairing, PairingCode, PairingCreated, Region, SessionId};
use worker::Env;

/// `PUT /v1/pair`, and with `invite` (section 8).
pub(crate) async fn create(request: &Request, env: &Env, need: Need) -> Result<Response> {
    let caller = http::caller(request)?;
    let limits = platform::limits(env)?;
    let CreatePairing { session_id, invite } =
        CreatePairing::parse(&http::body(request, &limits).await?)?;
    let mut created = make(request, env, &session_id, (need, caller), invite.is_some()).await?;
    if let Some(to) = invite {
        let (sender, proof) = (http::sender(request)?, http::proof(request));
        created.invitation = Some(agents::invite(env, (&sender, proof), &to, &created).await?);
    }
    http::json(201, &created)
}

/// Makes a code to a session, if it lets the caller do what the call needs. `invites`: the relay is to pass the
/// link on.
pub(crate) async fn make(
    request: &Request,
    env: &Env,
    session: &SessionId,
    (need, caller): (Need, Caller),
    invites: bool,
) -> Result<PairingCreated> {
    let origin = http::origin(request, env)?;
    let region = calls::place_of(request, env)?.unwrap_or(Region::DEFAULT);
    // Codes that are in use are rare; five tries never meet five of them.
    for _ in 0..5 {
        let code = PairingCode::from_random(region, System.bytes()?);
        // The session first: a code that it does not know of could not be taken back.
        let add = AddCode { need, caller: caller.clone(), code: code.clone(), invites };
        calls::call(env, session.as_str(), &add).await?;
        let create = CreateCode { code: code.clone(), session: session.clone() };
        if let Some(expires_at) = calls::call(env, code.first_word(), &create).await? {
            let url = format!("{origin}/p/{code}");
            return Ok(PairingCreated { code, url, expires_at, invitation: None });
        }
    }
    Err(Fault::new("no free pairing code was found").into())
}
