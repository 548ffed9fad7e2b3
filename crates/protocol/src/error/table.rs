//! Every error of the relay (section 6): its code, followed by its sentences.
//!
//! A line `(status, section) name(values): "sentence", extra(value);` defines the refusal that
//! `Refusal::name` makes: the HTTP status, the section of the protocol that describes it, and what
//! the caller reads. Extras are further fields and headers. A new error is one line here, one in
//! `docs/protocol.md` and one in `docs/openapi.json`. `tests/documents.rs` compares them.

/// Passes the whole table to the macro `each`.
macro_rules! errors {
    ($each:ident) => { $each! {
    InvalidBody {
        (400, 1) invalid_body(why: &str): "The body is not JSON ({why}). Send one JSON object in UTF-8 with Content-Type: application/json.";
    }
    InvalidRequest {
        (400, 1) invalid_list(list: &str): "Correct the request and send it again: {list}.";
    }
    MissingAgentId {
        (400, 1) missing_agent_id(): "Say who you are: add the header X-Agent-Id with your agent id (1 to 128 letters, digits, _ or -).";
    }
    MissingSessionKey {
        (401, 2) missing_session_key(): "Prove who you are: add the header X-Session-Key with the sessionKey from your join, claim or create answer.";
        (401, 2) keys_required(): "Every call to this session must prove a key. Join it (POST /v1/sessions/:id/join, or by a link), then add the headers X-Agent-Id and X-Session-Key.";
    }
    InvalidSessionKey {
        (401, 2) wrong_key_where_needed(): "This X-Session-Key does not belong to this agent id. Send the sessionKey from your own join, claim or create answer.";
        (403, 2) wrong_key(): "This X-Session-Key does not belong to this agent id. Send the sessionKey from your own join, claim or create answer, or leave the header out.";
    }
    MissingSecret {
        (401, 8) missing_secret(): "Prove who you are: add the header Authorization: Bearer SECRET with the secret from your registration (POST /v1/agents).";
    }
    InvalidSecret {
        (401, 8) invalid_secret(): "This secret does not belong to this agent id. Send the secret from your own registration (POST /v1/agents), or register first.";
    }
    MissingToken {
        (401, 9) missing_token(): "This session requires a token. Add the header Authorization: Bearer TOKEN with the token it was created with, or ask for a link (/p/...), which needs none.";
    }
    InvalidToken {
        (401, 9) invalid_token(): "This is not the token of this session. Ask its creator for the right one, or for a link (/p/...), which needs none.";
        (401, 5) not_the_operator(): "Send the operator's token, the value of ADMIN_TOKEN, as Authorization: Bearer TOKEN.";
    }
    Forbidden {
        (403, 2) not_in_session(): "This agent id is not a member of the session. Join it first (POST .../join), or claim a pairing code.", reason("agent_not_in_session");
        (403, 2) creator_cannot_leave(): "The creator can neither leave the session nor be removed. End it (DELETE /v1/sessions/:id), or stop using it: it deletes itself when its TTL runs out.";
        (403, 2) not_yourself(): "An agent can only act for itself. The agent id in the path must be the one in X-Agent-Id.";
        (403, 2) not_the_creator(): "Only the creator of the session may do this. Ask the creator.", reason("not_the_creator");
        (403, 8) conversation_of_others(): "You use this conversationId with another agent. Leave it out to begin a new conversation.", reason("conversation_of_others");
        (403, 9) not_the_assignee(): "Only the assignee of a task may report on it. Read the task to see who that is now.", reason("not_the_assignee");
        (403, 9) not_the_asker(): "Only the agent that gave a task may cancel or reassign it. Ask that agent.", reason("not_the_asker");
    }
    LinkRequired {
        (403, 2) link_required(): "This session can only be joined by a link. Ask a member for one (/p/...).";
    }
    KeyRequired {
        (403, 10) key_required(): "This conversation is encrypted end to end. Claim with the whole link, the part behind # included. The code is still good. If your link has no #, ask for it again.";
        (403, 10) key_required_of_dialect(): "This conversation is encrypted end to end, which this protocol cannot do. Use `nexus`, or open its link (/p/...) in a browser.", reason("dialect");
    }
    WrongKey {
        (403, 10) wrong_key_id(): "This X-Key-Id does not belong to the key of this conversation. Compute it from the part of your link behind #, exactly as you were given it. The code is still good. If it is wrong again, ask for the link again.";
    }
    EncryptionRequired {
        (400, 10) encryption_required(field: &str): "This conversation is encrypted end to end, and `{field}` is not sealed. Nothing was stored. Seal it with the key behind # in your link (`nexus` does so by itself), and leave `json` of a message out.", reason("not_sealed");
        (409, 8) link_lacks_key(): "This conversation is encrypted end to end, and the relay does not have the key that its links end with. Leave `invite` out, append # and the key to the link, and send it by another way.", reason("no_key");
    }
    RedactionRequired {
        (403, 7) redaction_needs_key(): "Only a proven sender may send a message that is not searched for secrets. Add the header X-Session-Key with your sessionKey, or leave `redact` out.", reason("not_proven");
        (403, 7) greeting_is_redacted(): "A greeting is always searched for secrets, because nobody has proven a key yet. Leave `redact` out, and send the text as a message with your X-Session-Key.", reason("not_proven");
        (403, 7) redaction_required(): "This session takes no message that is not searched for secrets. Leave `redact` out, or start a session with a token, if this relay allows it there (ALLOW_UNREDACTED).", reason("not_permitted");
        (403, 7) redaction_required_of_mail(): "This relay takes no mail that is not searched for secrets. Leave `redact` out, or ask its operator to set ALLOW_UNREDACTED to on.", reason("not_permitted");
    }
    Blocked {
        (403, 8) blocked(): "The recipient has blocked you and takes no messages from you. Do not try again.";
    }
    NotAllowed {
        (403, 8) not_allowed(): "The recipient takes messages only from agents on its allow list. Ask its owner to add you.";
    }
    SessionNotFound {
        (404, 5) no_session_of_request(): "No session here belongs to this request id. Check its 16 digits. Or the request named no session, the session has ended, or another relay answered the request.";
        (404, 5) session_not_sealed(): "This session was last heard before ADMIN_TOKEN was set or changed, so the relay cannot find it. Try again after somebody has used it.", reason("not_heard");
        (404, 2) session_not_found(): "There is no such session. The id is wrong, or the session has ended and was deleted. Start a new one (PUT /v1/sessions), or ask the other side for a new link.";
    }
    CodeNotFound {
        (404, 4) code_not_found(): "There is no such pairing code. Check its spelling, or ask the person who gave it to you for a new link.";
        (404, 10) key_shown(): "This request has shown the relay the key of an encrypted conversation, the part of its link behind #. Perhaps a mail filter has changed # to %23. Do not use this link any more, and ask by another way for a link to a new session.", reason("key_shown");
        (404, 4) code_malformed(): "This is not a pairing code, which has two words and five more letters or digits. Copy the link again, or ask the person who gave it to you for a new one.", reason("malformed");
    }
    CodeExpiredOrUsed {
        (404, 4) code_over(): "This pairing code has been used or has expired. Ask the person who gave it to you for a new link.";
    }
    AgentNotFound {
        (404, 2) agent_not_found(agent: &str): "There is no agent {agent} in this session. Its status (GET /v1/sessions/:id) lists its members.";
        (404, 8) no_address(agent: &str): "There is no agent {agent} registered here. Check its id, or look in the directory (GET /v1/agents).";
        (404, 9) not_registered(): "No agent of this name is in the session. Register it (POST register), and register it again after a long absence.";
    }
    MessageNotFound {
        (404, 8) message_not_found(): "You have sent this agent no message with this id, or it was deleted long ago. Check both ids.";
    }
    ConversationNotFound {
        (404, 8) conversation_not_found(): "You have no conversation with this id, or it was deleted long ago. Check the id.";
    }
    WebhookNotFound {
        (404, 3) webhook_not_found(): "You have no webhook in this session. Set one with PUT /v1/sessions/:id/webhook.";
    }
    TaskNotFound {
        (404, 9) task_not_found(): "There is no task with this id in the session. GET /v1/sessions/:id/tasks lists the tasks.";
    }
    FileNotFound {
        (404, 9) file_not_found(): "There is no such file in the session, or this version is no longer kept (the last 10 are). GET /v1/sessions/:id/files lists the files.";
    }
    NotFound {
        (404, 5) not_found(): "There is nothing at this path. GET /openapi.json lists all paths, GET / explains them.";
    }
    MethodNotAllowed {
        (405, 1) method_not_allowed(methods: String): "This path does not take that method. Use {methods}.", allow(methods);
    }
    SessionFull {
        (409, 2) session_full(seats: usize): "All {seats} seats of the session are taken. Ask the agent that invited you to remove a member, then repeat this request. A link stays good until its time is over.", limit(seats), of(LimitKind::Seats);
    }
    AgentIdTaken {
        (409, 2) agent_id_taken(): "Another agent of this session has this agent id. Choose another one. If it is yours, join with your X-Session-Key.";
        (409, 8) address_taken(): "This agent id is already registered. Choose another one. If it is yours, use the secret it was registered with.";
    }
    ClaimInProgress {
        (409, 4) claim_in_progress(seconds: u32): "Another claim of this code is not finished. Try again in {seconds} seconds. To repeat your own claim, send it again at once with the same Idempotency-Key.", retry_after(seconds);
    }
    ConversationEnded {
        (409, 8) conversation_ended(reason: &'static str): "This conversation has ended. Leave out conversationId to begin a new one.", reason(reason);
    }
    ConversationTurnsExceeded {
        (409, 8) conversation_turns_exceeded(turns: u32): "This conversation has had its {turns} turns. If there is more to say, leave out conversationId to begin a new one.", limit(turns), of(LimitKind::Turns);
    }
    InboxFull {
        (409, 8) inbox_full(limit: usize, unit: &str): "The recipient already has {limit} {unit} waiting. Try again after it has read some.", limit(limit), of(LimitKind::Inbox);
        (409, 8) inbox_full_of_yours(limit: usize, unit: &str): "The recipient already has {limit} {unit} of yours waiting, the most of one sender. Try again after it has read some.", reason("sender_share"), limit(limit), of(LimitKind::Inbox);
        (409, 8) inbox_full_of_strangers(limit: usize, unit: &str): "The recipient already has {limit} {unit} waiting, and keeps the rest of its inbox for agents on its allow list. Try again after it has read some, or ask its owner to add you.", reason("allow_list"), limit(limit), of(LimitKind::Inbox);
    }
    ListFull {
        (409, 4) too_many_links(limit: usize): "This session already has {limit} unused links. Pass on one of them, take some back (DELETE /v1/pair/CODE), or wait until they expire.", limit(limit), of(LimitKind::OpenLinks);
        (409, 3) too_many_webhook_hosts(limit: u32): "The webhooks of this session already lead to {limit} hosts. Use one of these hosts, or remove a webhook first (DELETE /v1/sessions/:id/webhook, by the agent that set it).", limit(limit), of(LimitKind::WebhookHosts);
        (409, 8) list_full(agents: u32): "The list already has {agents} agents. Remove one first.", limit(agents), of(LimitKind::Lists);
    }
    LogFull {
        (409, 3) log_full(limit: usize, unit: &str): "This session has reached its limit of {limit} {unit} and takes nothing more. Start a new session (PUT /v1/sessions) and send its link by another way.", limit(limit), of(LimitKind::Messages);
    }
    UnprovenFull {
        (409, 3) unproven_full(limit: usize, unit: &str): "Messages without a proof have reached their limit of {limit} {unit} in this session. Send yours with your X-Session-Key, or join by a link to get one.", limit(limit), of(LimitKind::Unproven);
    }
    IllegalTransition {
        (409, 9) illegal_transition(state: &'static str, next: &str): "The task is {state} and cannot become {next}. A task goes from pending to accepted, to in_progress, and then to completed, failed or declined.", state(state);
    }
    NoAgentAvailable {
        (409, 9) no_agent_available(capability: &str): "No other online member has the capability {capability}. GET /v1/sessions/:id/agents lists who can do what. Use `to` to give the task to a member by name.";
    }
    VersionConflict {
        (412, 9) version_conflict(version: u32): "The file has changed. Its version is now {version} (0: it does not exist). Read it, apply your change to it, and send it with its ETag in If-Match.", version(version);
    }
    MessageTooLarge {
        (413, 3) message_too_large(what: &str, limit: usize): "The {what} is larger than {limit} bytes. Shorten it, or split it into several messages.", limit(limit), of(LimitKind::MessageSize);
    }
    FileTooLarge {
        (413, 9) file_too_large(limit: usize): "The file is larger than {limit} bytes. Split it, or share a link.", limit(limit), of(LimitKind::FileSize);
    }
    UnsupportedEncoding {
        (415, 1) compressed_body(): "The body is compressed. Send it as it is, without Content-Encoding.";
    }
    IdempotencyKeyReused {
        (422, 3) idempotency_key_reused(): "You have used this Idempotency-Key for another request, and this one was not carried out. Send it again with a new key.";
    }
    StorageFull {
        (413, 9) storage_full(limit: usize, unit: &str): "The files of this session, kept versions included, may take at most {limit} {unit}. Delete some first.", limit(limit), of(LimitKind::Files);
    }
    RateLimitExceeded {
        (429, 1) rate_limit_exceeded(seconds: u32): "Too many requests from your IP address. Wait {seconds} seconds, then poll less often.", retry_after(seconds), of(LimitKind::Requests);
        (429, 1) agent_rate_exceeded(requests: u32, seconds: u32): "You have made {requests} requests here within a minute. Wait {seconds} seconds, then ask less often: wait=25 or a socket saves polls.", retry_after(seconds), of(LimitKind::Agent);
        (429, 3) too_many_streams(limit: usize): "You already have {limit} event streams that have not come to the end of the log. Read one of them on, or close it.", limit(limit), retry_after(15), of(LimitKind::Streams);
        (429, 1) too_many_guesses(seconds: u32): "Your IP address has tried too many wrong codes or secrets. Wait {seconds} seconds, then use yours exactly as you were given it.", retry_after(seconds), of(LimitKind::Guesses);
    }
    SenderRateExceeded {
        (429, 8) sender_rate_exceeded(messages: u32, seconds: u32): "You have sent this agent {messages} messages within a minute. Wait {seconds} seconds, then send less often.", retry_after(seconds), of(LimitKind::Sender);
        (429, 8) signed_too_often(frames: u32, seconds: u32): "You have signed {frames} frames within a minute. Wait {seconds} seconds, then send fewer.", retry_after(seconds), of(LimitKind::Sender);
    }
    InternalError {
        (500, 6) internal(): "The relay failed. Repeat the request: a message with its Idempotency-Key, or poll first to see whether it arrived. If it fails again, report the X-Request-Id.";
    }
    }};
}

pub(super) use errors;
