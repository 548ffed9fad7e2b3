//! What a client takes (RFC 9110, sections 12.5.1 and 12.5.3): the form of a page, and compression.

/// Programs that fetch a link to show what is behind it, by a part of their `User-Agent`. They get what people
/// get, whatever they accept.
const PREVIEWS: [&str; 20] = [
    "facebookexternalhit",
    "facebot",
    "slackbot",
    "slack-imgproxy",
    "twitterbot",
    "whatsapp",
    "telegrambot",
    "discordbot",
    "linkedinbot",
    "skypeuripreview",
    "microsoftpreview",
    "msteams",
    "googlemessages",
    "google-pagerenderer",
    "applebot",
    "signal-desktop",
    "mattermost",
    "redditbot",
    "mastodon",
    "bluesky",
];

/// Whether a page is to be HTML. Otherwise it is Markdown.
///
/// Agents that take both name Markdown, and browsers do not. So HTML is for who names it, and does not
/// prefer Markdown.
pub(crate) fn wants_html(accept: &str, user_agent: &str) -> bool {
    let user_agent = user_agent.to_ascii_lowercase();
    if PREVIEWS.iter().any(|name| user_agent.contains(name)) {
        return true;
    }
    let html = weight(accept, "text/html").or_else(|| weight(accept, "application/xhtml+xml"));
    html.unwrap_or(0) > weight(accept, "text/markdown").unwrap_or(0)
}

/// Whether an answer may be compressed with gzip.
pub(crate) fn takes_gzip(encodings: &str) -> bool {
    let weight = weight(encodings, "gzip").or_else(|| weight(encodings, "*"));
    weight.unwrap_or(0) > 0
}

/// How much something is wanted, in thousandths; none if the list does not name it. A weight that cannot be read
/// counts as 1.
fn weight(list: &str, name: &str) -> Option<u32> {
    let item = list.split(',').find_map(|item| {
        let (found, parameters) = item.split_once(';').unwrap_or((item, ""));
        found.trim().eq_ignore_ascii_case(name).then_some(parameters)
    })?;
    let q = item.split(';').find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        key.trim().eq_ignore_ascii_case("q").then(|| value.trim())
    });
    Some(q.and_then(thousandths).unwrap_or(1000))
}

/// `0.5` is 500. At most three digits follow the point.
fn thousandths(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let whole: u32 = whole.parse().ok()?;
    let part: u32 = format!("{part:0<3}").get(..3)?.parse().ok()?;
    Some(whole.checked_mul(1000)?.checked_add(part)?.min(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHROME: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

    #[test]
    fn html_is_for_who_names_it_and_does_not_prefer_markdown() {
        for (accept, expected) in [
            (CHROME, true),
            ("text/HTML", true),
            ("text/html; charset=utf-8; q=0.5", true),
            ("application/xhtml+xml", true),
            ("text/html;q=0", false),
            ("text/html; Q=0.000", false),
            ("*/*", false),
            ("text/*", false),
            ("", false),
            ("text/markdown, text/html", false),
            ("text/markdown;q=0.5, text/html", true),
            ("text/html;q=0.5, text/markdown;q=0.9, */*;q=0.1", false),
            ("text/html;q=0.9, text/markdown;q=0", true),
            ("text/html;q=nonsense", true),
            ("application/json;v=\"text/html\"", false),
        ] {
            assert_eq!(wants_html(accept, "curl/8"), expected, "{accept}");
        }
    }

    #[test]
    fn a_preview_is_shown_what_people_are_shown() {
        for agent in [
            "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
            "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
            "Twitterbot/1.0",
            "WhatsApp/2.23.20.0",
            "TelegramBot (like TwitterBot)",
            "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
            "LinkedInBot/1.0 (compatible; Mozilla/5.0)",
            "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
        ] {
            assert!(wants_html("*/*", agent), "{agent}");
        }
        for agent in ["curl/8.5.0", "python-requests/2.31", "Claude-User/1.0", ""] {
            assert!(!wants_html("*/*", agent), "{agent}");
        }
    }

    #[test]
    fn what_is_not_wanted_is_not_compressed() {
        for (encodings, expected) in [
            ("gzip, deflate, br", true),
            ("GZIP", true),
            ("*", true),
            ("br, *;q=0.1", true),
            ("gzip;q=0", false),
            ("gzip;q=0, *", false),
            ("identity", false),
            ("x-gzip-like", false),
            ("", false),
        ] {
            assert_eq!(takes_gzip(encodings), expected, "{encodings}");
        }
    }
}
