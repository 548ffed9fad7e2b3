//! Parts of the launcher by themselves: what would take a minute, or 10 MiB, over HTTP.

use nexus_tests::hosted::package;

#[test]
fn a_window_begins_with_the_first_request_of_a_key_and_ends() {
    package().holds(
        r#"
        import { Limiter } from "./inside/limiter.js";
        let time = 0;
        const limiter = new Limiter(2, 60, { now: () => time });
        const asked = (key) => limiter.allows(key);
        assert.deepEqual([asked("a"), asked("a"), asked("a"), asked("b")], [true, true, false, true]);
        time = 59_999;
        assert.equal(asked("a"), false);
        time = 60_000;
        assert.deepEqual([asked("a"), asked("a"), asked("a")], [true, true, false]);
        assert.equal(limiter.size, 1, "b is forgotten");
        time = 0;
        assert.equal(asked("a"), true, "a clock that goes back locks nobody out");
        "#,
    );
}

#[test]
fn many_keys_take_no_more_memory_and_are_still_counted() {
    package().holds(
        r#"
        import { Limiter } from "./inside/limiter.js";
        let time = 0;
        const limiter = new Limiter(3, 60, { now: () => time, keys: 100 });
        assert.equal(limiter.allows("first"), true);
        let passed = 0;
        for (let n = 0; n < 50_000; n++) passed += limiter.allows(`key ${n}`);
        assert.ok(limiter.size <= 100 + 1024, `${limiter.size}`);
        assert.ok(passed <= 99 + 3 * 1024, `${passed}`);
        assert.deepEqual([1, 2, 3].map(() => limiter.allows("first")), [true, true, false]);
        time = 60_000;
        assert.equal(limiter.allows("key 49999"), true);
        assert.equal(limiter.size, 1);
        "#,
    );
}

#[test]
fn a_log_that_is_long_goes_on_in_a_new_file() {
    package().holds(
        r#"
        import { mkdtempSync, readFileSync, rmSync } from "node:fs";
        import { tmpdir } from "node:os";
        import { join } from "node:path";
        import { LogFile, lines } from "./lib/log.js";
        const folder = mkdtempSync(join(tmpdir(), "log-"));
        const path = join(folder, "relay.log");
        const log = lines(new LogFile(path, 10));
        for (const part of ["one\ntw", "o\n", "three\n", "four\nfi", "ve"]) log.take(Buffer.from(part));
        log.end();
        assert.equal(readFileSync(`${path}.1`, "utf8"), "one\ntwo\nthree\n");
        assert.equal(readFileSync(path, "utf8"), "four\nfive\n");
        lines(new LogFile(path, 10)).take(Buffer.from("six\n"));
        assert.equal(readFileSync(`${path}.1`, "utf8"), "four\nfive\n", "an older file is counted");
        assert.equal(readFileSync(path, "utf8"), "six\n");
        rmSync(folder, { recursive: true });
        "#,
    );
}

#[test]
fn a_log_that_cannot_go_on_in_a_new_file_goes_on_in_the_old_one() {
    package().holds(
        r#"
        import { existsSync, fstatSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync } from "node:fs";
        import { tmpdir } from "node:os";
        import { join } from "node:path";
        import { LogFile } from "./lib/log.js";
        const folder = mkdtempSync(join(tmpdir(), "log-"));
        const told = [];
        process.stderr.write = (text) => told.push(text);
        const gone = join(folder, "gone");
        mkdirSync(gone);
        const log = new LogFile(join(gone, "relay.log"), 4);
        log.write(Buffer.from("one\n"));
        rmSync(gone, { recursive: true });
        log.write(Buffer.from("two\n"));
        // Its number is that of a file which was closed, if one was.
        const other = openSync(join(folder, "other"), "w");
        log.write(Buffer.from("three\n"));
        assert.ok(fstatSync(other).isFile());
        assert.ok(told.length > 0 && told.every((text) => /new file \(ENOENT\)/.test(text)), `${told}`);
        const device = join(folder, "null");
        symlinkSync("/dev/null", device);
        const nothing = new LogFile(device, 4);
        for (let n = 0; n < 3; n++) nothing.write(Buffer.from("gone\n"));
        assert.ok(existsSync(device) && !existsSync(`${device}.1`), "a device is not renamed");
        rmSync(folder, { recursive: true });
        "#,
    );
}

#[test]
fn what_is_told_to_stop_twice_stops_as_gently() {
    package().holds(
        r#"
        import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
        import { tmpdir } from "node:os";
        import { join } from "node:path";
        import { setTimeout as wait } from "node:timers/promises";
        import { Workerd } from "./lib/workerd.js";
        const folder = mkdtempSync(join(tmpdir(), "workerd-"));
        const file = (name) => join(folder, name);
        // Takes its time to stop, as a request would.
        writeFileSync(file("program"), `#!${process.execPath}
          const { existsSync, writeFileSync, writeSync } = require("node:fs");
          const end = () => {
            if (!existsSync("${file("go")}")) return setTimeout(end, 20);
            writeFileSync("${file("done")}", "");
            process.exit();
          };
          process.on("SIGTERM", () => {
            writeFileSync("${file("told")}", "");
            end();
          });
          writeSync(3, '{"event":"listen","socket":"http","port":1}\\n');
          setInterval(() => {}, 1000);
        `, { mode: 0o755 });
        const lock = openSync(file("lock"), "w");
        const log = { take: () => {}, end: () => {} };
        const config = { imports: [], file: "config" };
        const workerd = new Workerd({ program: file("program"), config, address: "", env: process.env, lock, log });
        assert.equal(await workerd.listening, 1);
        workerd.stop();
        workerd.stop();
        const hasEnded = workerd.ended.then(() => true);
        const isTold = () => existsSync(file("told"));
        while (!isTold() && !(await Promise.race([hasEnded, wait(20, false)])));
        writeFileSync(file("go"), "");
        await workerd.ended;
        assert.ok(existsSync(file("done")));
        closeSync(lock);
        rmSync(folder, { recursive: true });
        "#,
    );
}

#[test]
fn a_text_in_the_configuration_stays_a_text() {
    package().holds(
        r#"
        import { quote } from "./lib/config.js";
        assert.equal(quote('a "b" \\ \u00e9\n'), '"a \\"b\\" \\\\ \u00e9\\x0a"');
        "#,
    );
}

#[test]
fn a_user_without_a_home_names_the_folder_of_the_data() {
    package().holds(
        r#"
        import { syncBuiltinESMExports } from "node:module";
        import os from "node:os";
        delete process.env.HOME;
        delete process.env.XDG_DATA_HOME;
        // As for the users that systemd makes up.
        os.userInfo = () => { throw new Error("the system does not know this user"); };
        syncBuiltinESMExports();
        const { deployment } = await import("./lib/config.js");
        const { read } = await import("./lib/options.js");
        assert.throws(() => read([], deployment()), /has no home.*--data DIR/);
        assert.equal(read(["--data", "/srv/data"], deployment()).options.data, "/srv/data");
        process.env.XDG_DATA_HOME = "/srv/own";
        assert.equal(read([], deployment()).options.data, "/srv/own/nexus-relay");
        "#,
    );
}

#[test]
fn a_system_without_authorities_gets_those_of_node() {
    package().holds(
        r#"
        import { X509Certificate } from "node:crypto";
        import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
        import { tmpdir } from "node:os";
        import { join } from "node:path";
        import { withAuthorities } from "./lib/authorities.js";
        const folder = mkdtempSync(join(tmpdir(), "authorities-"));
        const exists = () => false;
        for (const system of [
          { env: { A: "1" }, exists: (file) => file === "/etc/ssl/cert.pem" },
          { env: { A: "1" }, exists, platform: "darwin" },
          { env: { A: "1", SSL_CERT_FILE: "/own" }, exists },
          { env: { A: "1", SSL_CERT_DIR: "/own" }, exists },
        ]) {
          assert.equal(withAuthorities(folder, system), system.env);
        }
        assert.deepEqual(readdirSync(folder), []);
        const { SSL_CERT_FILE: file, ...others } = withAuthorities(folder, { env: { A: "1" }, exists });
        assert.deepEqual(others, { A: "1" });
        const found = readFileSync(file, "utf8").match(/-----BEGIN[^]*?-----END CERTIFICATE-----/g);
        assert.ok(found.length > 50 && found.every((pem) => new X509Certificate(pem).ca), `${found.length}`);
        rmSync(folder, { recursive: true });
        "#,
    );
}

#[test]
fn a_linux_without_glibc_is_told_what_the_relay_needs() {
    package().holds(
        r#"
        import { findWorkerd } from "./lib/workerd.js";
        assert.match(findWorkerd(), /workerd/);
        // As on Alpine.
        process.report.getReport = () => ({ header: {} });
        assert.throws(findWorkerd, /glibc.*Alpine/);
        "#,
    );
}

#[test]
fn webhooks_reach_private_addresses_only_if_the_variable_says_so() {
    package().holds(
        r#"
        import { mkdtempSync, readFileSync, rmSync } from "node:fs";
        import { tmpdir } from "node:os";
        import { join } from "node:path";
        import { deployment, write } from "./lib/config.js";
        import { read } from "./lib/options.js";
        const data = mkdtempSync(join(tmpdir(), "config-"));
        const allowed = (...words) => {
          const { options } = read(["--data", data, ...words], deployment());
          return /allow = \[.*\]/.exec(readFileSync(write(deployment(), options).file, "utf8"))[0];
        };
        assert.equal(allowed(), 'allow = ["public"]');
        assert.equal(allowed("--var", "ALLOW_PRIVATE_WEBHOOKS=on"), 'allow = ["public", "private"]');
        rmSync(data, { recursive: true });
        "#,
    );
}

#[test]
fn other_programs_copy_what_node_cannot() {
    package().holds(
        r#"
        import { spawnSync } from "node:child_process";
        import { existsSync, mkdtempSync, rmSync } from "node:fs";
        import { tmpdir } from "node:os";
        import { join } from "node:path";
        import { PROGRAMS } from "./lib/backup.js";
        process.env.PATH = "/usr/bin:/bin";
        const folder = mkdtempSync(join(tmpdir(), "it's a copy "));
        const [from, to] = ["from", "to"].map((name) => join(folder, `${name}.sqlite`));
        const python = (path, script) => {
          const words = ["-c", `import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1])\n${script}`, path];
          return spawnSync("python3", words, { encoding: "utf8" }).stdout;
        };
        python(from, "db.executescript('PRAGMA journal_mode = wal; CREATE TABLE t AS SELECT 7 AS n')");
        const here = PROGRAMS.filter(({ test }) => spawnSync(...test).status === 0);
        assert.ok(here.length > 0);
        for (const { test, copy } of here) {
          assert.equal(copy(from, to), undefined, test[0]);
          assert.equal(python(to, "print(db.execute('SELECT n FROM t').fetchone())"), "(7,)\n");
          assert.match(copy(from, to), /already exists/, test[0]);
          assert.ok(!existsSync(`${from}-wal`));
          rmSync(to);
        }
        rmSync(folder, { recursive: true });
        "#,
    );
}
