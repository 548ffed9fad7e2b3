//! How Firefox is told: by its own protocol, Marionette, which has the commands of `WebDriver` by name.
//! A message is its length in bytes, a colon, and JSON: `[0, ID, NAME, PARAMETERS]` asks, and
//! `[1, ID, ERROR, RESULT]` answers.

use super::wire::{Command, Wire, id_of, strokes};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// A connection to a Firefox.
pub(super) struct Marionette(Mutex<Connection>);

struct Connection {
    stream: BufReader<TcpStream>,
    asked: u64,
}

impl Connection {
    fn read(&mut self) -> std::io::Result<Value> {
        let mut length = Vec::new();
        self.stream.read_until(b':', &mut length)?;
        length.pop();
        let length = String::from_utf8_lossy(&length).parse().map_err(std::io::Error::other)?;
        let mut message = vec![0; length];
        self.stream.read_exact(&mut message)?;
        Ok(serde_json::from_slice(&message)?)
    }

    fn call(&mut self, name: &str, parameters: &Value) -> Result<Value, String> {
        self.asked += 1;
        let message = json!([0, self.asked, name, parameters]).to_string();
        let sent =
            self.stream.get_mut().write_all(format!("{}:{message}", message.len()).as_bytes());
        let answer = sent.and_then(|()| self.read());
        let mut answer = answer.map_err(|error| format!("no answer of Firefox: {error}"))?;
        assert_eq!(answer[1], self.asked, "an answer to what was asked");
        if answer[2].is_null() {
            Ok(answer[3].take())
        } else {
            Err(answer[2]["message"].to_string())
        }
    }
}

impl Marionette {
    /// Connects to the Firefox that listens on this port. Returns what it says of itself.
    pub(super) fn begin(port: u16) -> Result<(Self, Value), String> {
        let stream = TcpStream::connect(("127.0.0.1", port)).map_err(|error| error.to_string())?;
        stream.set_read_timeout(Some(Duration::from_mins(2))).map_err(|error| error.to_string())?;
        let mut connection = Connection { stream: BufReader::new(stream), asked: 0 };
        connection.read().map_err(|error| error.to_string())?;
        // Not as `WebDriver` has them: one level.
        let begun = connection.call("WebDriver:NewSession", &json!({}))?;
        Ok((Self(Mutex::new(connection)), begun["capabilities"].clone()))
    }

    /// Sends a command by its name.
    pub(super) fn call(&self, name: &str, parameters: &Value) -> Result<Value, String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).call(name, parameters)
    }

    /// Runs the body of a function in the browser's own window, around the pages.
    pub(super) fn run_around_pages(&self, script: &str) -> Result<Value, String> {
        self.call("Marionette:SetContext", &json!({ "value": "chrome" }))?;
        let result = self.call("WebDriver:ExecuteScript", &json!({ "script": script, "args": [] }));
        self.call("Marionette:SetContext", &json!({ "value": "content" }))?;
        result
    }
}

impl Wire for Marionette {
    fn send(&self, command: Command<'_>) -> Result<Value, String> {
        let script = |script: &str| json!({ "script": script, "args": [] });
        let (name, parameters) = match command {
            Command::Open(url) => ("WebDriver:Navigate", json!({ "url": url })),
            Command::Reload => ("WebDriver:Refresh", json!({})),
            Command::Back => ("WebDriver:Back", json!({})),
            Command::Address => ("WebDriver:GetCurrentURL", json!({})),
            Command::Run(body) => ("WebDriver:ExecuteScript", script(body)),
            Command::RunUntilCalled(body) => ("WebDriver:ExecuteAsyncScript", script(body)),
            Command::Find(css) => {
                ("WebDriver:FindElement", json!({ "using": "css selector", "value": css }))
            }
            Command::Role(id) => ("WebDriver:GetComputedRole", json!({ "id": id })),
            Command::Name(id) => ("WebDriver:GetComputedLabel", json!({ "id": id })),
            Command::Click(id) => ("WebDriver:ElementClick", json!({ "id": id })),
            Command::Type(id, text) => {
                ("WebDriver:ElementSendKeys", json!({ "id": id, "text": text }))
            }
            Command::Clear(id) => ("WebDriver:ElementClear", json!({ "id": id })),
            Command::Keys(keys) => ("WebDriver:PerformActions", strokes(keys)),
            Command::Tab => ("WebDriver:GetWindowHandle", json!({})),
            Command::NewTab => {
                // Not answered as the others are.
                let made = self.call("WebDriver:NewWindow", &json!({ "type": "tab" }))?;
                return Ok(made["handle"].clone());
            }
            Command::TurnTo(tab) => ("WebDriver:SwitchToWindow", json!({ "handle": tab })),
            Command::Picture => ("WebDriver:TakeScreenshot", json!({ "full": false })),
            Command::Resize(width, height) => {
                ("WebDriver:SetWindowRect", json!({ "width": width, "height": height }))
            }
        };
        let value = self.call(name, &parameters)?["value"].take();
        Ok(if let Command::Find(_) = command { id_of(&value) } else { value })
    }
}
