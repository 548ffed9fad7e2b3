//! Templates: `{{name}}` stands for a value.

use std::borrow::Cow;

/// The form of a page.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Html,
    Markdown,
}

/// What stands for a name.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    /// Text of anybody. In HTML it stays text.
    Text(&'a str),
    /// HTML of this program.
    Html(&'a str),
}

/// Replaces each `{{name}}` with its value, once: a value is never read as a template. Other names stay.
pub(super) fn fill(template: &str, values: &[(&str, Value<'_>)], form: Form) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        filled.push_str(before);
        let found = after.split_once("}}").and_then(|(name, after)| {
            let value = values.iter().find(|(known, _)| *known == name);
            value.map(|(_, value)| (*value, after))
        });
        rest = if let Some((value, after)) = found {
            match (value, form) {
                (Value::Text(text), Form::Html) => filled.push_str(&escaped(text)),
                (Value::Text(text) | Value::Html(text), _) => filled.push_str(text),
            }
            after
        } else {
            filled.push_str("{{");
            after
        };
    }
    filled.push_str(rest);
    filled
}

/// A text as HTML that shows it, in content and in attributes.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return Cow::Borrowed(text);
    }
    let mut html = String::with_capacity(text.len().saturating_add(16));
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
    Cow::Owned(html)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_for_their_names_and_are_no_templates() {
        let values = [("a", Value::Text("{{b}}")), ("b", Value::Text("2"))];
        let filled = fill("{{a}} {{b}} {{c}} {{ {{b", &values, Form::Markdown);
        assert_eq!(filled, "{{b}} 2 {{c}} {{ {{b");
    }

    #[test]
    fn texts_stay_texts_in_html() {
        let hostile = "<script>\"'&";
        let html = fill("<p title=\"{{a}}\">", &[("a", Value::Text(hostile))], Form::Html);
        assert_eq!(html, "<p title=\"&lt;script&gt;&quot;&#39;&amp;\">");
        let markup = fill("{{a}}", &[("a", Value::Html("<b>"))], Form::Html);
        assert_eq!((markup.as_str(), escaped("plain")), ("<b>", Cow::Borrowed("plain")));
    }
}
