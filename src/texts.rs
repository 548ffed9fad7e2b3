//! The texts that the relay serves: pages, documents, scripts and styles. `build.rs` puts them together.
//!
//! They are a quarter of the program if they stand in it as they are. They stand in it compressed, and are
//! unpacked when the first of them is asked for: most instances never serve one.

use crate::{bridge, platform, waiting};
use js_sys::Uint8Array;
use nexus_core::{Fault, Result};
use std::cell::Cell;
use wasm_bindgen::JsCast;

static ARCHIVE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/texts.gz"));

/// The name of each text, and where its parts stand in the archive.
#[allow(clippy::unreadable_literal, reason = "nobody reads it")]
static TABLE: &[(&str, &[(usize, usize)])] = include!(concat!(env!("OUT_DIR"), "/texts.rs"));

thread_local! {
    static UNPACKED: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// The text of this name.
pub(crate) async fn read(name: &str) -> Result<String> {
    let found = TABLE.iter().find(|(known, _)| *known == name);
    let (_, parts) = found.ok_or_else(|| Fault::new("a text is missing"))?;
    let all = match UNPACKED.get() {
        Some(all) => all,
        None => unpack().await?,
    };
    Ok(parts.iter().filter_map(|(start, end)| all.get(*start..*end)).collect())
}

/// Unpacks the archive. Requests that come at once each do it, for none can wait for another's promise.
async fn unpack() -> Result<&'static str> {
    let unpacked = waiting::outcome(bridge::unpack(Uint8Array::from(ARCHIVE))).await;
    let unpacked = unpacked.map_err(|error| platform::fault(error.into()))?;
    let bytes = unpacked.unchecked_into::<Uint8Array>().to_vec();
    if let Some(all) = UNPACKED.get() {
        return Ok(all);
    }
    let all: &str = String::from_utf8(bytes).map_err(Fault::new)?.leak();
    UNPACKED.set(Some(all));
    Ok(all)
}

#[cfg(all(test, target_arch = "wasm32"))]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test]
    async fn a_text_comes_out_as_it_went_in() {
        let protocol = read("docs.md").await.unwrap();
        assert_eq!(protocol, include_str!("../docs/protocol.md"));
        let html = read("docs.html").await.unwrap();
        assert!(html.starts_with("<!doctype html>") && html.ends_with("</html>\n"));
        let described: serde_json::Value =
            serde_json::from_str(include_str!("../docs/openapi.json")).unwrap();
        let served = read("openapi.json").await.unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&served).unwrap(), described);
        assert!(read("nothing").await.is_err());
    }
}
