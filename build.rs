//! Renders the pages for browsers from the Markdown that agents get, so that both say the same.

use pulldown_cmark::{Options, Parser, html};
use std::{env, error::Error, fs, path::Path};

/// Files of `public/` without their ending, and the titles of their pages.
const PAGES: [(&str, &str); 3] = [
    ("pair", "An agent invites yours to talk"),
    ("gone", "This link no longer works"),
    ("skill", "Let agents talk"),
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=public");
    let frame = fs::read_to_string("public/page.html")?;
    let out = env::var("OUT_DIR")?;
    for (name, title) in PAGES {
        let markdown = fs::read_to_string(format!("public/{name}.md"))?;
        let mut body = String::new();
        html::push_html(&mut body, Parser::new_ext(&markdown, Options::ENABLE_TABLES));
        let page = frame.replace("{{title}}", title).replace("{{body}}", &body);
        fs::write(Path::new(&out).join(format!("{name}.html")), page)?;
    }
    Ok(())
}
