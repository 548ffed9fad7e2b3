//! Builds the pages for browsers. Each is `public/frame.html` around a part for people
//! (`public/NAME.html`), the rendered Markdown that agents get, or both.
//!
//! The files of `public/assets` get a path that changes when any of them changes.
//!
//! All texts that the relay serves go into the program as one archive, compressed, with a table of where
//! each stands in it. `src/texts.rs` reads both.

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};
use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
};
use zopfli::Format;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A page for browsers.
struct Page {
    name: &'static str,
    title: &'static str,
    /// Search engines and link previews show it, so it must not identify a session.
    description: &'static str,
    /// The file that agents get.
    markdown: &'static str,
    /// `public/THIS.html`, with the rendered Markdown at `{{agents}}`. With `None`, the rendered Markdown is the
    /// page. Either loads `public/assets/THIS.js` (or, with `None`, `NAME.js`), if it exists.
    people: Option<&'static str>,
    /// Whether search engines may list it.
    public: bool,
}

const PAGES: [Page; 10] = [
    Page {
        name: "pair",
        title: "{{heading}}",
        description: "{{summary}}",
        markdown: "public/pair.md",
        people: Some("pair"),
        public: false,
    },
    Page {
        name: "pair-sealed",
        title: "{{heading}}",
        description: "{{summary}}",
        markdown: "public/pair-sealed.md",
        people: Some("pair"),
        public: false,
    },
    Page {
        name: "gone",
        title: "{{heading}}",
        description: "{{person}}",
        markdown: "public/gone.md",
        people: Some("gone"),
        public: false,
    },
    Page {
        name: "home",
        title: "Your agent talks with theirs",
        description: "AI agents of different people talk through a link. No account, nothing to install; conversations delete themselves.",
        markdown: "public/home.md",
        people: Some("home"),
        public: true,
    },
    Page {
        name: "session",
        title: "Conversation",
        description: "A conversation of AI agents and people.",
        markdown: "public/session.md",
        people: Some("session"),
        public: false,
    },
    Page {
        name: "admin",
        title: "Operation",
        description: "For the operator of this server.",
        markdown: "public/admin.md",
        people: Some("admin"),
        public: false,
    },
    Page {
        name: "unset",
        title: "The operator's page is not set up",
        description: "For the operator of this server.",
        markdown: "public/unset.md",
        people: Some("unset"),
        public: false,
    },
    Page {
        name: "missing",
        title: "There is nothing here",
        description: "This address leads nowhere.",
        markdown: "public/missing.md",
        people: Some("missing"),
        public: false,
    },
    Page {
        name: "docs",
        title: "The protocol",
        description: "Every call, limit and error of the relay through which AI agents talk.",
        markdown: "docs/protocol.md",
        people: None,
        public: true,
    },
    Page {
        name: "skill",
        title: "The nexus command line",
        description: "A skill that teaches an AI agent to talk with the agents of other people.",
        markdown: "skill/SKILL.md",
        people: None,
        public: true,
    },
];

/// The public server, which the skill names where it was not read on a relay.
const PUBLIC: &str = "https://messaging.md";

/// Of a page, so much of each form stands in the archive before the other form goes on: both say the same,
/// and what compresses them looks back no further than 32 KiB.
const PART: usize = 8 * 1024;

/// The texts, one after the other.
#[derive(Default)]
struct Archive {
    text: String,
    /// The names of the texts, and where the parts of each stand.
    table: Vec<(String, Vec<(usize, usize)>)>,
}

fn main() -> Result<()> {
    for input in ["public", "docs/openapi.json", "docs/protocol.md", "skill/SKILL.md"] {
        println!("cargo::rerun-if-changed={input}");
    }
    let out = env::var("OUT_DIR")?;
    let out = Path::new(&out);
    let mut archive = Archive::default();
    archive.add("openapi.json", &without_space(&fs::read_to_string("docs/openapi.json")?));
    archive.add("llms.txt", &fs::read_to_string("public/llms.txt")?);
    let assets = format!("/assets/{}", list_assets(out, &mut archive)?);
    let frame = fs::read_to_string("public/frame.html")?;
    for page in PAGES {
        let mut markdown = fs::read_to_string(page.markdown)?;
        if page.name == "skill" {
            markdown = markdown.replace(PUBLIC, "{{origin}}");
        }
        let html = page.html(&frame, &markdown)?.replace("{{assets}}", &assets);
        archive.add_page(page.name, &markdown, &html);
    }
    archive.write(out)
}

impl Archive {
    fn add(&mut self, name: &str, text: &str) {
        let parts = vec![self.push(text)];
        self.table.push((name.to_owned(), parts));
    }

    fn add_page(&mut self, name: &str, markdown: &str, html: &str) {
        let count = markdown.len().div_ceil(PART);
        let mut parts = (Vec::new(), Vec::new());
        for (of_markdown, of_html) in in_parts(markdown, count).zip(in_parts(html, count)) {
            parts.0.push(self.push(of_markdown));
            parts.1.push(self.push(of_html));
        }
        self.table.push((format!("{name}.md"), parts.0));
        self.table.push((format!("{name}.html"), parts.1));
    }

    fn push(&mut self, text: &str) -> (usize, usize) {
        let start = self.text.len();
        self.text.push_str(text);
        (start, self.text.len())
    }

    fn write(&self, out: &Path) -> Result<()> {
        let mut packed = Vec::new();
        zopfli::compress(
            zopfli::Options::default(),
            Format::Gzip,
            self.text.as_bytes(),
            &mut packed,
        )?;
        fs::write(out.join("texts.gz"), packed)?;
        let mut table = "&[\n".to_owned();
        for (name, parts) in &self.table {
            writeln!(table, "    ({name:?}, &{parts:?}),")?;
        }
        table.push(']');
        Ok(fs::write(out.join("texts.rs"), table)?)
    }
}

/// A text in so many parts of about one length.
fn in_parts(text: &str, count: usize) -> impl Iterator<Item = &str> {
    let end = move |part: usize| {
        text.floor_char_boundary(text.len().saturating_mul(part).checked_div(count).unwrap_or(0))
    };
    (0..count).filter_map(move |part| text.get(end(part)..end(part.saturating_add(1))))
}

/// A JSON text without the space between its parts.
fn without_space(json: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    let keep = |c: &char| {
        let kept = in_string || !c.is_ascii_whitespace();
        in_string ^= *c == '"' && !escaped;
        escaped = in_string && *c == '\\' && !escaped;
        kept
    };
    json.chars().filter(keep).collect()
}

/// A script or stylesheet without the lines that are nothing but comments: a quarter of what the pages would load.
fn without_comments(text: &str) -> String {
    let mut kept = String::new();
    let mut in_comment = false;
    for line in text.split_inclusive('\n') {
        let words = line.trim();
        in_comment |= words.starts_with("/*");
        if !in_comment && !words.starts_with("//") {
            kept.push_str(line);
        }
        in_comment &= !words.ends_with("*/");
    }
    kept
}

/// Adds the assets, and writes the table of them. Returns their version, which is part of their path.
fn list_assets(out: &Path, archive: &mut Archive) -> Result<String> {
    let mut files = Vec::new();
    for entry in fs::read_dir("public/assets")? {
        files.push(entry?.path());
    }
    files.sort();
    let (mut table, mut hasher) = ("&[\n".to_owned(), DefaultHasher::new());
    for file in files {
        let name =
            file.file_name().and_then(|name| name.to_str()).ok_or("a file name is not UTF-8")?;
        let kind = name.rsplit('.').next();
        let content_type = match kind {
            Some("js" | "mjs") => "text/javascript; charset=utf-8",
            Some("py" | "sh") => "text/plain; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            Some("png") => "image/png",
            _ => return Err(format!("public/assets/{name} has an unknown content type").into()),
        };
        let content = fs::read(&file)?;
        (name, &content).hash(&mut hasher);
        // `src/pages` includes the picture as it is: it is compressed already.
        if content_type != "image/png" {
            let text = String::from_utf8(content)?;
            let is_of_page = matches!(kind, Some("js" | "css"));
            archive.add(name, &if is_of_page { without_comments(&text) } else { text });
        }
        writeln!(table, "    ({name:?}, {content_type:?}),")?;
    }
    table.push(']');
    let version = format!("{:016x}", hasher.finish());
    fs::write(out.join("assets.rs"), format!("({version:?}, {table})"))?;
    Ok(version)
}

impl Page {
    fn html(&self, frame: &str, file: &str) -> Result<String> {
        // The front matter of the skill is for the programs that install it.
        let front_matter = file.strip_prefix("---\n").and_then(|text| text.split_once("\n---\n"));
        let markdown = front_matter.map_or(file, |(_, rest)| rest);
        let body = if let Some(people) = self.people {
            let body = fs::read_to_string(format!("public/{people}.html"))?;
            body.replace("{{agents}}", &render(markdown, 1)?)
        } else {
            with_index(&render(markdown, 0)?)
        };
        let script = self.people.unwrap_or(self.name);
        let script = if Path::new("public/assets").join(format!("{script}.js")).exists() {
            format!("<script type=\"module\" src=\"{{{{assets}}}}/{script}.js\"></script>\n")
        } else {
            String::new()
        };
        let robots = if self.public { "all" } else { "noindex" };
        let values = [
            ("{{name}}", self.people.unwrap_or(self.name)),
            ("{{title}}", self.title),
            ("{{description}}", self.description),
            ("{{robots}}", robots),
            ("{{script}}", &script),
            ("{{icons}}", &fs::read_to_string("public/icons.svg")?),
            ("{{body}}", &body),
        ];
        Ok(values.iter().fold(frame.to_owned(), |page, (name, value)| page.replace(name, value)))
    }
}

/// Renders Markdown as HTML. Headings move down by `deeper` levels and get the ids that GitHub gives
/// them. Examples and tables can be wider than a phone, so each scrolls in a box of its own, which a
/// keyboard reaches.
fn render(markdown: &str, deeper: usize) -> Result<String> {
    let mut events: Vec<Event> = Parser::new_ext(markdown, Options::ENABLE_TABLES).collect();
    let mut at = None;
    for index in 0..events.len() {
        match events.get(index) {
            Some(Event::Start(Tag::Heading { .. })) => at = Some((index, String::new())),
            Some(Event::Text(text) | Event::Code(text)) => {
                if let Some((_, words)) = &mut at {
                    words.push_str(text);
                }
            }
            Some(Event::End(TagEnd::Heading(old))) => {
                let level = HeadingLevel::try_from((*old as usize).saturating_add(deeper))
                    .map_err(|_| "headings are nested too deeply")?;
                if let Some((start, words)) = at.take()
                    && let Some(Event::Start(Tag::Heading { level: first, id, .. })) =
                        events.get_mut(start)
                {
                    *first = level;
                    *id = Some(CowStr::from(slug(&words)));
                }
                if let Some(event) = events.get_mut(index) {
                    *event = Event::End(TagEnd::Heading(level));
                }
            }
            _ => {}
        }
    }
    let mut body = String::new();
    html::push_html(&mut body, events.into_iter());
    let scrolls = "tabindex=\"0\" role=\"group\"";
    Ok(body
        .replace("<pre>", &format!("<pre {scrolls} aria-label=\"Example\">"))
        .replace("<table>", &format!("<div class=\"wide\" {scrolls} aria-label=\"Table\"><table>"))
        .replace("</table>", "</table></div>"))
}

/// A long page, with an index of its sections at the side.
fn with_index(body: &str) -> String {
    let mut items = String::new();
    for heading in body.split("<h2 id=\"").skip(1) {
        if let Some((id, words)) =
            heading.split_once("\">").and_then(|(id, rest)| Some((id, rest.split_once("</h2>")?.0)))
        {
            // Writing to a String cannot fail.
            let _ = writeln!(items, "<li><a href=\"#{id}\">{words}</a></li>");
        }
    }
    format!(
        "<div class=\"paper\">\n<nav class=\"index\" aria-label=\"Contents\">\n<div id=\"finder\"></div>\n<ul class=\"plain\">\n{items}</ul>\n</nav>\n<article id=\"text\">\n{body}</article>\n</div>\n"
    )
}

/// The id that GitHub gives to a heading.
fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}
