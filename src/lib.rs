//! The edge of the relay.
use worker::{
    Context, DurableObject, Env, Request, Response, Result, State, durable_object, event,
};

/// One conversation.
#[durable_object]
pub struct Session {
    state: State,
    _env: Env,
}

impl DurableObject for Session {
    fn new(state: State, env: Env) -> Self {
        Self { state, _env: env }
    }
    async fn fetch(&self, _req: Request) -> Result<Response> {
        let c = self
            .state
            .storage()
            .sql()
            .exec("CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY)", None)?;
        let w1 = c.rows_written();
        let c = self
            .state
            .storage()
            .sql()
            .exec("INSERT INTO t DEFAULT VALUES", None)?;
        Response::from_json(&(w1, c.rows_written()))
    }
}

#[event(fetch)]
async fn fetch(_req: Request, env: Env, _ctx: Context) -> Result<Response> {
    let stub = env
        .durable_object("SESSION")?
        .id_from_name("x")?
        .get_stub()?;
    stub.fetch_with_str("http://object/").await
}

#[cfg(all(test, target_arch = "wasm32"))]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test]
    fn runs_in_wasm() {
        assert_eq!(js_sys::Number::from(1).value_of(), 1.0);
    }
}
