//! Where a workbook keeps its first visible sheet, its texts and its date formats.

use std::io::{Read, Seek};

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

use super::archive::Archive;
use super::part::{self, xml_error};
use crate::intake::error::FileError;
use crate::intake::limits::FileLimits;

/// The parts that are read.
pub struct Plan {
    pub sheet: String,
    pub strings: Option<String>,
    pub styles: Option<String>,
    /// Days are counted from 1904, as old Macs did.
    pub epoch_1904: bool,
}

struct Relation {
    id: String,
    kind: String,
    target: String,
}

/// Cell formats in a workbook; Excel allows 65,490.
const FORMATS_MAX: usize = 70_000;

pub fn plan(archive: &Archive, source: &mut (impl Read + Seek), limits: &FileLimits) -> Result<Plan, FileError> {
    let roots = relations(archive, "_rels/.rels", "", source, limits)?;
    let root = roots.iter().find(|relation| relation.kind.ends_with("/officeDocument"));
    let workbook = root.map_or("xl/workbook.xml", |relation| &relation.target);
    let (folder, name) = workbook.rsplit_once('/').unwrap_or(("", workbook));
    let related = relations(archive, &format!("{folder}/_rels/{name}.rels"), folder, source, limits)?;
    let of_kind = |kind: &str| related.iter().find(|relation| relation.kind.ends_with(kind)).map(|relation| relation.target.clone());
    let (sheet_id, epoch_1904) = first_sheet(archive, workbook, source, limits)?;
    let sheet = related.iter().find(|relation| relation.id == sheet_id && relation.kind.ends_with("/worksheet")).ok_or(FileError::NoSheet)?;
    Ok(Plan { sheet: sheet.target.clone(), strings: of_kind("/sharedStrings"), styles: of_kind("/styles"), epoch_1904 })
}

/// Calls `visit` for each opening tag of a part.
fn each_tag(
    archive: &Archive,
    path: &str,
    source: &mut (impl Read + Seek),
    limits: &FileLimits,
    mut visit: impl FnMut(&BytesStart),
) -> Result<(), FileError> {
    let entry = archive.find(path).ok_or(FileError::Damaged("a part is missing"))?;
    let mut part = part::open(entry, source, limits)?;
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match part.read_event_into(&mut buffer).map_err(|error| xml_error(&error))? {
            Event::Start(tag) => visit(&tag),
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

/// An attribute without regard to its prefix.
pub fn attribute(tag: &BytesStart, name: &str) -> Option<String> {
    let found = tag.attributes().flatten().find(|attribute| attribute.key.local_name().as_ref() == name)?;
    Some(found.normalized_value(XmlVersion::Explicit1_0).ok()?.into_owned())
}

fn relations(archive: &Archive, path: &str, folder: &str, source: &mut (impl Read + Seek), limits: &FileLimits) -> Result<Vec<Relation>, FileError> {
    let mut relations = Vec::new();
    each_tag(archive, path.trim_start_matches('/'), source, limits, |tag| {
        if tag.local_name().as_ref() == "Relationship" && relations.len() < limits.workbook_parts_max {
            let value = |name| attribute(tag, name).unwrap_or_default();
            relations.push(Relation { id: value("Id"), kind: value("Type"), target: resolved(folder, &value("Target")) });
        }
    })?;
    Ok(relations)
}

/// A target is relative to the folder of its part, unless it begins with a slash.
fn resolved(folder: &str, target: &str) -> String {
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_owned();
    }
    let mut steps: Vec<&str> = folder.split('/').filter(|step| !step.is_empty()).collect();
    for step in target.split('/') {
        match step {
            "." | "" => {}
            ".." => drop(steps.pop()),
            step => steps.push(step),
        }
    }
    steps.join("/")
}

fn first_sheet(archive: &Archive, workbook: &str, source: &mut (impl Read + Seek), limits: &FileLimits) -> Result<(String, bool), FileError> {
    let (mut sheet, mut epoch_1904) = (None, false);
    each_tag(archive, workbook, source, limits, |tag| match tag.local_name().as_ref() {
        "workbookPr" => epoch_1904 = matches!(attribute(tag, "date1904").as_deref(), Some("1" | "true")),
        "sheet" if sheet.is_none() && !attribute(tag, "state").is_some_and(|state| state.to_lowercase().ends_with("hidden")) => {
            // `sheetId` is a number of its own; the relation is the attribute `id` with a prefix.
            sheet = attribute(tag, "id");
        }
        _ => {}
    })?;
    Ok((sheet.ok_or(FileError::NoSheet)?, epoch_1904))
}

/// For each cell format, whether it shows a date or a time.
pub fn date_styles(archive: &Archive, path: Option<&str>, source: &mut (impl Read + Seek), limits: &FileLimits) -> Result<Vec<bool>, FileError> {
    let Some(path) = path.filter(|path| archive.find(path).is_some()) else { return Ok(Vec::new()) };
    let (mut dates, mut own, mut in_cell_formats) = (Vec::new(), Vec::new(), false);
    each_tag(archive, path, source, limits, |tag| {
        let number = |name| attribute(tag, name).and_then(|value| value.parse::<u32>().ok());
        match tag.local_name().as_ref() {
            "numFmt" if own.len() < FORMATS_MAX => own.extend(number("numFmtId").zip(attribute(tag, "formatCode"))),
            "cellXfs" => in_cell_formats = true,
            "cellStyles" | "dxfs" => in_cell_formats = false,
            "xf" if in_cell_formats && dates.len() < FORMATS_MAX => {
                let id = number("numFmtId").unwrap_or(0);
                let code = own.iter().find(|(own_id, _)| *own_id == id).map(|(_, code)| code.as_str());
                dates.push(code.map_or(matches!(id, 14..=22 | 27..=36 | 45..=47 | 50..=58), is_date_format));
            }
            _ => {}
        }
    })?;
    Ok(dates)
}

/// A format code shows a date when a letter of dates stands outside quotes, brackets and escapes.
fn is_date_format(code: &str) -> bool {
    let (mut quoted, mut bracketed, mut escaped) = (false, false, false);
    // The first section is for positive numbers.
    for letter in code.chars() {
        match letter {
            _ if escaped => escaped = false,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '\\' | '_' | '*' => escaped = true,
            '[' => bracketed = true,
            ']' => bracketed = false,
            ';' => return false,
            'y' | 'Y' | 'm' | 'M' | 'd' | 'D' | 'h' | 'H' | 's' | 'S' if !bracketed => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_date_formats_from_numbers() {
        for (code, date) in [
            ("yyyy-mm-dd", true), ("dd/mm/yyyy hh:mm", true), ("[$-809]d mmmm yyyy;@", true), ("0.00", false), ("#,##0", false),
            ("\"days\" 0", false), ("[Red]0", false), ("0_d", false), ("@", false), ("0;d", false), ("General", false),
        ] {
            assert_eq!(is_date_format(code), date, "{code}");
        }
    }

    #[test]
    fn resolves_targets_in_their_folder() {
        for (target, path) in [("worksheets/sheet1.xml", "xl/worksheets/sheet1.xml"), ("/xl/a.xml", "xl/a.xml"), ("../a.xml", "a.xml"), ("./b.xml", "xl/b.xml")] {
            assert_eq!(resolved("xl", target), path);
        }
    }
}
