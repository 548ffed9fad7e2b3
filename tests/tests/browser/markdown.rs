//! Markdown that agents write: what it becomes, and what it must never become.

use crate::{assert_quiet, joined};
use nexus_tests::{Api, browser::Browser, relay};
use serde_json::{Value, json};

/// Runs a script with what a module of the page exports.
fn with_module(browser: &Browser, module: &str, script: &str) -> Value {
    browser.run(&format!(
        "const script = document.querySelector('script[type=module]').src;
         return import(new URL('{module}', script)).then((module) => {{ {script} }})"
    ))
}

/// What texts become, as HTML without what every link has.
fn rendered(browser: &Browser, texts: &[&str]) -> Vec<String> {
    let script = format!(
        "return {}.map((text) => {{
             const made = document.createElement('div');
             made.append(...module.markdown(text));
             return made.innerHTML.replace(/ (target|rel|title|dir)=\"[^\"]*\"/g, '');
         }})",
        json!(texts)
    );
    let html = with_module(browser, "markdown.js", &script);
    html.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

fn page() -> (nexus_tests::Relay, Browser) {
    let relay = relay();
    let browser = Browser::start();
    browser.open(&format!("{}/s#", relay.url()));
    browser.wait_for("#over-heading", "not complete");
    (relay, browser)
}

#[test]
fn what_agents_write_is_shown_as_they_mean_it() {
    let (_relay, browser) = page();
    let table = [
        (
            "a **b** _c_ ~~d~~ `e`",
            "<p>a <strong>b</strong> <em>c</em> <del>d</del> <code>e</code></p>",
        ),
        ("***both*** (**x**)", "<p><strong><em>both</em></strong> (<strong>x</strong>)</p>"),
        ("snake_case_name, 2*3*4, 5 * 6", "<p>snake_case_name, 2*3*4, 5 * 6</p>"),
        ("**open and _cross** over_", "<p><strong>open and _cross</strong> over_</p>"),
        ("`` a ` b `` and ` alone", "<p><code>a ` b</code> and ` alone</p>"),
        (r"\*not\* C:\foo", r"<p>*not* C:\foo</p>"),
        ("line one\nline two", "<p>line one\nline two</p>"),
        ("# One\n### Three\n# Again #", "<h3>One</h3><h4>Three</h4><h3>Again</h3>"),
        ("a\n---\nb", "<p>a</p><hr><p>b</p>"),
        (
            "- a\n- b\n  - c\n\ntext",
            "<ul><li><p>a</p></li><li><p>b</p><ul><li><p>c</p></li></ul></li></ul><p>text</p>",
        ),
        ("2. a\n3. b", "<ol start=\"2\"><li><p>a</p></li><li><p>b</p></li></ol>"),
        (
            "- [ ] a\n- [x] b",
            "<ul><li class=\"task-item\"><span class=\"tick\" role=\"img\" aria-label=\"To do:\"></span><div><p>a</p></div></li>\
             <li class=\"task-item\"><span class=\"tick done\" role=\"img\" aria-label=\"Done:\"></span><div><p>b</p></div></li></ul>",
        ),
        ("> a\n> > b", "<blockquote><p>a</p><blockquote><p>b</p></blockquote></blockquote>"),
        (
            "| a | b |\n|:-:|--:|\n| 1 | `x\\|y` |\nend",
            "<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"Table\"><table>\
             <thead><tr><th class=\"center\">a</th><th class=\"right\">b</th></tr></thead>\
             <tbody><tr><td class=\"center\">1</td><td class=\"right\"><code>x|y</code></td></tr></tbody></table></div><p>end</p>",
        ),
        ("a | b\nno table", "<p>a | b\nno table</p>"),
        (
            "**https://example.com/a_b**",
            "<p><strong><a href=\"https://example.com/a_b\">https://example.com/a_b</a></strong></p>",
        ),
        (
            "[map](https://example.com/m) [example.com](https://example.com/)",
            "<p><a href=\"https://example.com/m\">map</a> <span class=\"host\">(example.com)</span> <a href=\"https://example.com/\">example.com</a></p>",
        ),
        (
            "[m](mailto:a@b.example)",
            "<p><a href=\"mailto:a@b.example\">m</a> <span class=\"host\">(a@b.example)</span></p>",
        ),
    ];
    let texts = table.map(|(text, _)| text);
    for ((text, expected), made) in table.iter().zip(rendered(&browser, &texts)) {
        assert_eq!(made, *expected, "{text}");
    }
    assert_quiet(&browser);
}

#[test]
fn markdown_makes_no_html_fetches_nothing_and_hides_no_host() {
    let (_relay, browser) = page();
    let table = [
        ("[a](javascript:alert(1))", "<p>[a](javascript:alert(1))</p>"),
        ("[a](JaVaScRiPt:alert`1`)", "<p>[a](JaVaScRiPt:alert`1`)</p>"),
        ("[a](data:text/html,x)", "<p>[a](data:text/html,x)</p>"),
        ("[a](/relative) [b](//evil.example)", "<p>[a](/relative) [b](//evil.example)</p>"),
        (
            "![a](https://evil.example/i.png)",
            "<p>Image: <a href=\"https://evil.example/i.png\">a</a> <span class=\"host\">(evil.example)</span></p>",
        ),
        (
            "[https://bank.example](https://bank.example@evil.example/)",
            "<p><a href=\"https://bank.example@evil.example/\">https://bank.example</a> <span class=\"host\">(evil.example)</span></p>",
        ),
        (
            "[https://a.example https://b.example](https://evil.example/)",
            "<p><a href=\"https://evil.example/\">https://a.example https://b.example</a> <span class=\"host\">(evil.example)</span></p>",
        ),
        (
            "<b>x</b> &lt; <img src=x onerror=alert(1)>",
            "<p>&lt;b&gt;x&lt;/b&gt; &amp;lt; &lt;img src=x onerror=alert(1)&gt;</p>",
        ),
        (
            "[a](https://example.com/\u{202E}x)",
            "<p>[a](<a href=\"https://example.com/\">https://example.com/</a><span class=\"hidden-character\">U+202E</span>x)</p>",
        ),
        ("# \u{202E}H", "<h3><span class=\"hidden-character\">U+202E</span>H</h3>"),
        (
            "[REDACTED:github_token] **[REDACTED:x](https://e.example)**",
            "<p>[REDACTED:github_token] <strong>[REDACTED:x](<a href=\"https://e.example\">https://e.example</a>)</strong></p>",
        ),
    ];
    let texts = table.map(|(text, _)| text);
    for ((text, expected), made) in table.iter().zip(rendered(&browser, &texts)) {
        assert_eq!(made, *expected, "{text}");
    }
    assert_quiet(&browser);
}

#[test]
fn no_markdown_takes_long_or_makes_the_page_large_or_deep() {
    let (_relay, browser) = page();
    let script = "const parts = ['*', '*a ', 'a**', '*a_b ', '[', '[a](', '[a](x(b)', '![', '>', '> > > > > > > > a\\n',
            '- a\\n', '- a\\n\\n\\n', '|', '|a|b|\\n', '- ', '# a\\n', '```\\n', '```a\\nb\\n', '_a_ ', '~~a~~ ', '`a',
            'https://a.b/ ', '\\\\*', '- - - a\\n', '>- ', '1. ', '[a](https://e.example) ', '[a](b \"', '\\u202e*a* ', '\\n'];
        const texts = parts.map((part) => part.repeat(65_536 / part.length));
        texts.push(Array.from({ length: 350 }, (_, at) => '`'.repeat(at + 1) + 'x').join(''));
        texts.push(Array.from({ length: 800 }, (_, at) => ' '.repeat(Math.min(at, 80)) + '- a').join('\\n'));
        texts.push('|a|b|\\n|-|-|\\n' + '|x|y|\\n'.repeat(10_000), '- a\\n' + 'b\\n'.repeat(30_000));
        return texts.map((text) => {
            const begin = performance.now();
            const made = document.createElement('div');
            made.append(...module.markdown(text));
            const took = performance.now() - begin;
            let [deep, one] = [0, made];
            for (; one; one = one.lastElementChild) deep += 1;
            const walker = document.createTreeWalker(made);
            let nodes = 0;
            while (walker.nextNode()) nodes += 1;
            return [text.slice(0, 12), took, nodes, deep];
        })";
    let measured = with_module(&browser, "markdown.js", script);
    for one in measured.as_array().unwrap() {
        // Far more than it takes, and far less than anything that is not linear would.
        assert!(one[1].as_f64().unwrap() < 3000.0, "milliseconds: {one}");
        assert!(one[2].as_u64().unwrap() < 8000, "nodes: {one}");
        assert!(one[3].as_u64().unwrap() < 40, "levels: {one}");
    }
}

#[test]
fn a_message_is_shown_as_written_if_somebody_wants_that() {
    let relay = relay();
    let alice = Api::new(&relay.url()).session();
    let browser = joined(&alice, "zoe");
    alice.send("## Plan\n\n- **one**\n\n```sh\ncargo test\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |");
    browser.wait_for("article h3", "Plan");
    browser.wait_for("article .code", "cargo test");
    browser.check_accessibility("a message with Markdown");
    browser.screenshots("markdown");
    let toggle = || {
        browser.run("document.querySelector('article .more').click()");
        browser.click("#written");
    };
    toggle();
    browser.wait_for(".text.written", "- **one**");
    assert_eq!(browser.count("article .text :is(h3, ul, table)"), 0);
    toggle();
    browser.wait_for("article li", "one");
    // The button of a block of code copies the code, and nothing else.
    browser.run(
        "Object.defineProperty(navigator, 'clipboard',
             { value: { writeText: async (text) => { window.copied = text; } } });
         document.querySelector('.code button').click();",
    );
    browser.wait_for(".code button", "Copied");
    assert_eq!(browser.run("return window.copied"), "cargo test");
    assert_quiet(&browser);
}

/// `HELLO` by another implementation: bytes, version 1, level M.
const HELLO: [&str; 21] = [
    "111111101101001111111",
    "100000100110101000001",
    "101110100111101011101",
    "101110101001001011101",
    "101110101000101011101",
    "100000101011001000001",
    "111111101010101111111",
    "000000001111100000000",
    "100010111111011111001",
    "000111001011100101111",
    "101100101011001110010",
    "111001000100011010000",
    "001011100100111000110",
    "000000001110111001011",
    "111111101100110001010",
    "100000100001100100010",
    "101110101001001110101",
    "101110100001100001011",
    "101110100111001111000",
    "100000100100011000000",
    "111111101000111110101",
];

#[test]
fn qr_codes_are_those_of_another_implementation() {
    let (relay, browser) = page();
    let rows = with_module(
        &browser,
        "qr.js",
        "return module.encode('HELLO').map((row) => row.map(Number).join(''))",
    );
    assert_eq!(rows, json!(HELLO));
    // The relay draws the code of a link itself, on the link's page.
    let alice = Api::new(&relay.url()).session();
    let link = format!("{}/p/{}", relay.url(), alice.pair());
    let sizes = "return [10, 40, 80, 120, 160, 213, 214, 271].map(
        (length) => module.encode('a'.repeat(length)).length)";
    assert_eq!(with_module(&browser, "qr.js", sizes), json!([21, 29, 37, 45, 53, 57, 53, 57]));
    let none = "return module.encode('a'.repeat(272)) === undefined";
    assert_eq!(with_module(&browser, "qr.js", none), true, "too long for a code");
    let script = format!("return module.qrPath({}).size", json!(link));
    let size = with_module(&browser, "qr.js", &script);
    browser.open(&link);
    let drawn = browser.run("return document.querySelector('svg.qr').getAttribute('viewBox')");
    assert_eq!(drawn, json!(format!("0 0 {size} {size}")));
}
