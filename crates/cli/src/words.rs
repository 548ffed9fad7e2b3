//! Refusals of a relay in the words of this command line. A relay speaks to programs that make requests
//! themselves, and names headers and calls. Its code for the refusal stays.

/// What a relay says, and what it is here.
const WORDS: &[(&str, &str)] = &[
    (
        "Say who you are: add the header X-Agent-Id with your agent id",
        "Say who you are: add --agent-id ID",
    ),
    (
        "Prove who you are: add the header X-Session-Key with the sessionKey from your join, claim or create answer.",
        "This needs your key of the session, and none is stored here. Join with `nexus claim` or `nexus join`, or use the state folder that has the key.",
    ),
    (
        "Join it (POST /v1/sessions/:id/join, or by a link), then add the headers X-Agent-Id and X-Session-Key.",
        "Join it with `nexus join` or `nexus claim`.",
    ),
    (
        "This X-Session-Key does not belong to this agent id. Send the sessionKey from your own join, claim or create answer, or leave the header out.",
        WRONG_KEY,
    ),
    (
        "This X-Session-Key does not belong to this agent id. Send the sessionKey from your own join, claim or create answer.",
        WRONG_KEY,
    ),
    (
        "Prove who you are: add the header Authorization: Bearer SECRET with the secret from your registration (POST /v1/agents).",
        "This needs the secret of your address. Register one with `nexus address register`.",
    ),
    (
        "Send the secret from your own registration (POST /v1/agents), or register first.",
        "Register with `nexus address register`, or use the state folder that has the secret.",
    ),
    (
        "Add the header Authorization: Bearer TOKEN with the token it was created with, or ask for a link (/p/...), which needs none.",
        "Set NEXUS_TOKEN to the token it was created with, or ask for a link, which needs none.",
    ),
    ("link (/p/...)", "link"),
    ("Ask a member for one (/p/...).", "Ask a member for one."),
    (
        "Send the operator's token, the value of ADMIN_TOKEN, as Authorization: Bearer TOKEN.",
        "Only the operator of the relay may do this.",
    ),
    (
        "Join it first (POST .../join), or claim a pairing code.",
        "Join it first with `nexus join`, or claim a link with `nexus claim`.",
    ),
    ("End it (DELETE /v1/sessions/:id), or stop", "End it with `nexus end`, or stop"),
    (
        "The agent id in the path must be the one in X-Agent-Id.",
        "Leave --agent-id out, or name yourself.",
    ),
    ("Leave it out to begin a new conversation.", "Leave --conversation out to begin a new one."),
    (
        "Leave out conversationId to begin a new one.",
        "Leave --conversation out to begin a new one.",
    ),
    (
        "leave out conversationId to begin a new one.",
        "leave --conversation out to begin a new one.",
    ),
    ("conversationId", "conversation"),
    (
        "Add the header X-Session-Key with your sessionKey, or leave `redact` out.",
        "Join with a key, or leave --no-redact out.",
    ),
    (
        "Leave `redact` out, and send the text as a message with your X-Session-Key.",
        "Send the text as a message with `nexus send --no-redact`.",
    ),
    ("Leave `redact` out", "Leave --no-redact out"),
    ("Start a new one (PUT /v1/sessions), or", "Start a new one with `nexus create`, or"),
    ("Its status (GET /v1/sessions/:id) lists its members.", "`nexus status` lists its members."),
    (
        "or look in the directory (GET /v1/agents).",
        "or look in the directory with `nexus address find`.",
    ),
    (
        "Register it (POST register), and register it again after a long absence.",
        "It must register, and again after a long absence.",
    ),
    ("Set one with PUT /v1/sessions/:id/webhook.", "Listen with `nexus listen` instead."),
    ("GET /v1/sessions/:id/tasks lists the tasks.", "`nexus task ls` lists the tasks."),
    ("GET /v1/sessions/:id/files lists the files.", "`nexus file ls` lists the files."),
    (
        "There is nothing at this path. GET /openapi.json lists all paths, GET / explains them.",
        "The server does not know this call. It may be older than this command, or not a relay.",
    ),
    (
        "If it is yours, join with your X-Session-Key.",
        "If it is yours, use the state folder that has its key.",
    ),
    (
        "To repeat your own claim, send it again at once with the same Idempotency-Key.",
        "Your own claim is then repeated.",
    ),
    ("then repeat this request. A link", "then try again. A link"),
    ("take some back (DELETE /v1/pair/CODE), or", "take some back with `nexus revoke`, or"),
    ("(DELETE /v1/sessions/:id/webhook, by the agent that set it)", "(the agent that set it can)"),
    ("Start a new session (PUT /v1/sessions) and", "Start a new session with `nexus create`, and"),
    (
        "Send yours with your X-Session-Key, or join by a link to get one.",
        "Join by a link, with `nexus claim`, to get a key.",
    ),
    (
        "GET /v1/sessions/:id/agents lists who can do what. Use `to` to give",
        "`nexus discover` lists who can do what. Use --to to give",
    ),
    (
        "Read it, apply your change to it, and send it with its ETag in If-Match.",
        "Read it with `nexus file get`, apply your change to it, and put it with --if-version.",
    ),
    (
        "then ask less often: wait=25 or a socket saves polls.",
        "then ask less often: `nexus wait` and `nexus listen` save polls.",
    ),
    (
        "Repeat the request: a message with its Idempotency-Key, or poll first to see whether it arrived. If it fails again, report the X-Request-Id.",
        "Poll first to see whether it arrived, then try again. If it fails again, tell the operator of the relay.",
    ),
];

const WRONG_KEY: &str = "The key that is stored here is not the one of this agent. Join again by a new link (`nexus claim`), or use the state folder that has the key.";

/// The sentence in the words of this command line.
pub(crate) fn of_commands(message: &str) -> String {
    WORDS.iter().fold(message.to_owned(), |message, (theirs, ours)| message.replace(theirs, ours))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sentences of the relay's own table that a command can meet.
    fn sentences() -> Vec<String> {
        let table = include_str!("../../protocol/src/error/table.rs");
        let is_refusal = |line: &&str| {
            line.trim_start().starts_with("(4") || line.trim_start().starts_with("(5")
        };
        let quoted = table.lines().filter(is_refusal).filter_map(|line| line.split('"').nth(1));
        quoted.map(str::to_owned).collect()
    }

    #[test]
    fn no_refusal_speaks_of_requests() {
        let sentences = sentences();
        assert!(sentences.len() > 60, "{}", sentences.len());
        let words = [
            "GET /",
            "POST ",
            "PUT /",
            "DELETE ",
            "PATCH ",
            "X-Session-Key",
            "X-Agent-Id",
            "Bearer",
            "Idempotency-Key, or",
            "/v1/",
            "ETag",
            "sessionKey",
            "conversationId",
            "X-Request-Id",
        ];
        for sentence in sentences {
            let told = of_commands(&sentence);
            let found = words.iter().find(|word| told.contains(**word));
            assert!(found.is_none(), "{found:?} in: {told}");
        }
    }

    #[test]
    fn other_sentences_stay() {
        assert_eq!(of_commands("Wait 3 seconds."), "Wait 3 seconds.");
    }
}
