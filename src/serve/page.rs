//! The page at `/`: its files, embedded as they are, and the policy that keeps payloads from ever becoming more than text.

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::shared::Shared;

/// Scripts and styles from our own files only, connections to ourselves only, no frame around us, and no text that becomes
/// markup: browsers that know Trusted Types refuse the very attempt.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
                      trusted-types 'none'";

struct Part {
    path: &'static str,
    kind: &'static str,
    text: &'static str,
}

const PARTS: [Part; 5] = [
    Part { path: "/", kind: "text/html; charset=utf-8", text: include_str!("page/index.html") },
    Part { path: "/page.js", kind: "text/javascript; charset=utf-8", text: include_str!("page/page.js") },
    Part { path: "/rows.js", kind: "text/javascript; charset=utf-8", text: include_str!("page/rows.js") },
    Part { path: "/page.css", kind: "text/css; charset=utf-8", text: include_str!("page/page.css") },
    Part { path: "/icon.svg", kind: "image/svg+xml", text: include_str!("page/icon.svg") },
];

/// Whether this is a part of the page, which needs no token: the page asks for it, and shows nothing without.
pub fn is_part(path: &str) -> bool {
    PARTS.iter().any(|part| part.path == path)
}

/// The routes of the page.
pub fn routes() -> Router<Arc<Shared>> {
    PARTS.iter().fold(Router::new(), |router, part| router.route(part.path, get(move || async { answer(part) })))
}

fn answer(part: &'static Part) -> Response {
    let headers = [
        (header::CONTENT_TYPE, part.kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, part.text).into_response()
}
