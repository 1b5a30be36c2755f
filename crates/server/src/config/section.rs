//! `section!`: one table of the configuration, declared once with its words, its defaults and its example.

/// A key as the example file shows it.
pub struct Key {
    pub name: &'static str,
    pub words: &'static [&'static str],
    /// TOML of the default, or of a likely value when there is no default.
    pub value: String,
}

/// A table as the example file shows it.
pub struct Section {
    pub name: &'static str,
    pub words: &'static [&'static str],
    pub keys: Vec<Key>,
}

/// Declares a settings struct: its documentation is what the example file says about each key.
macro_rules! section {
    ($(#[doc = $words:literal])* $name:ident in $table:literal { $($(#[doc = $key_words:literal])* $key:ident: $kind:ty = $default:expr, shown $shown:expr;)+ }) => {
        $(#[doc = $words])*
        #[derive(Debug, Clone, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name { $($(#[doc = $key_words])* pub $key: $kind),+ }

        impl Default for $name {
            fn default() -> Self {
                Self { $($key: $default),+ }
            }
        }

        impl $name {
            pub(super) fn section() -> $crate::config::section::Section {
                $crate::config::section::Section {
                    name: $table,
                    words: &[$($words),*],
                    keys: vec![$($crate::config::section::Key { name: stringify!($key), words: &[$($key_words),*], value: $shown.to_string() }),+],
                }
            }
        }
    };
}
pub(super) use section;
