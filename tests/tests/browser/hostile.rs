//! An agent that would like to run code in the browsers of people, or to break their page.

use crate::{assert_quiet, exported, join, joined};
use nexus_tests::{Api, browser::Browser, eventually, list, relay};
use serde_json::{Value, json};
use std::thread;

#[test]
fn nothing_that_an_agent_sends_runs_or_becomes_html() {
    let relay = relay();
    let mallory = Api::new(&relay.url()).session();
    let browser = joined(&mallory, "zoe");
    browser.run("window.ran = []; window.alert = (what) => window.ran.push(what);");
    let attacks = [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(2)>",
        "<svg/onload=alert(3)>",
        "javascript:alert(4)",
        "[click](javascript:alert(5))",
        "https://example.com/\"onmouseover=\"alert(6)",
        "data:text/html,<script>alert(7)</script>",
        "</div></article><h1>Owned</h1><iframe src=javascript:alert(8)>",
        "{{origin}} ${alert(9)} %3Cscript%3E",
    ];
    for attack in attacks {
        let both = json!({ "text": attack, "json": { attack: [attack] } });
        assert_eq!(mallory.call("POST", "/messages").json(&both).send().status, 201);
    }
    browser.wait_for("#messages", attacks[8]);
    browser.run("document.querySelectorAll('details').forEach((one) => (one.open = true))");
    browser.wait_for("article:last-child pre", "${alert(9)}");
    let shown = browser.text("#messages");
    for attack in attacks {
        assert!(shown.contains(attack), "{attack} is shown as it is: {shown}");
    }
    assert_eq!(browser.run("return window.ran"), json!([]));
    let made = "#messages :is(script, img, svg:not(.icon), iframe, h1, [onerror], [onmouseover])";
    assert_eq!(browser.count(made), 0);
    let links = browser.run(
        "return [...document.querySelectorAll('#messages a')].map(
             ({ href, rel, target, dir, title }) => [href, rel, target, dir, title])",
    );
    for link in links.as_array().unwrap() {
        assert!(link[0].as_str().unwrap().starts_with("https://example.com/"), "{link}");
        assert_eq!(
            (&link[1], &link[2]),
            (&json!("noopener noreferrer nofollow"), &json!("_blank"))
        );
        assert_eq!((&link[3], &link[4]), (&json!("ltr"), &json!("example.com")));
    }
    // The text, and both the key and the value of the payload.
    assert_eq!(links.as_array().unwrap().len(), 3);
    assert_quiet(&browser);
}

#[test]
fn the_page_keeps_its_shape_whatever_is_written() {
    let relay = relay();
    let mallory = Api::new(&relay.url()).session();
    let browser = joined(&mallory, "zoe");
    browser.size(390, 844);
    let long_link = format!("https://example.com/{}", "(.".repeat(30_000));
    for text in [
        "x".repeat(65_536),
        long_link,
        "!".repeat(65_536),
        "\u{202E}".repeat(20_000),
        "\u{202E}gpj.exe \u{2066}hidden\u{200B} \u{E0041}end".to_owned(),
        "\u{200E}a\u{3164}b\u{AD}c\u{FFF9}\u{E0100}".to_owned(),
        "שלום עולם, see https://example.com/\u{202E}moc.elpmaxe".to_owned(),
        "line\n".repeat(10_000),
        "z\u{0351}".repeat(15_000),
    ] {
        mallory.send(&text);
    }
    mallory.send("The last of them");
    browser.wait_for("article:last-child", "The last of them");
    assert!(browser.page_width() <= 390, "nothing is wider than the phone");
    assert!(browser.text("#messages").contains("U+202Egpj.exe U+2066hiddenU+200B U+E0041end"));
    assert!(browser.text("#messages").contains("U+200EaU+3164bU+00ADcU+FFF9 U+E0100"));
    let highest = browser
        .run("return Math.max(...[...document.querySelectorAll('article')].map((one) => one.offsetHeight))");
    assert!(highest.as_i64().unwrap() < 600, "long messages are folded: {highest}");
    let widest = || {
        browser.run(
            "const scroller = document.querySelector('#scroller');
             return Math.max(scroller.scrollWidth, ...[...document.querySelectorAll('article, article .text')].map(
                 (one) => Math.ceil(one.getBoundingClientRect().right)))",
        )
    };
    assert!(widest().as_i64().unwrap() <= 390, "no message leaves the phone: {}", widest());
    browser.run("document.querySelectorAll('.unfold').forEach((button) => button.click())");
    assert!(browser.page_width() <= 390, "nor when it is unfolded");
    assert!(widest().as_i64().unwrap() <= 390, "no message either: {}", widest());
    let lowest = "return document.querySelector('#composer').getBoundingClientRect().bottom";
    assert!(browser.run(lowest).as_f64().unwrap() <= 844.0, "the composer is still in sight");
    browser.type_into("#text", "Still here\u{E007}");
    browser.wait_for("article:last-child", "Still here");
    assert_quiet(&browser);
}

#[test]
fn messages_full_of_marks_are_built_in_part_and_can_be_read_whole() {
    let relay = relay();
    let mallory = Api::new(&relay.url()).session();
    let browser = joined(&mallory, "zoe");
    let links = "http://a.b ".repeat(5900);
    for _ in 0..5 {
        mallory.send(&"a\u{200B}".repeat(16_000));
        mallory.send(&links);
    }
    mallory.send("The last of them");
    browser.wait_for("article:last-child", "The last of them");
    let nodes = || {
        let nodes = "const walker = document.createTreeWalker(document.querySelector('#messages'));
            let count = 0;
            while (walker.nextNode()) count += 1;
            return count;";
        browser.run(nodes).as_u64().unwrap()
    };
    assert!(nodes() < 10_000, "{}", nodes());
    browser.run("document.querySelectorAll('.unfold').forEach((button) => button.click())");
    assert!(nodes() < 10_000, "also when all is shown: {}", nodes());
    let texts = browser.run(
        "return [...document.querySelectorAll('article .text')].slice(0, 2).map((text) => text.textContent)",
    );
    assert_eq!(texts, json!(["aU+200B".repeat(16_000), links]));
    assert_quiet(&browser);
}

#[test]
fn a_message_that_cannot_be_drawn_does_not_cost_the_others() {
    let relay = relay();
    let mallory = Api::new(&relay.url()).session();
    for text in ["Before", "Poison\u{202E}", "After"] {
        mallory.send(text);
    }
    let browser = Browser::start();
    // No text is known that does this: one that a browser fails on.
    browser.before_pages(
        "const original = String.prototype.matchAll;
         String.prototype.matchAll = function (...how) {
             if (this.startsWith('Poison')) throw new Error('poisoned');
             return original.apply(this, how);
         };",
    );
    join(&browser, &mallory, "zoe");
    browser.wait_for("#messages", "After");
    let texts = browser.run(
        "return [...document.querySelectorAll('article .text')].map((one) => one.textContent)",
    );
    assert_eq!(texts, json!(["Before", "PoisonU+202E", "After"]));
    assert_quiet(&browser);
}

#[test]
fn a_link_is_whole_or_none() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = joined(&alice, "zoe");
    let link = format!("https://example.com/{}", "a".repeat(100));
    alice.send(&format!("{}{link} and on", " .".repeat(1470)));
    browser.wait_for("#messages", "Show all");
    assert_eq!(browser.count("article .text a"), 0, "where the text is cut is no link");
    browser.click("article > .unfold");
    assert_eq!(browser.run("return document.querySelector('article .text a').href"), link);
}

#[test]
fn a_burst_of_messages_comes_whole_and_in_order() {
    let relay = relay();
    let mallory = Api::new(&relay.url()).session();
    let browser = joined(&mallory, "zoe");
    browser.run(
        "window.said = [];
         new MutationObserver(() => window.said.push(document.querySelector('#announcer').textContent))
             .observe(document.querySelector('#announcer'), { childList: true });",
    );
    thread::scope(|scope| {
        for sender in 0..5 {
            let mallory = &mallory;
            scope.spawn(move || {
                for number in 0..100 {
                    mallory.send(&format!("burst {sender}-{number}"));
                }
            });
        }
    });
    let (stored, _) = mallory.read_after("0");
    browser.wait_for("#messages", stored.last().unwrap());
    let exported: Value = serde_json::from_str(&exported(&browser, "#as-json")).unwrap();
    let said = list(&exported["messages"]).iter().filter(|one| one["agentId"] != "system");
    let texts: Vec<&str> = said.map(|one| one["text"].as_str().unwrap()).collect();
    assert_eq!(texts, stored);
    assert!(browser.count("article") < 150, "only what is near is drawn");
    eventually("the last of them is announced", || {
        let said = browser.run("return window.said");
        let counted = said.as_array().unwrap().iter().filter_map(|words| words.as_str());
        let counts = counted.map(|words| match words.strip_suffix(" new messages") {
            Some(count) => count.parse().unwrap(),
            None => 1,
        });
        counts.sum::<u32>() == 500
    });
    let said = browser.run("return window.said.length").as_u64().unwrap();
    assert!(said < 50, "a burst is counted, not read out: {said}");
    assert_quiet(&browser);
}
