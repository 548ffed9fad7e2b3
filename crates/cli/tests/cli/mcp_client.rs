//! `nexus mcp` with a real client: the library `mcp` of `PyPI`, in both eras.

use crate::support::{Home, NEXUS};
use serde_json::{Value, json};
use std::{io::Write, process::Stdio};

/// Two agents, each with a client of its own. It prints what they saw.
const PROGRAM: &str = "
import anyio, json, sys
from mcp import Client, StdioServerParameters

given = json.load(sys.stdin)

def client(name, mode):
    # Of the environment only what the library passes on by itself, and this.
    env = given[name]
    return Client(StdioServerParameters(command=given['nexus'], args=['mcp'], env=env), mode=mode)

async def call(client, tool, **arguments):
    result = await client.call_tool(tool, arguments)
    text = result.content[0].text
    if not result.is_error:
        assert json.loads(text) == result.structured_content, text
    return {'error': text} if result.is_error else result.structured_content

async def main():
    async with client('alice', given['modes'][0]) as alice, client('bob', given['modes'][1]) as bob:
        seen = {'versions': [alice.session.protocol_version, bob.session.protocol_version]}
        tools = (await alice.list_tools()).tools
        seen['tools'] = [tool.name for tool in tools]
        invited = await call(alice, 'invite', name='alice', greeting='Which day?')
        joined = await call(bob, 'join', link=invited['link'], name='bob')
        seen['greeting'] = joined['messages'][0]['text']
        await call(alice, 'read', wait=5)
        # A caller that loses patience cancels the call, and the message is not lost.
        with anyio.move_on_after(1) as scope:
            await call(alice, 'read', wait=50)
        seen['cancelled'] = scope.cancelled_caught
        # While one call waits, another one does something.
        async with anyio.create_task_group() as group:
            async def read():
                seen['read'] = [one['text'] for one in (await call(alice, 'read', wait=20))['messages']]
            group.start_soon(read)
            await call(bob, 'send', text='Tuesday.')
        seen['again'] = (await call(alice, 'read'))['messages']
        seen['refused'] = await call(alice, 'send', text='x', to=['nobody'])
        task = await call(alice, 'task', text='Book it', to='bob')
        await call(bob, 'task', id=task['id'], status='completed', result='Room 4')
        done = await call(alice, 'task', id=task['id'])
        seen['task'] = [done['text'], done['status'], done['result']]
        seen['seals'] = [joined['messages'][0].get('seal'), done.get('seal')]
        seen['left'] = await call(bob, 'leave')
        try:
            await alice.call_tool('delete_everything', {})
        except Exception as error:
            seen['unknown'] = str(error)
        print(json.dumps(seen))

anyio.run(main)
";

fn run(modes: [&str; 2], sealed: &str) -> Value {
    let relay = nexus_tests::relay();
    let homes = [Home::new(&relay.url()), Home::new(&relay.url())];
    homes[0].nexus(&["config", "set", "sealed", sealed]).done();
    let env = |home: &Home| json!({ "NEXUS_HOME": home.state(), "NEXUS_URL": relay.url() });
    let given = json!({
        "nexus": NEXUS, "modes": modes, "alice": env(&homes[0]), "bob": env(&homes[1]),
    });
    let python = nexus_tests::libraries::MCP.python().unwrap();
    let mut command = homes[0].wrapped(&python);
    let mut running = command.args(["-c", PROGRAM]).stdin(Stdio::piped()).spawn().unwrap();
    running.stdin.take().unwrap().write_all(given.to_string().as_bytes()).unwrap();
    let output = running.wait_with_output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{told}");
    for secret in ["nxk_", "nxs_"] {
        assert!(!told.contains(secret), "{told}");
    }
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{told}"))
}

#[test]
fn agents_of_both_eras_talk_through_a_real_client() {
    for (modes, versions, sealed) in [
        (["auto", "legacy"], ["2026-07-28", "2025-11-25"], "off"),
        (["legacy", "auto"], ["2025-11-25", "2026-07-28"], "off"),
        (["auto", "legacy"], ["2026-07-28", "2025-11-25"], "on"),
    ] {
        let seen = run(modes, sealed);
        let seal = if sealed == "on" { json!({ "state": "open" }) } else { Value::Null };
        assert_eq!(seen["seals"], json!([seal, seal]));
        assert_eq!(seen["task"], json!(["Book it", "completed", "Room 4"]));
        assert_eq!(seen["left"], json!({ "left": true }));
        assert_eq!(seen["versions"], json!(versions));
        let tools = ["invite", "join", "send", "read", "task", "leave", "address"];
        assert_eq!(seen["tools"], json!(tools));
        assert_eq!(seen["greeting"], "Which day?");
        assert_eq!(seen["cancelled"], true);
        assert_eq!(seen["read"], json!(["Tuesday."]));
        assert_eq!(seen["again"], json!([]));
        assert!(seen["refused"]["error"].as_str().unwrap().contains("`read` with `members`"));
        assert!(seen["unknown"].as_str().unwrap().contains("no such tool"), "{seen}");
    }
}
