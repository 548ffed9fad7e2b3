//! A QR code in half-block characters: one character shows two modules, one above the other.

use super::{
    Scene,
    text::{Ink, Text},
};
use qrcodegen::{QrCode, QrCodeEcc};

/// The margin, in modules. Readers ask for four, and manage with two.
const MARGIN: i32 = 2;

/// The code of a link. `None` if the terminal is too narrow.
///
/// The light modules are drawn, because most terminals are dark. Where there are colours, the code is light on
/// dark on every terminal.
pub(crate) fn qr(link: &str, scene: &Scene) -> Option<Text> {
    let code = QrCode::encode_text(link, QrCodeEcc::Low).ok()?;
    let range = || MARGIN.saturating_neg()..code.size().saturating_add(MARGIN);
    let is_wide = range().len() < scene.width;
    let mut text = Text::new(scene.width, scene.has_colour);
    for y in range().step_by(2) {
        let below = y.saturating_add(1);
        let is_light = |x, y| range().contains(&y) && !code.get_module(x, y);
        let line = range().map(|x| match (is_light(x, y), is_light(x, below)) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        });
        text.line(Ink::Code, &line.collect::<String>());
    }
    is_wide.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::{super::Clock, *};

    #[test]
    fn a_code_needs_room() {
        let scene =
            |width, has_colour| Scene { width, has_colour, clock: Clock::at(0), state: None };
        let link = "https://relay.example/p/PEARL-FOCAL-S5SJV";
        let text = qr(link, &scene(80, false)).unwrap();
        let lines: Vec<&str> = text.as_str().lines().collect();
        // Version 3 has 29 modules, and a margin of two on each side.
        assert_eq!(lines.len(), 17);
        assert_eq!(lines.first().unwrap().chars().count(), 33);
        assert!(lines.get(1).unwrap().starts_with("██ ▄▄▄▄▄ █"), "{}", text.as_str());
        assert!(qr(link, &scene(33, false)).is_none());
        assert!(qr(link, &scene(34, true)).unwrap().as_str().starts_with("\u{1b}[97;40m█"));
    }
}
