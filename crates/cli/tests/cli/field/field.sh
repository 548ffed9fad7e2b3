# What scripts have done with the client since its first release: its quick start, its references, and what
# it refused. Every client must print what the first one did (see mod.rs), so this script is not adapted to
# new behaviour.
#
# It needs bash, jq, an empty folder as the current one, the address of a relay in RELAY, and the client in
# PATH. It prints a transcript: `$ command`, what the command wrote to stdout, `exit CODE`.
set -uo pipefail
trap 'kill $(jobs -p) 2>/dev/null' EXIT

FOLDER=$PWD
exec 3>&1 2>&1
log() { printf '%s\n' "$*" >&3; }

# Runs the client, adds what it prints to the transcript, and passes that on to a pipe or a variable.
nexus() {
    log "\$ nexus $*"
    command nexus "$@" >"$FOLDER/stdout" 2>>"$FOLDER/stderr"
    local code=$?
    cat "$FOLDER/stdout" >&3
    log "exit $code"
    cat "$FOLDER/stdout"
    return $code
}
# The same, if nothing is done with the value.
run() { nexus "$@" >/dev/null; }
# Any other program.
show() {
    log "\$ $*"
    "$@" >&3
    log "exit $?"
}
# Adds what a pipe prints to the transcript.
print() { sed 's/^/| /' >&3; }
# Bob says something in the meantime.
bob_says() { HOME=$FOLDER/bob XDG_CONFIG_HOME=$FOLDER/bob/config run send alice-and-me "$1"; }
# Goes to the machine of this agent.
on() {
    log "# on the machine of $1"
    export HOME=$FOLDER/$1
    mkdir -p "$HOME" && cd "$HOME" || exit 1
    unset XDG_CONFIG_HOME NEXUS_URL
}
# Waits until this succeeds, for a minute at most.
until_true() {
    for _ in {1..600}; do
        if "$@"; then return; fi
        sleep 0.1
    done
    log "a minute has passed without: $*"
    exit 1
}

on alice
log '# which server'
run config show
run config set-url "$RELAY/"
run config show
nexus config show | jq -r .effective.serverUrl | print
show jq -c . "$HOME/.config/messaging/config.json"
run config unset
run config unset
run config set-url localhost
NEXUS_URL=$RELAY run config show
run --url "$RELAY" config show
run config set-url "$RELAY"
run ls
run poll-all
run poll-status

log '# you invite'
SESSION=$(nexus create --creator-agent-id alice --ttl 3600 --greeting 'Hello! I am the agent of Alice. Which day suits Bob?' | jq -r .sessionId)
run alias "$SESSION" bob-and-me
LINK=$(nexus pair bob-and-me | jq -r .url)
nexus pair-status "$LINK" | jq -r .state | print
run pair-status "${LINK##*/}"
show jq -c . "$HOME/.config/messaging/aliases.json"
show ls "$HOME/.config/messaging/sessions"
for file in agent key server; do show cat "$HOME/.config/messaging/sessions/$SESSION/$file"; done
for path in . sessions "sessions/$SESSION" "sessions/$SESSION/key"; do
    stat -c %a "$HOME/.config/messaging/$path" | print
done

on bob
log '# you were invited'
export XDG_CONFIG_HOME=$HOME/config
SESSION=$(nexus claim "${LINK:?put the link that you were given into LINK}" --agent-id bob | jq -r .sessionId)
run alias "$SESSION" alice-and-me
nexus poll alice-and-me | jq -r '.messages[] | "\(.agentId): \(.text)"' | print
nexus send alice-and-me 'Hello! Tuesday would be good.' | jq .verified | print
for file in agent key cursor server; do show cat "$XDG_CONFIG_HOME/messaging/sessions/$SESSION/$file"; done
run claim "$LINK" --agent-id bob
run claim "$LINK" --agent-id carol
run pair-status "$LINK"
run poll alice-and-me
run poll alice-and-me
run poll alice-and-me --after 0
run poll alice-and-me --after 1

on alice
log '# go on'
nexus pair-status "$LINK" | jq -r .state | print
nexus poll bob-and-me --members | jq -r '.messages[] | select(.agentId != "alice") | "\(.agentId): \(.text)"' | print
nexus send bob-and-me 'Tuesday at ten, then. Thank you!' | jq .verified | print
run wait bob-and-me --timeout 0
run status bob-and-me
run status "$SESSION"
nexus status "$SESSION" | jq -r '.agents[]' | print
run renew bob-and-me
run renew "$SESSION" --ttl 7200
run renew --ttl=7200 bob-and-me
show cat "$HOME/.config/messaging/sessions/$SESSION/cursor"

log '# sending'
MESSAGE=$(nexus send bob-and-me 'The date:' --json '{"date":"2026-03-03"}' | jq -r .id)
show jq -c 'keys' "$HOME/.config/messaging/server-caps.json"
run send bob-and-me --json '[1,2,3]' --strict
run send --strict --json '{"a":{"b":null,"n":1.50}}' "$SESSION" 'Options first.'
run send bob-and-me 'An answer.' --reply-to "$MESSAGE"
printf 'Two\nlines\n' | nexus send bob-and-me - >/dev/null
run send bob-and-me '- an item of a list'
run send bob-and-me -5
run send bob-and-me --json -5
run send bob-and-me -- '--help'
run send bob-and-me '--what I mean'
run send bob-and-me ''
run send bob-and-me
run send bob-and-me x --json '{'
run send bob-and-me x --reply-to nothing
head -c 70000 /dev/zero | tr '\0' x | nexus send bob-and-me - >/dev/null
run send bob-and-me 'As somebody else.' --agent-id mallory
run --agent-id alice send bob-and-me 'As myself.'
run poll bob-and-me
run poll bob-and-me --after 3
run poll --members --after=0 "$SESSION"
run poll bob-and-me --wait 0
bob_says 'While alice waits.'
run poll bob-and-me --wait
run poll bob-and-me --after x
run broadcast bob-and-me 'The build is green' --topic build --tags ci,main
run poll bob-and-me --topic build
run poll bob-and-me --tags ci
run send bob-and-me 'One of mine, unread.'
run poll bob-and-me --wait 1

on bob
export XDG_CONFIG_HOME=$HOME/config
run poll alice-and-me
run send alice-and-me 'One of mine.'
run wait alice-and-me --timeout 0

on alice
log '# an answer that was waited for'
run send bob-and-me 'What about Wednesday?'
bob_says 'Wednesday is fine.'
nexus wait bob-and-me --timeout 300 | jq -r '.messages[] | select(.agentId != "alice") | .text' | print

log '# many sessions'
run ls
run ls --active
run ls --active --json
nexus ls | jq -r '.sessions[] | [.state, (.aliases | join(",")), .sessionId] | @tsv' | print
bob_says 'For the cron job.'
run poll-all --active --members
nexus poll-all --active >>inbox-cron.jsonl
run poll-all
bob_says 'For the cron job, again.'
nexus poll-all --active | jq -r '.sessions[] | (.aliases[0] // .sessionId) as $name | .page.messages[]? | "\($name) \(.agentId): \(.text)"' | print
jq -r '.sessions[].page.messages[]?.text' inbox-cron.jsonl | print
nexus poll-all | jq '.sessions[] | {sessionId, page, error}' -c | print

log '# aliases'
run alias bob-and-me dentist
run send dentist 'By another name.'
run ls
run unalias dentist
run unalias dentist
run status dentist
run alias bob-and-me 'a b'
run alias bob-and-me -x
run alias bob-and-me "$SESSION"
run alias nothing dentist
run alias "$SESSION"

log '# loops'
run poll-daemon bob-and-me
run poll-daemon bob-and-me --yes --interval 30 --ttl 1
run poll-daemon bob-and-me --yes --interval 0
# Starts a loop in the background. The first argument is its name in `poll-status`.
start() {
    LOOP=$1 ARGUMENTS=${*:2}
    command nexus "${@:2}" >"$LOOP.jsonl" 2>>loops.log 3>&- &
    until_true has_run
}
# Whether the loop has done its first turn.
has_run() { of_loop .lastAt >>loops.log; }
# What `poll-status` tells of it.
of_loop() { command nexus poll-status bob-and-me 2>>loops.log | jq -e ".sessions[0].$LOOP$1"; }
# Stops it as the references say, or else by the shell's own means.
stop() {
    kill "$(of_loop .pid)" || kill "$!"
    wait "$!"
    local code=$?
    log "\$ nexus $ARGUMENTS"
    cat "$LOOP.jsonl" >&3
    log "exit $code"
}
bob_says 'To the daemon.'
start pollDaemon poll-daemon bob-and-me --yes --interval 60 --ttl 3600
run poll-daemon bob-and-me --yes
nexus poll-status | jq -c '.sessions[0].pollDaemon | keys - ["lastError"]' | print
nexus poll-status bob-and-me | jq '.sessions[0].pollDaemon.interval' | print
stop
jq -r --arg me alice '.messages[]? | select(.agentId != $me) | "\(.agentId): \(.text)"' pollDaemon.jsonl | print
run poll bob-and-me
start heartbeat heartbeat bob-and-me --interval 60
run heartbeat bob-and-me
run poll-status
run poll-status "$SESSION"
stop
run heartbeat bob-and-me --interval 9000
run poll-status bob-and-me

log '# refusals'
run
run frobnicate
run status
run status nothing
run status "$SESSION" --frobnicate
run status 000000000000000000000000000000000000000000000000
run create --ttl 0
run create --ttl soon
run create --creator-agent-id 'not a name'
run join "$SESSION"
run join "$SESSION" --agent-id carol
run leave bob-and-me
run pair nothing
run pair-status PEARL-FOCAL-S5SJV
run pair-status nothing
run claim PEARL-FOCAL-S5SJV --agent-id alice
run claim PEARL-FOCAL-S5SJV
LINK=$(nexus pair bob-and-me | jq -r .url)
run claim "$LINK" --agent-id dora
log '# somebody has joined'
run wait bob-and-me --timeout 0
run claim nothing --agent-id alice
run poll-status nothing
run renew bob-and-me --ttl 0
run --url http://127.0.0.1:9 create --creator-agent-id alice
run create --url nothing

log '# one more agent, who joins by the session id'
on nobody
run bind "$SESSION"
run join "$SESSION" --agent-id bob --url "$RELAY"
on carol
run join "$SESSION" --agent-id bob --url "$RELAY"
run --url "$RELAY" join "$SESSION" --agent-id carol --name Carol --capability translate,review --machine lab-3
run join "$SESSION" --agent-id carol
run status "$SESSION"
run poll "$SESSION" --members
run bind "$SESSION" --url "$RELAY"
run --url "$RELAY/" bind "$SESSION"
show cat "$HOME/.config/messaging/sessions/$SESSION/server"
NEXUS_URL=$RELAY run bind "$SESSION"
run bind nothing
run bind "$SESSION" --url nothing
NEXUS_URL=$RELAY run doctor
HOME=$FOLDER/alice run poll bob-and-me --wait 1
log '# a key that is not there, and one that is wrong'
KEY=$HOME/.config/messaging/sessions/$SESSION/key
mv "$KEY" kept
run send "$SESSION" 'Without the key.'
run leave "$SESSION"
NEXUS_URL=$RELAY nexus doctor | jq -c '.checks[] | select(.ok | not)' | print
echo nxk_0123456789abcdefghijklmnopqrstuv >"$KEY"
chmod 600 "$KEY"
run send "$SESSION" 'With another key.'
cp kept "$KEY"
run send "$SESSION" 'With the key.'

log '# an environment that names another server, or makes no sense'
NEXUS_URL=http://127.0.0.1:9 run status "$SESSION"
NEXUS_HTTP_TIMEOUT=soon run status "$SESSION"

log '# the files, written by a script'
on henry
STATE=$HOME/.config/messaging
(umask 077 && mkdir -p "$STATE/sessions/$SESSION")
echo carol >"$STATE/sessions/$SESSION/agent"
cp ../carol/kept "$STATE/sessions/$SESSION/key"
printf '%s' "$RELAY" >"$STATE/sessions/$SESSION/server"
echo 4 >"$STATE/sessions/$SESSION/cursor"
echo "{ \"lab\": \"$SESSION\" }" >"$STATE/aliases.json"
echo "{ \"serverUrl\": \"$RELAY\" }" >"$STATE/config.json"
run config show
run ls
run poll-status lab
run send lab 'From another machine.'
nexus poll lab | jq -c '[.messages[].cursor]' | print
run leave lab
rm -r "$STATE/sessions"
run ls
run status "$SESSION"

log '# sessions that are full, and tokens'
on dave
export NEXUS_URL=$RELAY
SMALL=$(nexus create --max-agents 1 --agent-id dave | jq -r .sessionId)
LINK=$(nexus pair "$SMALL" | jq -r .url)
on erin
run claim "$LINK" --agent-id erin
NEXUS_URL=$RELAY run create
NEXUS_URL=$RELAY run create --token a-token-of-the-team --creator-agent-id erin --ttl 2592000
on frank
export NEXUS_URL=$RELAY
TEAM=$(NEXUS_TOKEN=a-token-of-the-team nexus create --creator-agent-id frank | jq -r .sessionId)
on grace
export NEXUS_URL=$RELAY
run join "$TEAM" --agent-id grace
run join "$TEAM" --agent-id grace --token another-token
NEXUS_TOKEN=a-token-of-the-team run join "$TEAM" --agent-id grace
run leave "$TEAM"
run leave "$TEAM"

log '# a session that has ended'
on ivan
export NEXUS_URL=$RELAY
SHORT=$(nexus create --ttl 1 --agent-id ivan | jq -r .sessionId)
run alias "$SHORT" short
has_ended() { ! command nexus status short >>status.log 2>&1; }
until_true has_ended
run status short
run poll short
run send short 'Too late.'
run renew short
run ls
run ls --active
run poll-all
run poll-all --active
run doctor
run leave short
run leave short
run ls

on bob
log '# the end'
export XDG_CONFIG_HOME=$HOME/config
run leave alice-and-me
run ls
show jq -c . "$XDG_CONFIG_HOME/messaging/aliases.json"
show ls "$XDG_CONFIG_HOME/messaging/sessions"
run poll alice-and-me
NEXUS_URL=$RELAY run doctor
on alice
run status bob-and-me
run doctor
run send bob-and-me --please
echo 'From a pipe.' | nexus send bob-and-me >/dev/null
log '# all is done'
