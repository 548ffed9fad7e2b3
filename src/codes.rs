//! Making a link to a session (section 4), which takes the session and the index of the code.

use crate::{
    agents,
    calls::{self, AddCode, CreateCode},
    http::{self, Request, Response},
    platform::{self, System},
};
use nexus_core::{Fault, Need, Random, Result};
use nexus_protocol::{CreatePairing, PairingCode, PairingCreated, Region};
use worker::Env;

/// `PUT /v1/pair`, and with `invite` (section 8).
pub(crate) async fn create(request: &Request, env: &Env, need: Need) -> Result<Response> {
    let caller = http::caller(request)?;
    let limits = platform::limits(env)?;
    let CreatePairing { session_id, invite } =
        CreatePairing::parse(&http::body(request, &limits).await?)?;
    let origin = http::origin(request, env)?;
    let region = calls::place_of(request, env)?.unwrap_or(Region::DEFAULT);
    // Codes that are in use are rare; five tries never meet five of them.
    for _ in 0..5 {
        let code = PairingCode::from_random(region, System.bytes()?);
        // The session first: a code that it does not know of could not be taken back.
        let add = AddCode { need, caller: caller.clone(), code: code.clone() };
        calls::call(env, session_id.as_str(), &add).await?;
        let create = CreateCode { code: code.clone(), session: session_id.clone() };
        if let Some(expires_at) = calls::call(env, code.first_word(), &create).await? {
            let url = format!("{origin}/p/{code}");
            let mut created = PairingCreated { code, url, expires_at, invitation: None };
            if let Some(to) = invite {
                created.invitation = Some(agents::invite(request, env, &to, &created).await?);
            }
            return http::json(201, &created);
        }
    }
    Err(Fault::new("no free pairing code was found").into())
}
