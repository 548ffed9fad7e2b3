//! `bridge.js`: what crosses between the relay and the platform for each request, in as few calls as can be.

use js_sys::{Array, JsString, Promise, Uint8Array};
use std::{cell::RefCell, collections::HashMap};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};
use worker::{Env, web_sys};

#[wasm_bindgen(module = "/src/bridge.js")]
extern "C" {
    #[derive(Clone)]
    pub(crate) type Exchange;

    #[wasm_bindgen(constructor)]
    pub(crate) fn new(request: &web_sys::Request, id: &str) -> Exchange;

    #[wasm_bindgen(method, getter)]
    pub(crate) fn head(this: &Exchange) -> String;

    #[wasm_bindgen(method)]
    pub(crate) fn name(this: &Exchange, id: &str);

    #[wasm_bindgen(method)]
    pub(crate) fn place(this: &Exchange) -> String;

    #[wasm_bindgen(method, js_name = tellRegion)]
    pub(crate) fn tell_region(this: &Exchange, hint: &str);

    #[wasm_bindgen(method)]
    pub(crate) fn body(this: &Exchange, most: usize, patience: usize) -> Promise;

    #[wasm_bindgen(method, catch)]
    pub(crate) fn forward(
        this: &Exchange,
        object: &JsValue,
        most: usize,
    ) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch)]
    pub(crate) fn answer(
        this: &Exchange,
        head: &str,
        body: &JsValue,
    ) -> Result<web_sys::Response, JsValue>;

    #[wasm_bindgen(method, catch)]
    pub(crate) fn pass(this: &Exchange, reply: &JsValue) -> Result<web_sys::Response, JsValue>;

    #[wasm_bindgen(catch)]
    pub(crate) fn stub(
        env: &Env,
        binding: &JsString,
        jurisdiction: &JsValue,
        name: &str,
        hint: Option<&str>,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch)]
    pub(crate) fn open(object: &JsValue, head: &str) -> Result<Promise, JsValue>;

    #[wasm_bindgen(catch)]
    pub(crate) fn ask(object: &JsValue, head: &str, body: &str) -> Result<Promise, JsValue>;

    pub(crate) fn reply(head: &str, bytes: Uint8Array) -> JsValue;

    pub(crate) fn reply_head(reply: &JsValue) -> String;

    pub(crate) fn reply_text(reply: &JsValue) -> Promise;

    pub(crate) fn unpack(packed: Uint8Array) -> Promise;

    pub(crate) fn pinged(state: &JsValue, socket: &web_sys::WebSocket) -> f64;

    pub(crate) type Rows;

    #[wasm_bindgen(constructor, catch)]
    pub(crate) fn query(
        sql: &JsValue,
        statement: &JsString,
        values: &Array,
    ) -> Result<Rows, JsValue>;

    #[wasm_bindgen(method, catch)]
    pub(crate) fn next(this: &Rows) -> Result<u32, JsValue>;

    #[wasm_bindgen(method)]
    pub(crate) fn kind(this: &Rows) -> u32;

    #[wasm_bindgen(method)]
    pub(crate) fn number(this: &Rows) -> f64;

    #[wasm_bindgen(method)]
    pub(crate) fn text(this: &Rows) -> String;

    #[wasm_bindgen(method)]
    pub(crate) fn blob(this: &Rows) -> Vec<u8>;

    #[wasm_bindgen(method)]
    pub(crate) fn written(this: &Rows) -> usize;
}

/// Does something with a text that stands in the program, which crosses once only.
pub(crate) fn with_constant<T>(text: &'static str, work: impl FnOnce(&JsString) -> T) -> T {
    thread_local! {
        /// By where they stand.
        static CROSSED: RefCell<HashMap<(usize, usize), JsString>> = RefCell::default();
    }
    CROSSED.with_borrow_mut(|crossed| {
        let crossed = crossed.entry((text.as_ptr().addr(), text.len()));
        work(crossed.or_insert_with(|| JsString::from(text)))
    })
}
