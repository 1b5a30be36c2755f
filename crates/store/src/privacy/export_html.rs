//! A person's export as one page that opens anywhere: no script, no picture, nothing from elsewhere.

use std::fmt::Write as _;

use clarion_domain::privacy::subject_request::SubjectExport;

use super::export::moment;
use super::export_sound::DATA_URI;

const HEAD: &str = "<!doctype html>\n<html lang=\"en-GB\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\n\
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; media-src data:\">\n<title>What is held on you</title>\n<style>\n\
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}body{max-width:60rem;margin:2rem auto;padding:0 1rem}h2{margin-top:2.5rem}\n\
dl.about,dl.record{display:grid;grid-template-columns:minmax(8rem,14rem) 1fr;gap:.25rem 1rem}dt{font-weight:600}dd{margin:0;overflow-wrap:anywhere;white-space:pre-wrap}\n\
dl.record{border:1px solid color-mix(in srgb,currentColor 25%,transparent);border-radius:.5rem;padding:.75rem 1rem;margin:.75rem 0}\n\
@media(max-width:40rem){dl.about,dl.record{grid-template-columns:1fr}}@media print{dl.record{break-inside:avoid}}\n</style></head><body>\n";

/// The page.
#[must_use]
pub fn subject_html(export: &SubjectExport) -> String {
    let mut page = String::from(HEAD);
    let made = export.made_at.parse::<jiff::Timestamp>().map_or_else(|_| export.made_at.clone(), |at| moment(at.into()));
    let _ = write!(page, "<h1>What {} holds on you</h1>\n<p>Made on {}. ", escaped(&export.controller), escaped(&made));
    page.push_str(if export.is_empty() {
        "Nothing is held on this number or reference.</p>\n"
    } else {
        "Everything is listed below, with why it is held, where it came from and how long it is kept. You may ask for a mistake to be put right, for your data to be erased, \
         for its use to be restricted, and you may object to being contacted. You may also complain to the data-protection authority; in the United Kingdom that is the Information Commissioner.</p>\n"
    });
    for section in &export.sections {
        let _ = write!(page, "<section><h2>{}</h2>\n<dl class=\"about\">", escaped(&section.title));
        for (name, value) in [("Why", &section.purpose), ("Legal basis", &section.legal_basis), ("From", &section.source), ("Kept", &section.kept)] {
            pair(&mut page, name, value);
        }
        page.push_str("</dl>\n");
        for record in &section.records {
            page.push_str("<dl class=\"record\">");
            record.0.iter().for_each(|(name, value)| pair(&mut page, name, value));
            page.push_str("</dl>\n");
        }
        page.push_str("</section>\n");
    }
    page.push_str("</body></html>\n");
    page
}

fn pair(page: &mut String, name: &str, value: &str) {
    if value.starts_with(DATA_URI) {
        let _ = write!(page, "<dt>{}</dt><dd><audio controls preload=\"none\" src=\"{}\"></audio></dd>", escaped(name), escaped(value));
        return;
    }
    let _ = write!(page, "<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(value));
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use clarion_domain::privacy::subject_request::{ExportRecord, ExportSection};
    use clarion_domain::time::Instant;

    use super::*;

    #[test]
    fn a_name_cannot_write_markup_into_the_page() {
        let mut export = SubjectExport::new("North & Sons", Instant(1_795_435_200_000));
        let records = vec![ExportRecord(vec![("first name".into(), "<script>alert(1)</script>".into())])];
        let section = ExportSection { title: "You".into(), purpose: String::new(), legal_basis: String::new(), source: String::new(), kept: String::new(), records };
        export.sections.push(section);
        let page = subject_html(&export);
        assert!(!page.contains("<script") && page.contains("&lt;script&gt;") && page.contains("North &amp; Sons"), "{page}");
        assert!(!page.contains("<audio"));
        assert!(!page.contains("http://") && !page.contains("https://"), "nothing from elsewhere");
    }
}
