//! Files, for people: sharing, versions, previews, and what a hostile one cannot do.

use crate::{assert_quiet, beside, open_panel, press, talk};
use base64::{Engine, prelude::BASE64_STANDARD};
use nexus_tests::{Member, browser::Browser, eventually, string};
use serde_json::{Value, json};

pub(crate) fn put(by: &Member, key: &str, bytes: &[u8]) {
    let answer = by.call("PUT", &format!("/files/{key}")).body(bytes).send();
    assert!(answer.status < 300, "{}", answer.text());
}

fn stored(member: &Member, key: &str) -> Vec<u8> {
    member.call("GET", &format!("/files/{key}")).send().bytes().to_vec()
}

/// A script that makes `data`, a `DataTransfer` with one file.
fn transfer(name: &str, bytes: &[u8]) -> String {
    format!(
        "const data = new DataTransfer();
         const bytes = Uint8Array.from(atob('{}'), (one) => one.charCodeAt(0));
         data.items.add(new File([bytes], {}, {{ type: 'text/plain' }}));",
        BASE64_STANDARD.encode(bytes),
        json!(name)
    )
}

/// Chooses a file to share.
pub(crate) fn share(browser: &Browser, name: &str, bytes: &[u8]) {
    browser.run(&format!(
        "{}
         const input = document.querySelector('#files-panel input[type=file]');
         input.files = data.files;
         input.dispatchEvent(new Event('change'));",
        transfer(name, bytes)
    ));
}

/// Keeps what would be saved: `window.saved` is a list of names and bytes.
pub(crate) fn keep_downloads(browser: &Browser) {
    browser.run(
        "window.saved = [];
         const blobs = new Map();
         const real = URL.createObjectURL;
         URL.createObjectURL = (blob) => {
             const url = real.call(URL, blob);
             blobs.set(url, blob);
             return url;
         };
         HTMLAnchorElement.prototype.click = async function () {
             const blob = blobs.get(this.href);
             const bytes = new Uint8Array(await blob.arrayBuffer());
             window.saved.push([this.download, blob.type, btoa(String.fromCharCode(...bytes))]);
         };",
    );
}

pub(crate) fn saved(browser: &Browser) -> (String, String, Vec<u8>) {
    eventually("it is saved", || browser.run("return window.saved.length > 0") == true);
    let saved = browser.run("return window.saved.pop()");
    let bytes = BASE64_STANDARD.decode(string(&saved[2])).unwrap();
    (string(&saved[0]), string(&saved[1]), bytes)
}

pub(crate) fn press_of(browser: &Browser, key: &str, label: &str) {
    press(browser, &format!("#files-panel .file[data-key={}]", json!(key)), "", label);
}

/// What is shown of a file, in a part of its row.
fn of_file(browser: &Browser, key: &str, part: &str) -> String {
    browser.text(&format!("#files-panel .file[data-key={}] {part}", json!(key)))
}

pub(crate) fn wait_for_file(browser: &Browser, key: &str, words: &str) {
    eventually(&format!("{key} shows {words:?}"), || {
        of_file(browser, key, ".file-meta").contains(words)
    });
}

#[test]
fn a_file_comes_back_byte_for_byte_in_every_version() {
    let (_relay, alice, browser) = beside("files-panel");
    browser.wait_for("#files-panel .empty", "No files yet");
    let bytes: Vec<u8> =
        (0..5000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    share(&browser, "noise.bin", &bytes);
    wait_for_file(&browser, "noise.bin", "you");
    assert_eq!(stored(&alice, "noise.bin"), bytes);
    put(&alice, "noise.bin", b"second");
    wait_for_file(&browser, "noise.bin", "version 2");
    keep_downloads(&browser);
    press_of(&browser, "noise.bin", "Download");
    let kind = "application/octet-stream".to_owned();
    assert_eq!(saved(&browser), ("noise.bin".to_owned(), kind.clone(), b"second".to_vec()));
    press_of(&browser, "noise.bin", "2 versions");
    press(&browser, "#files-panel .versions li", "Version 1", "Download");
    assert_eq!(saved(&browser), ("noise.bin".to_owned(), kind, bytes));
    for number in 3..=14 {
        put(&alice, "noise.bin", format!("{number}").as_bytes());
    }
    wait_for_file(&browser, "noise.bin", "version 14");
    assert_eq!(browser.count("#files-panel .versions li"), 10, "as many as the relay keeps");
    // After a reload the versions are known from the log.
    browser.reload();
    browser.wait_for("#connection", "Live");
    open_panel(&browser, "files-panel");
    wait_for_file(&browser, "noise.bin", "version 14");
    eventually("ten versions", || browser.count("#files-panel .versions li") == 10);
    assert_quiet(&browser);
}

#[test]
fn a_name_that_is_taken_is_a_choice() {
    let (_relay, alice, browser) = beside("files-panel");
    put(&alice, "plan.md", b"one");
    wait_for_file(&browser, "plan.md", "a");
    share(&browser, "plan.md", b"two");
    browser.wait_for(".upload", "already a file with this name");
    press(&browser, ".upload", "", "Keep both");
    wait_for_file(&browser, "plan (2).md", "you");
    assert_eq!(stored(&alice, "plan.md"), b"one");
    share(&browser, "plan.md", b"three");
    browser.wait_for(".upload", "already a file with this name");
    put(&alice, "plan.md", b"changed");
    wait_for_file(&browser, "plan.md", "version 2");
    press(&browser, ".upload", "", "Replace it");
    browser.wait_for(".upload", "changed it meanwhile");
    assert_eq!(stored(&alice, "plan.md"), b"changed", "nothing is lost");
    press(&browser, ".upload", "", "Replace it");
    wait_for_file(&browser, "plan.md", "version 3");
    assert_eq!(stored(&alice, "plan.md"), b"three");
    share(&browser, "plan.md", b"four");
    browser.wait_for(".upload", "already a file with this name");
    press_of(&browser, "plan.md", "3 versions");
    press_of(&browser, "plan.md", "Preview");
    eventually("the text is shown", || of_file(&browser, "plan.md", "pre") == "three");
    for scheme in ["light", "dark"] {
        browser.color_scheme(scheme);
        browser.check_accessibility(&format!("the files, {scheme}"));
    }
    press(&browser, ".upload", "", "Cancel");
    eventually("it is given up", || browser.count(".upload") == 0);
    assert_eq!(stored(&alice, "plan.md"), b"three");
}

#[test]
fn files_are_dropped_and_pasted() {
    let (_relay, alice, browser) = talk();
    browser.run(&format!(
        "{}
         for (const kind of ['dragover', 'drop']) {{
             const event = new DragEvent(kind, {{ dataTransfer: data, bubbles: true, cancelable: true }});
             document.querySelector('#messages').dispatchEvent(event);
         }}",
        transfer("dropped.txt", b"dropped")
    ));
    eventually("it is shared", || stored(&alice, "dropped.txt") == b"dropped");
    browser.run(&format!(
        "{}
         // Firefox makes no such event with files.
         const event = new Event('paste', {{ bubbles: true, cancelable: true }});
         Object.defineProperty(event, 'clipboardData', {{ value: data }});
         document.querySelector('#text').dispatchEvent(event);",
        transfer("pasted.txt", b"pasted")
    ));
    eventually("it is shared, too", || stored(&alice, "pasted.txt") == b"pasted");
    assert_eq!(browser.run("return document.querySelector('#text').value"), "");
}

#[test]
fn what_the_relay_would_refuse_is_said_before() {
    let (_relay, alice, browser) = beside("files-panel");
    browser.wait_for("#files-panel .empty", "Up to 1 MiB each");
    share(&browser, "big.bin", &vec![0; 1_048_577]);
    browser.wait_for(".upload [role=alert]", "too large");
    press(&browser, ".upload", "", "Dismiss");
    share(&browser, "a\u{202E}gpj.exe", b"x");
    browser.wait_for(".upload", "cannot be used");
    let name = || browser.run("return document.querySelector('.upload input').value");
    assert_eq!(name(), "agpj.exe");
    browser.clear(".upload input");
    browser.type_into(".upload input", "a/../b");
    let problem = "return document.querySelector('.upload input').validationMessage";
    assert!(string(&browser.run(problem)).contains("must not be empty"));
    browser.clear(".upload input");
    browser.type_into(".upload input", "notes/fine.txt");
    press(&browser, ".upload", "", "Upload");
    wait_for_file(&browser, "notes/fine.txt", "you");
    assert_eq!(stored(&alice, "notes/fine.txt"), b"x");
    assert_quiet(&browser);
}

#[test]
fn a_file_is_deleted_after_a_question() {
    let (_relay, alice, browser) = beside("files-panel");
    put(&alice, "plan.md", b"one");
    put(&alice, "other.md", b"one");
    wait_for_file(&browser, "plan.md", "a");
    press_of(&browser, "plan.md", "Delete");
    assert_eq!(browser.run("return document.activeElement.textContent"), "Keep it");
    press_of(&browser, "plan.md", "Keep it");
    assert_eq!(stored(&alice, "plan.md"), b"one");
    press_of(&browser, "plan.md", "Delete");
    press_of(&browser, "plan.md", "Delete it");
    eventually("it is gone", || {
        alice.call("GET", "/files/plan.md").send().status == 404
            && browser.count("#files-panel .file") == 1
    });
    let focus = "return document.querySelector('#files-panel').contains(document.activeElement)";
    assert_eq!(browser.run(focus), true);
    assert_quiet(&browser);
}

/// The beginning of a PNG of this size.
fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.extend([8, 0, 0, 0, 0, 0, 0, 0, 0]);
    bytes
}

/// A GIF of one pixel.
fn gif() -> Vec<u8> {
    let whole = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";
    BASE64_STANDARD.decode(whole).unwrap()
}

#[test]
fn a_preview_is_an_image_a_text_or_none_and_nothing_runs() {
    let (_relay, mallory, browser) = beside("files-panel");
    browser.run(
        "window.ran = []; window.alert = (what) => window.ran.push(what);
         window.made = []; window.gone = [];
         const [make, revoke] = [URL.createObjectURL, URL.revokeObjectURL];
         URL.createObjectURL = (blob) => { window.made.push(blob.type); return make.call(URL, blob); };
         URL.revokeObjectURL = (url) => { window.gone.push(url); revoke.call(URL, url); };",
    );
    let svg =
        "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>alert(2)</script></svg>";
    let mut huge_frame = gif();
    let frame = huge_frame.iter().rposition(|byte| *byte == 0x2c).unwrap();
    huge_frame[frame + 5..frame + 9].fill(0x7f);
    let polyglot = format!("GIF89a/*{}*/=1;alert(3)", "\0".repeat(30));
    let files: [(&str, Vec<u8>, &str); 10] = [
        ("ok.gif", gif(), "1 × 1 pixels"),
        ("huge.png", png(10_000, 10_000), "too large to be shown here: 10000 × 10000"),
        ("frame.gif", huge_frame, "too large to be shown here"),
        ("cut.png", png(40, 30), "damaged"),
        ("short.png", png(40, 30)[..20].to_vec(), "no preview"),
        ("polyglot.gif", polyglot.into_bytes(), "damaged"),
        ("noise.jpg", [b"\xff\xd8\xff\xe0".to_vec(), vec![7; 300]].concat(), "damaged"),
        ("picture.png", svg.as_bytes().to_vec(), svg),
        (
            "page.html",
            b"<script>alert(4)</script>\xe2\x80\xae".to_vec(),
            "<script>alert(4)</script>U+202E",
        ),
        ("noise.txt", vec![0, 1, 2, 255], "no preview"),
    ];
    for (key, bytes, expected) in &files {
        let call = mallory.call("PUT", &format!("/files/{key}"));
        // Whatever its sender says that it is.
        let answer = call.header("Content-Type", b"image/svg+xml").body(bytes).send();
        assert_eq!(answer.status, 201);
        wait_for_file(&browser, key, "a");
        press_of(&browser, key, "Preview");
        eventually(&format!("{key} is {expected:?}"), || {
            of_file(&browser, key, ".file-preview").contains(expected)
        });
    }
    let images = "return [...document.querySelectorAll('#files-panel img')].map(
        ({ src, naturalWidth }) => [src.slice(0, 5), naturalWidth])";
    assert_eq!(browser.run(images), json!([["blob:", 1]]));
    assert_eq!(browser.run("return window.made"), json!(["image/gif", "image/png"]));
    assert_eq!(browser.run("return window.gone.length"), 2);
    assert_eq!(browser.run("return window.ran"), json!([]));
    let made = browser.count("#files-panel :is(script, object, embed, iframe, svg[onload])");
    assert_eq!(made, 0);
    assert_quiet(&browser);
}

#[test]
fn no_name_of_a_file_breaks_the_page_or_misleads() {
    let (_relay, mallory, browser) = talk();
    browser.size(390, 844);
    open_panel(&browser, "files-panel");
    let long = "x".repeat(252) + ".png";
    let names = [
        "%E2%80%AEgpj.exe".to_owned(),
        long.clone(),
        "%C3%A9/".repeat(80) + "a",
        "%F0%9F%98%80".repeat(60) + ".png",
        "z".to_owned() + &"%CD%91".repeat(100),
        "a%20b%3Cimg%20src=x%20onerror=alert(1)%3E".to_owned(),
        "%252e%252e%252fetc".to_owned(),
        "...".to_owned(),
    ];
    for name in &names {
        put(&mallory, name, b"x");
    }
    eventually("all are listed", || browser.count("#files-panel .file") == 8);
    assert!(browser.page_width() <= 390, "nothing is wider than the phone");
    assert_eq!(browser.count("#files-panel .file :is(img, b)"), 0);
    eventually("its name is in sight", || !of_file(&browser, &long, ".file-name").is_empty());
    let shown = of_file(&browser, &long, ".file-name");
    assert!(shown.ends_with("png") && shown.chars().count() < 100, "its end is seen: {shown}");
    keep_downloads(&browser);
    for (key, name) in
        [("\u{202E}gpj.exe", "U+202Egpj.exe"), ("%2e%2e%2fetc", "%2e%2e%2fetc"), ("...", "file")]
    {
        press_of(&browser, key, "Download");
        assert_eq!(saved(&browser).0, name);
    }
    press_of(&browser, &long, "Download");
    let (name, ..) = saved(&browser);
    assert!(name.ends_with("png") && name.len() <= 120, "{name}");
    let none: Value = json!([]);
    let errors = json!(browser.console_errors());
    assert_eq!(errors, none);
}
