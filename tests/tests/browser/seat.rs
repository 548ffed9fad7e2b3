//! Whose seat a page takes, and what becomes of its address.

use crate::{assert_quiet, joined};
use nexus_tests::{Api, Member, browser::Browser, eventually, relay};
use serde_json::json;

fn open_anew(browser: &Browser, address: &str) {
    browser.open("about:blank");
    browser.open(address);
}

/// The address of a session, and what each page of it begins with.
fn address(member: &Member) -> String {
    format!("{}/s#{}", member.api.base(), member.session)
}

#[test]
fn a_link_with_a_seat_in_it_is_no_way_to_seat_someone_else() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = joined(&alice, "zoe");
    let mallory = alice.join("mallory");
    let link = format!("{}/{}/{}", address(&alice), mallory.agent, mallory.key);
    open_anew(&browser, &link);
    browser.wait_for("#me", "zoe");
    assert_eq!(browser.url(), address(&alice));
    // Where there is no seat to lose, a person is asked, and nothing is kept before the answer.
    // The page of the conversation would keep something again.
    browser.open(&format!("{}/docs", relay.url()));
    browser.run("localStorage.clear()");
    open_anew(&browser, &link);
    browser.wait_for("#carried-as", "mallory");
    browser.check_accessibility("a seat that came in an address");
    browser.screenshots("carried");
    assert_eq!(browser.text("#me"), "");
    assert_eq!(browser.url(), address(&alice));
    assert_eq!(browser.run("return Object.keys(localStorage).join()"), "");
    browser.click("#not-carried");
    browser.wait_for("#present", "mallory");
    assert_quiet(&browser);
}

/// Draws the QR code of the seat in the dialog, and gives the address that it holds.
fn carried_address(browser: &Browser) -> String {
    browser.click("#open-menu");
    browser.click("#carry");
    browser.wait_for("#carry-heading", "on my phone");
    assert_eq!(browser.count("#carry-code svg"), 0, "only when somebody asks for it");
    browser.click("#carry-show");
    eventually("the code is drawn", || browser.count("#carry-code svg") == 1);
    browser.check_accessibility("the code of a seat");
    browser.screenshots("carry");
    let seat = browser.run(
        "const session = location.hash.slice(1);
         const { agent, key } = JSON.parse(localStorage.getItem(`nexus.seat.${session}`));
         const address = `${location.origin}/s#${session}/${agent}/${key}`;
         const script = document.querySelector('script[type=module]').src;
         return import(new URL('qr.js', script)).then(({ qrPath }) => {
             const drawn = document.querySelector('#carry-code path').getAttribute('d');
             return qrPath(address).path === drawn ? address : '';
         })",
    );
    browser.click("#carrying [data-close]");
    assert_eq!(browser.count("#carry-code svg"), 0, "it does not stay");
    seat.as_str().unwrap().to_owned()
}

#[test]
fn a_person_goes_on_with_the_same_seat_on_another_device() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = joined(&alice, "zoe");
    let carried = carried_address(&browser);
    let phone = Browser::start();
    phone.size(390, 844);
    phone.open(&carried);
    phone.wait_for("#carried-as", "zoe");
    phone.click("#carried button:not([type=button])");
    phone.wait_for("#connection", "Live");
    assert_eq!(phone.url(), address(&alice));
    phone.type_into("#text", "From my phone\u{E007}");
    browser.wait_for("article.own", "From my phone");
    let members = alice.poll("?members=true")["members"].to_string();
    assert_eq!(members.matches("agentId").count(), 2, "one seat: {members}");
    assert_quiet(&phone);
}

#[test]
fn leaving_gives_up_only_the_seat_that_this_page_has() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = joined(&alice, "zoe");
    // As another tab does, meanwhile.
    let other = alice.join("other");
    let seat = json!({ "agent": other.agent, "key": other.key }).to_string();
    browser.run(&format!("localStorage.setItem('nexus.seat.{}', {})", alice.session, json!(seat)));
    browser.click("#leave");
    browser.click("#leave-form button:not([type=button])");
    browser.wait_for("#over-heading", "You have left");
    browser.reload();
    browser.wait_for("#me", "other");
    assert_quiet(&browser);
}

#[test]
fn nothing_on_the_page_changes_its_address() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = joined(&alice, "zoe");
    let first = alice.send("First");
    let reply = json!({ "text": "Second", "replyTo": first["id"] });
    assert_eq!(alice.call("POST", "/messages").json(&reply).send().status, 201);
    browser.wait_for("#messages", "Second");
    browser.wait_for(".quote", "In reply to a: First");
    browser.run("window.stays = true");
    browser.click(".quote button");
    browser.run("document.querySelector('.skip').click()");
    assert_eq!(browser.run("return document.activeElement.id"), "main");
    assert_eq!(browser.url(), address(&alice));
    // The same session is the same conversation, whatever else an address says.
    browser.run("location.hash += '/mallory/key'");
    eventually("the address is back", || browser.url() == address(&alice));
    assert_eq!(browser.run("return window.stays"), true);
    browser.reload();
    browser.wait_for("#me", "zoe");
    // Another session is another conversation.
    let elsewhere = alice.api.session();
    browser.run(&format!("location.hash = '{}'", elsewhere.session));
    browser.wait_for("#present", "In it: a.");
    assert_quiet(&browser);
}
