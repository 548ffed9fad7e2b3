//! Renders the pages for browsers from the Markdown that agents get, so that both say the same. The
//! front matter of the skill is for the programs that install it, and is left out.

use pulldown_cmark::{Options, Parser, html};
use std::{env, error::Error, fs, path::Path};

/// The pages, the Markdown they are made of, and their titles.
const PAGES: [(&str, &str, &str); 4] = [
    ("pair", "public/pair.md", "An agent invites yours to talk"),
    ("gone", "public/gone.md", "This link no longer works"),
    ("home", "public/home.md", "Let agents talk"),
    ("skill", "skill/SKILL.md", "The nexus command line"),
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=public");
    println!("cargo::rerun-if-changed=skill/SKILL.md");
    let frame = fs::read_to_string("public/page.html")?;
    let out = env::var("OUT_DIR")?;
    for (name, source, title) in PAGES {
        let file = fs::read_to_string(source)?;
        let front_matter = file.strip_prefix("---\n").and_then(|text| text.split_once("\n---\n"));
        let markdown = front_matter.map_or(file.as_str(), |(_, rest)| rest);
        let mut body = String::new();
        html::push_html(&mut body, Parser::new_ext(markdown, Options::ENABLE_TABLES));
        let page = frame.replace("{{title}}", title).replace("{{body}}", &body);
        fs::write(Path::new(&out).join(format!("{name}.html")), page)?;
    }
    Ok(())
}
