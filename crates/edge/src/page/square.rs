//! A QR square as SVG of our own: one path, so that it is sharp at any size and needs no style.

use maud::{Markup, html};
use qrcodegen::{QrCode, QrCodeEcc};

/// Modules of white around it, without which a camera does not find it.
const QUIET: i32 = 4;

/// Nothing when the text is too long for a square: whoever shows one shows its text beside it.
pub fn square(text: &str, label: &str) -> Markup {
    let Ok(code) = QrCode::encode_text(text, QrCodeEcc::Medium) else { return html! {} };
    let side = code.size() + 2 * QUIET;
    let dark = (0..code.size()).flat_map(|y| (0..code.size()).map(move |x| (x, y))).filter(|(x, y)| code.get_module(*x, *y));
    let path: String = dark.map(|(x, y)| format!("M{},{}h1v1h-1z", x + QUIET, y + QUIET)).collect();
    html! {
        svg.square role="img" aria-label=(label) viewBox={ "0 0 " (side) " " (side) } width="220" height="220" shape-rendering="crispEdges" {
            rect width=(side) height=(side) fill="#fff" {}
            path d=(path) fill="#000" {}
        }
    }
}
