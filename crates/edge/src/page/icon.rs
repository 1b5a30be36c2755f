//! Line icons, drawn here so that nothing is loaded from elsewhere. They decorate; the words beside them speak.

use maud::{Markup, html};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    Home,
    Upload,
    People,
    Megaphone,
    Shield,
    Signal,
    Inbox,
    Chart,
    Lock,
    Scroll,
    Team,
    Check,
    Cross,
    Clock,
    Pause,
    Play,
    Question,
    Warning,
    Dot,
    Menu,
    Pencil,
    Message,
    Stop,
    Key,
    Phone,
    Settings,
    Calendar,
}

impl Icon {
    /// The path on a grid of 24.
    fn path(self) -> &'static str {
        match self {
            Self::Home => "M4 11l8-7 8 7M6 9.5V20h12V9.5M10 20v-6h4v6",
            Self::Upload => "M12 15V4M7.5 8.5 12 4l4.5 4.5M4 15v4a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1v-4",
            Self::People => "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM2.5 20c0-3.6 2.9-6 6.5-6s6.5 2.4 6.5 6M16 4.4a3.5 3.5 0 0 1 0 6.2M18 14.4c2.1.8 3.5 2.8 3.5 5.6",
            Self::Megaphone => "M4 14v-4l13-5v14L4 14ZM7 15l1.2 4.5h2.6L10 16M20 9.5a4 4 0 0 1 0 5",
            Self::Shield => "M12 3l8 3v6c0 4.6-3.2 7.8-8 9-4.8-1.2-8-4.4-8-9V6l8-3ZM8.5 12l2.5 2.5 4.5-5",
            Self::Signal => "M12 13v8M12 13a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM7.8 15.2a6 6 0 0 1 0-8.4M16.2 6.8a6 6 0 0 1 0 8.4M5 18a10 10 0 0 1 0-14M19 4a10 10 0 0 1 0 14",
            Self::Inbox => "M4 13l3-8h10l3 8v6H4v-6ZM4 13h5l1 2.5h4l1-2.5h5",
            Self::Chart => "M4 20h16M7 16v-5M12 16V5M17 16V9",
            Self::Lock => "M6 11h12v9H6v-9ZM8.5 11V7.5a3.5 3.5 0 0 1 7 0V11M12 14.5v2",
            Self::Scroll => "M7 4h11v13.5a2.5 2.5 0 0 1-2.5 2.5H6.5M7 4a2.5 2.5 0 0 0-2.5 2.5V8H9v9.5A2.5 2.5 0 0 1 6.5 20M12 9h3M12 13h3",
            Self::Team => "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.5 20.5c0-4 3.4-6 7.5-6s7.5 2 7.5 6",
            Self::Settings => "M4 7h9M17 7h3M4 17h3M11 17h9M15 9.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM9 19.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z",
            Self::Calendar => "M5 6h14v14H5V6ZM5 10h14M9 3.5V7M15 3.5V7",
            Self::Check => "M5 12.5l4.5 4.5L19 7",
            Self::Cross => "M6.5 6.5l11 11M17.5 6.5l-11 11",
            Self::Clock => "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 7v5l3.5 2",
            Self::Pause => "M8.5 6v12M15.5 6v12",
            Self::Play => "M8 5.5v13l10.5-6.5L8 5.5Z",
            Self::Question => "M9 9a3 3 0 1 1 4.4 2.6c-.9.5-1.4 1-1.4 2.4M12 18v.01",
            Self::Warning => "M12 4l9 16H3L12 4ZM12 10v4M12 17v.01",
            Self::Dot => "M12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6Z",
            Self::Menu => "M4 7h16M4 12h16M4 17h16",
            Self::Pencil => "M4 20l1-4.5L16 4.5l3.5 3.5L8.5 19 4 20Z",
            Self::Message => "M4 5h16v11H11l-4 4v-4H4V5Z",
            Self::Key => "M8 16.5a4.5 4.5 0 1 1 4.2-6H21v3.5h-3v3h-3.5v-3h-2.3a4.5 4.5 0 0 1-4.2 2.5ZM8 12v.01",
            Self::Phone => "M5 4h4l1.5 4.5-2 1.5a12 12 0 0 0 5.5 5.5l1.5-2 4.5 1.5v4a1.5 1.5 0 0 1-1.5 1.5A15.5 15.5 0 0 1 3.5 5.5 1.5 1.5 0 0 1 5 4Z",
            Self::Stop => "M8 3.5h8l4.5 4.5v8L16 20.5H8L3.5 16V8L8 3.5ZM8 12h8",
        }
    }

    pub fn draw(self) -> Markup {
        html! { svg.icon viewBox="0 0 24 24" aria-hidden="true" focusable="false" { path d=(self.path()) {} } }
    }
}

/// The product's mark. SVG elements need their end tag in HTML: one left open takes in what follows.
pub fn mark() -> Markup {
    html! {
        svg.mark viewBox="0 0 28 28" aria-hidden="true" focusable="false" {
            rect width="28" height="28" rx="7" fill="#0b6e6e" {}
            path d="M7 17.5v-7l9-3.5v14l-9-3.5Z" fill="#fff" {}
            path d="M19 10.5a5 5 0 0 1 0 7M21.5 8a8.5 8.5 0 0 1 0 12" fill="none" stroke="#8fe3dd" stroke-width="1.8" stroke-linecap="round" {}
        }
    }
}
