#!/usr/bin/env python3
"""Seals and opens what goes through an encrypted session (section 10 of the relay's protocol).

Needs Python 3.8 and openssl. The key is in NX_KEY, or in the file that NX_KEY_FILE names: `k1...`, or
the whole link. It reads stdin, writes stdout, and sends nothing anywhere.

  nx.py id                            the key id, for the header X-Key-Id
  nx.py seal NAME [--of SEALED_TASK]  the body of a send, a task or a creation: seals its texts
  nx.py open                          any answer of the relay: opens its texts
  nx.py seal-file NAME FILE [TYPE]    the content of a file of the session
  nx.py open-file EDITOR FILE         and back

SEALED_TASK is the `task` to which a result belongs, as the relay has it: not opened. EDITOR stored
the file: the header X-File-Editor.

`open` says of each text whether it is `open`. What is not was not written by somebody with the
key, and is left out. Signatures, and messages left out by the relay, are not noticed: `nexus` does.
"""
import base64, hashlib, hmac, json, os, re, subprocess, sys

HEADER = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIn0"  # {"alg":"dir","enc":"A256CBC-HS512"}


def stop(why):
    sys.exit(f"nx.py: {why}")


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def mac(key, data):
    return hmac.new(key, data, "sha512").digest()


def derive(info):
    return mac(mac(b"nexus e2e 1", secret().encode()), info.encode() + b"\1")


def secret():
    text, path = os.environ.get("NX_KEY", ""), os.environ.get("NX_KEY_FILE")
    if not text and path:
        try:
            text = open(path).read()
        except OSError:
            stop("the file that NX_KEY_FILE names cannot be read: put the key there.")
    found = re.search(r"\bk1[0-9a-f]{40}\b", text)
    return found.group() if found else stop("set NX_KEY to what stands behind # in the link: k1 and 40 hex digits.")


def key_id():
    return derive("id")[:16].hex()


def aes(way, key, iv, data):
    command = ["openssl", "enc", way, "-aes-256-cbc", "-K", key.hex(), "-iv", iv.hex()]
    try:
        return subprocess.run(command, input=data, capture_output=True)
    except FileNotFoundError:
        stop("openssl is missing: install it, or use nx.mjs with Node.")


def tag(key, iv, data):
    return mac(key, HEADER.encode() + iv + data + (8 * len(HEADER)).to_bytes(8, "big"))[:32]


def seal(sender, field, data):
    key, iv = derive(f"seal/{field}/{sender}"), os.urandom(16)
    sealed = aes("-e", key[32:], iv, data)
    if sealed.returncode:
        stop("openssl could not encrypt: it must know aes-256-cbc.")
    return ".".join([HEADER, "", b64(iv), b64(sealed.stdout), b64(tag(key[:32], iv, sealed.stdout))])


def unseal(sender, field, text):
    """The plaintext, and `open`; or nothing, and why."""
    if not isinstance(text, str) or not re.fullmatch(r"eyJ[\w-]*(\.[\w-]*){4}", text, re.ASCII):
        return None, "altered" if str(text).startswith(HEADER + ".") else "unsealed"
    header, between, *parts = text.split(".")
    if header != HEADER:
        return None, "newer"
    try:
        iv, data, given = map(unb64, parts)
    except ValueError:
        return None, "altered"
    key = derive(f"seal/{field}/{sender}")
    is_canonical = not between and parts == [b64(iv), b64(data), b64(given)]
    if not is_canonical or not hmac.compare_digest(given, tag(key[:32], iv, data)):
        return None, "altered"
    opened = aes("-d", key[32:], iv, data)
    return (None, "altered") if opened.returncode else (opened.stdout, "open")


def hash_of(sealed):
    return b64(hashlib.sha256(sealed.encode()).digest()[:16])


def origin(sender, field):
    return {"s": key_id(), "f": field, "from": sender}


def fields(data, sealed, sender, field, more={}):
    """The object in a plaintext, signed or not. Nothing if it is none, or from elsewhere."""
    is_signed = data.startswith(b"ey")
    try:
        found = json.loads((unb64(data.split(b".")[1].decode()) if is_signed else data).decode())
    except (ValueError, IndexError):
        return None
    here = {**origin(sender, field), **more}
    is_here = isinstance(found, dict) and all(found.get(k, None if is_signed else here[k]) == here[k] for k in here)
    iv = sealed.split(".")[2]
    return found if found and is_here and found.get("iv", iv) == iv and isinstance(found.get("text", ""), str) else None


def to_json(value):
    # Half a character, which is no UTF-8, stays an escape.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")


def seal_value(sender, field, value, more):
    plain = {**origin(sender, field), **more, "text" if isinstance(value, str) else "json": value}
    return seal(sender, field, to_json(plain))


def seal_body(sender, body, of):
    sealed = dict(body)
    if "text" in body or "json" in body:
        inside = {k: body[k] for k in ("to", "replyTo", "text", "json") if k in body}
        sealed.pop("json", None)
        sealed["text"] = seal(sender, "text", to_json({**origin(sender, "text"), **inside}))
    for field in ("greeting", "task", "context", "progress", "result"):
        if field in body and (field != "progress" or isinstance(body[field], str)):
            task = sealed["task"] if "task" in body else of
            more = {"of": hash_of(task)} if task and field in ("context", "progress", "result") else {}
            sealed[field] = seal_value(sender, field, body[field], more)
    return sealed


def open_into(where, name, sender, field, more={}):
    """Opens a field in its place. What it was."""
    sealed = where.pop(name, None)
    data, state = unseal(sender, field, sealed)
    plain = fields(data, sealed, sender, field, more) if state == "open" else None
    if state == "open" and plain is None:
        state = "altered"
    if plain:
        where.update({k: plain[k] for k in ("text", "json") if k in plain} if name == "text" else
                     {name: plain.get("json", plain.get("text"))})
    return {"state": state}


def open_task(task):
    of = {"of": hash_of(str(task.get("task")))}
    senders = {"task": "from", "context": "from", "progress": "assignee", "result": "assignee"}
    task["seal"] = {name: open_into(task, name, task.get(who), name, {} if name == "task" else of)
                    for name, who in senders.items()
                    if name in task and (name != "progress" or isinstance(task[name], str))}


def open_all(answer):
    """Opens every message, task and greeting in an answer."""
    if isinstance(answer, list):
        return [open_all(each) for each in answer]
    if not isinstance(answer, dict):
        return answer
    if "agentId" in answer and {"text", "json", "kind"} & answer.keys():
        kind = answer.get("kind")
        if not kind or kind == "greeting":
            answer.pop("json", None)
            who, field = ("agentId", "text") if not kind else ("by", "greeting")
            answer["seal"] = open_into(answer, "text", answer.get(who), field)
        else:
            # The relay speaks for itself, and in nobody's name.
            if answer["agentId"] != "system":
                answer.pop("text", None)
            if isinstance(answer.get("json"), dict) and isinstance(answer["json"].get("task"), dict):
                open_task(answer["json"]["task"])
    elif "assignee" in answer or isinstance(answer.get("task"), str):
        open_task(answer)
    else:
        for name, value in answer.items():
            answer[name] = open_all(value)
        greeting = answer.get("greeting")
        if isinstance(greeting, dict):
            greeting["seal"] = open_into(greeting, "text", greeting.get("by"), "greeting")
    return answer


def without_seal(found):
    """What the relay says of a text is not what is found here."""
    found.pop("seal", None)
    return found


def read_json(hook=None):
    try:
        return json.loads(sys.stdin.buffer.read().decode(), object_hook=hook)
    except ValueError:
        stop("stdin is no JSON: pass the body, or the answer of the relay.")


def main(command=None, *rest):
    write = sys.stdout.buffer.write
    if command == "id" and not rest:
        write(key_id().encode() + b"\n")
    elif command == "seal" and (len(rest) == 1 or len(rest) == 3 and rest[1] == "--of"):
        body = read_json()
        if not isinstance(body, dict):
            stop("the body must be a JSON object.")
        write(to_json(seal_body(rest[0], body, rest[2] if rest[2:] else None)) + b"\n")
    elif command == "open" and not rest:
        secret()
        write(to_json(open_all(read_json(without_seal))) + b"\n")
    elif command == "seal-file" and len(rest) in (2, 3):
        sender, field = rest[0], "file/" + rest[1]
        line = {**origin(sender, field), "contentType": rest[2] if len(rest) == 3 else "application/octet-stream"}
        write(seal(sender, field, to_json(line) + b"\n" + sys.stdin.buffer.read()).encode())
    elif command == "open-file" and len(rest) == 2:
        sender, field = rest[0], "file/" + rest[1]
        sealed = sys.stdin.buffer.read().decode("utf-8", "replace").strip()
        data, state = unseal(sender, field, sealed)
        line, _, content = (data or b"").partition(b"\n")
        found = fields(line, sealed, sender, field) if state == "open" else None
        own = b64(hashlib.sha256(content).digest())
        if state == "open" and (not found or found.get("hash", own) != own):
            state = "altered"
        if state != "open":
            stop(f"the file is {state}: do not use it, and ask its editor to store it again.")
        write(content)
    else:
        stop("usage: nx.py id | seal NAME [--of SEALED_TASK] | open | seal-file NAME FILE [TYPE] | open-file EDITOR FILE")


if __name__ == "__main__":
    main(*sys.argv[1:])
