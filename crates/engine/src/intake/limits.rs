//! What a file may cost us, whatever it claims to be.

/// Limits of one file. The defaults fit every honest list of contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileLimits {
    /// One line with all its cells. A longer one is refused and reading goes on after it.
    pub line_bytes_max: usize,
    /// A line this long ends the reading: a quotation mark is open, or it is no list of contacts.
    pub line_skip_bytes_max: u64,
    pub columns_max: usize,
    /// Lines of one file: its numbers are held in memory, some twenty bytes each, to find those that stand in it twice.
    pub lines_max: u64,
    /// Of one part of a workbook, unpacked.
    pub part_bytes_max: u64,
    /// Texts of a workbook that are held in memory while its cells are read.
    pub shared_text_bytes_max: usize,
    /// One tag or one text of a workbook.
    pub xml_token_bytes_max: usize,
    /// Files inside a workbook.
    pub workbook_parts_max: usize,
    /// How many times larger than packed a large part may become.
    pub expansion_max: u64,
}

impl Default for FileLimits {
    fn default() -> Self {
        Self {
            line_bytes_max: 64 * 1024,
            line_skip_bytes_max: 16 * 1024 * 1024,
            columns_max: 200,
            lines_max: 10_000_000,
            part_bytes_max: 4 * 1024 * 1024 * 1024,
            shared_text_bytes_max: 256 * 1024 * 1024,
            xml_token_bytes_max: 256 * 1024,
            workbook_parts_max: 10_000,
            expansion_max: 200,
        }
    }
}
