//! Script and style, bundled by `build.rs`. Their names hold a hash of their content, so browsers keep them for good.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

pub struct Asset {
    pub path: &'static str,
    pub bytes: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/assets/assets.rs"));

const ICON: Asset = Asset { path: "/assets/mark.svg", bytes: include_bytes!("../../web/src/mark.svg") };

impl Asset {
    fn kind(&self) -> &'static str {
        match self.path.rsplit('.').next() {
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            _ => "image/svg+xml",
        }
    }
}

pub async fn get(Path(name): Path<String>) -> Response {
    let found = [&SCRIPT, &STYLE, &ICON].into_iter().find(|asset| asset.path.strip_prefix("/assets/") == Some(name.as_str()));
    let Some(asset) = found else { return StatusCode::NOT_FOUND.into_response() };
    let keep = if asset.path == ICON.path { "public, max-age=86400" } else { "public, max-age=31536000, immutable" };
    ([(header::CONTENT_TYPE, asset.kind()), (header::CACHE_CONTROL, keep)], asset.bytes).into_response()
}
