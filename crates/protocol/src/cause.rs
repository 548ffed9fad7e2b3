//! Why a body cannot be read as JSON, and what to do about it (section 1).

use crate::Refusal;
use std::str::Utf8Error;

/// The cause of a body that is not UTF-8.
pub(crate) fn not_utf8(bytes: &[u8], error: &Utf8Error) -> Refusal {
    let at = error.valid_up_to();
    match bytes {
        // The first bytes of gzip, of zstd and of zlib.
        [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x78, 0x9c | 0xda, ..] => {
            Refusal::compressed_body()
        }
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            Refusal::invalid_body("it is UTF-16: encode it as UTF-8")
        }
        _ => Refusal::invalid_body(&format!(
            "byte {at} is not UTF-8, maybe Latin-1: encode the whole body as UTF-8"
        )),
    }
}

/// The cause of a text that is not JSON.
pub(crate) fn not_json(text: &str, error: &serde_json::Error) -> Refusal {
    let (line, column) = (error.line(), error.column());
    let what = error.to_string();
    let start = text.trim_start();
    let cause = if start.contains('\0') {
        "it is UTF-16: encode it as UTF-8".to_owned()
    } else if start.starts_with("--") {
        "it is multipart form data: send the JSON itself as the body".to_owned()
    } else if is_form(start) {
        "it is form data: send {\"text\":\"...\"}, with curl as -d '{\"text\":\"...\"}'".to_owned()
    } else if what.contains("control character") {
        // The column counts bytes, and stands at the control character or after it.
        let in_line = text.split('\n').nth(line.saturating_sub(1)).unwrap_or_default();
        let tab = in_line.as_bytes().get(column.saturating_sub(1)) == Some(&b'\t');
        if tab {
            format!("line {line}, column {column}: a raw tab inside a text: write \\t")
        } else {
            // Where the text breaks off, the parser is at the start of the next line.
            let line = if column == 0 { line.saturating_sub(1) } else { line };
            format!("line {line}: a raw line break or control character inside a text: write \\n")
        }
    } else if what.contains("surrogate") || what.contains("hex escape") {
        format!(
            "line {line}, column {column}: half of a pair such as \\ud83d\\ude00: send both halves, or the character itself"
        )
    } else if what.contains("too deep") {
        format!("line {line}, column {column}: nested too deep")
    } else if error.is_eof() {
        format!("it breaks off at line {line}, column {column}: a quote or a bracket is missing")
    } else if start.starts_with("{'") || start.starts_with("['") {
        "JSON has double quotes: write {\"text\":\"...\"}".to_owned()
    } else {
        format!("line {line}, column {column}")
    };
    Refusal::invalid_body(&cause)
}

/// Whether a text looks like `name=value`, as a form has it.
fn is_form(text: &str) -> bool {
    text.split_once('=').is_some_and(|(name, _)| {
        let of_name = |c: char| c.is_ascii_alphanumeric() || "_-.[]%".contains(c);
        !name.is_empty() && name.chars().all(of_name)
    })
}

#[cfg(test)]
mod tests {
    use crate::{Body, ErrorCode};

    fn why(bytes: &[u8]) -> String {
        let refusal = Body::parse(bytes).err().unwrap();
        assert_eq!(refusal.body.error, ErrorCode::InvalidBody);
        refusal.body.message.into_owned()
    }

    #[test]
    fn each_cause_is_named_with_its_remedy() {
        for (body, expected) in [
            (&b"text=hello"[..], "it is form data"),
            (b"text=hello&to=bob", "it is form data"),
            (b"--x\r\nContent-Disposition: form-data; name=\"text\"\r\n", "multipart"),
            (b"{\"text\":\"a\nb\"}", "line 1: a raw line break"),
            (b"{\n\"text\":\"a\r\nb\"}", "line 2: a raw line break"),
            (b"{\"text\":\"a\tb\"}", "a raw tab inside a text: write \\t"),
            (br#"{"text":"\ud83d"}"#, "half of a pair"),
            (br#"{"text":"\ud83d\u0041"}"#, "half of a pair"),
            (br#"{"text":"\ude00"}"#, "half of a pair"),
            (b"{\"text\":\"\xe4\"}", "byte 9 is not UTF-8, maybe Latin-1"),
            (b"\xff\xfe{\0", "it is UTF-16"),
            (b"{\0\"\0t\0", "it is UTF-16"),
            (br#"{"text":"a"#, "it breaks off at line 1"),
            (b"{'text':'a'}", "JSON has double quotes"),
            (br#"{"text": a}"#, "line 1, column 10"),
        ] {
            let why = why(body);
            assert!(why.contains(expected), "{expected}: {why}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        let mut body = Body::parse(b"\xef\xbb\xbf{\"a\":1}").unwrap();
        assert_eq!(body.field::<u32>("a", "must be a number"), Some(1));
        assert!(Body::parse(b"\xef\xbb\xbf").is_ok());
    }

    #[test]
    fn what_is_compressed_is_refused_as_such() {
        for body in [&b"\x1f\x8b\x08\0"[..], b"\x28\xb5\x2f\xfd\0"] {
            let refusal = Body::parse(body).err().unwrap();
            assert_eq!((refusal.status, refusal.body.error), (415, ErrorCode::UnsupportedEncoding));
        }
    }
}
