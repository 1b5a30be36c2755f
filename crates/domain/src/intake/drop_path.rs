//! Paths of an SFTP drop: three folders with files in them, and nothing else that could be named.

use crate::word::words;

const PATH_BYTES_MAX: usize = 1024;
const NAME_CHARS_MAX: usize = 200;
/// What the name of a result has behind the name of its file.
pub const RESULT_END: &str = ".result.json";
/// Ends of names that programs give to a file while they send it.
const TEMPORARY_ENDS: &[&str] = &[".part", ".filepart", ".partial", ".tmp", ".temp", ".uploading", ".crdownload", "~"];

words! {
    pub enum DropFolder {
        /// Where files are put, and stay until they were loaded or refused.
        Incoming = "incoming",
        Done = "done",
        Rejected = "rejected",
        /// Files for the client to fetch: results of campaigns. Nothing can be put there.
        Out = "out",
    }
}

/// What a path names. There is no way up: `..` at the top stays there, as behind a chroot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DropPath {
    Root,
    Folder(DropFolder),
    File(DropFolder, String),
}

/// Why a path names nothing here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DropPathError {
    #[error("there is no such place: files are put into incoming/")]
    NoSuchPlace,
    #[error("a file's name has 1 to {NAME_CHARS_MAX} characters, and neither control characters nor backslashes")]
    Name,
}

impl DropPath {
    pub fn parse(path: &str) -> Result<Self, DropPathError> {
        if path.len() > PATH_BYTES_MAX {
            return Err(DropPathError::Name);
        }
        let mut parts: Vec<&str> = Vec::new();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop()),
                part => parts.push(part),
            }
        }
        match parts[..] {
            [] => Ok(Self::Root),
            [folder] => folder.parse().map(Self::Folder).map_err(|_| DropPathError::NoSuchPlace),
            [folder, name] => {
                let folder = folder.parse().map_err(|_| DropPathError::NoSuchPlace)?;
                let fits = name.chars().count() <= NAME_CHARS_MAX && !name.chars().any(|letter| letter.is_control() || letter == '\\');
                if fits { Ok(Self::File(folder, name.to_owned())) } else { Err(DropPathError::Name) }
            }
            _ => Err(DropPathError::NoSuchPlace),
        }
    }
}

impl std::fmt::Display for DropPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Root => f.write_str("/"),
            Self::Folder(folder) => write!(f, "/{folder}"),
            Self::File(folder, name) => write!(f, "/{folder}/{name}"),
        }
    }
}

/// A name that a program gives to a file while it sends it: it loads only once it was renamed.
#[must_use]
pub fn is_temporary(name: &str) -> bool {
    let folded = name.to_lowercase();
    name.starts_with('.') || TEMPORARY_ENDS.iter().any(|end| folded.ends_with(end))
}

/// The file whose result this name is.
#[must_use]
pub fn result_of(name: &str) -> Option<&str> {
    name.strip_suffix(RESULT_END).filter(|file| !file.is_empty())
}

/// `name` told apart from others of the same name: `mark` stands before its endings.
#[must_use]
pub fn told_apart(name: &str, mark: &str) -> String {
    let from = name.char_indices().skip(1).find(|(_, letter)| *letter == '.').map_or(name.len(), |(at, _)| at);
    format!("{}-{mark}{}", &name[..from], &name[from..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_a_folder_a_file_or_nothing() {
        let file = |folder, name: &str| Ok(DropPath::File(folder, name.into()));
        for (path, named) in [
            ("", Ok(DropPath::Root)),
            (".", Ok(DropPath::Root)),
            ("/../../..", Ok(DropPath::Root)),
            ("incoming/", Ok(DropPath::Folder(DropFolder::Incoming))),
            ("//incoming/./a.csv", file(DropFolder::Incoming, "a.csv")),
            ("../../incoming/a.csv", file(DropFolder::Incoming, "a.csv")),
            ("incoming/../done/a b.csv", file(DropFolder::Done, "a b.csv")),
            ("/etc/passwd", Err(DropPathError::NoSuchPlace)),
            ("incoming/../../etc/passwd", Err(DropPathError::NoSuchPlace)),
            ("Incoming", Err(DropPathError::NoSuchPlace)),
            ("incoming/sub/a.csv", Err(DropPathError::NoSuchPlace)),
            ("incoming/..\\..\\a.csv", Err(DropPathError::Name)),
            ("incoming/a\0.csv", Err(DropPathError::Name)),
        ] {
            assert_eq!(DropPath::parse(path), named, "{path:?}");
        }
        assert_eq!(DropPath::parse(&format!("incoming/{}", "a".repeat(201))), Err(DropPathError::Name));
        assert_eq!(DropPath::parse(&"../".repeat(1000)), Err(DropPathError::Name));
    }

    #[test]
    fn names_under_way_and_of_results_are_known() {
        for name in ["a.csv.part", "a.csv.filepart", "A.CSV.TMP", ".in.a.csv", "a.csv~"] {
            assert!(is_temporary(name), "{name}");
        }
        assert!(!["a.csv", "part", "tmp.xlsx", "a.csv.age"].into_iter().any(is_temporary));
        assert_eq!((result_of("a.csv.result.json"), result_of("a.csv"), result_of(".result.json")), (Some("a.csv"), None, None));
        assert_eq!(told_apart("a.csv.age", "2"), "a-2.csv.age");
        assert_eq!((told_apart("a", "2"), told_apart(".a", "2")), ("a-2".into(), ".a-2".into()));
    }
}
