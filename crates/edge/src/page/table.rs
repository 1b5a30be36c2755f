//! What listings share: the empty state and the pager.

use maud::{Markup, html};

use super::icon::Icon;

/// Says why there is nothing here, and what to do next.
pub fn empty(icon: Icon, title: &str, text: &str, action: Option<(&str, &str)>) -> Markup {
    html! {
        div.empty {
            (icon.draw())
            h2 { (title) }
            p { (text) }
            @if let Some((href, label)) = action { a.button href=(href) { (label) } }
        }
    }
}

/// Links to the first and the next page. `query` is the filter of the listing, without the cursor.
pub fn pager(path: &str, query: &str, at: Option<i64>, next: Option<i64>) -> Markup {
    let link = |cursor: Option<i64>| {
        let cursor = cursor.map_or(String::new(), |cursor| format!("before={cursor}"));
        let parts: Vec<&str> = [query, cursor.as_str()].into_iter().filter(|part| !part.is_empty()).collect();
        if parts.is_empty() { path.to_owned() } else { format!("{path}?{}", parts.join("&")) }
    };
    html! {
        @if at.is_some() || next.is_some() {
            nav.pages aria-label="Pages" {
                @if at.is_some() { a href=(link(None)) { "First page" } }
                @if next.is_some() { a rel="next" href=(link(next)) { "Older" } }
            }
        }
    }
}
