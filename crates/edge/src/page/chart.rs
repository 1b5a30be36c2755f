//! Charts as plain SVG, coloured by classes, each with its table beside it.

use maud::{Markup, html};

use super::chip::Tone;
use super::figure::count;

/// One column of a chart: its label and the value of each series.
pub struct Column {
    pub label: String,
    pub values: Vec<i64>,
}

/// What a series counts, and how it is coloured.
pub struct Series {
    pub name: &'static str,
    pub tone: Tone,
}

const WIDTH: i64 = 720;
const HEIGHT: i64 = 180;
const LEFT: i64 = 48;
const FOOT: i64 = 36;
const LABELS_MAX: usize = 8;
/// Half of the room that a label takes.
const HALF_LABEL: f64 = 32.0;

/// Stacked bars over time, one bar a column. The table stands beside it, for it opens and closes: see `table`.
pub fn bars(title: &str, series: &[Series], columns: &[Column]) -> Markup {
    let top = ceiling(columns.iter().map(|column| column.values.iter().sum()).max().unwrap_or(0));
    let plot = HEIGHT - FOOT;
    let slot = (WIDTH - LEFT) as f64 / columns.len().max(1) as f64;
    let wide = (slot * 0.7).clamp(2.0, 48.0);
    let every = columns.len().div_ceil(LABELS_MAX).max(1);
    html! {
        figure.stack.tight {
            svg.chart viewBox={ "0 -8 " (WIDTH) " " (HEIGHT + 8) } role="img" aria-label=(title) {
                (grid(top))
                @for (place, column) in columns.iter().enumerate() {
                    @let x = LEFT as f64 + slot * (place as f64 + 0.5) - wide / 2.0;
                    g {
                        title { (column.label) @for (series, value) in series.iter().zip(&column.values) { ", " (series.name) " " (count(*value)) } }
                        @for (tone, base, value) in stacked(series, column) {
                            @let high = plot as f64 * value as f64 / top as f64;
                            rect class={ "bar-" (tone.class()) } x=(short(x)) y=(short(plot as f64 - plot as f64 * (base + value) as f64 / top as f64)) width=(short(wide)) height=(short(high)) rx="1" {}
                        }
                    }
                    @if place % every == 0 { (label(x + wide / 2.0, place / every, &column.label)) }
                }
            }
            ul.key { @for series in series { li class=(series.tone.class()) { i {} (series.name) } } }
        }
    }
}

/// A line over a pale fill, of the only series. Its table stands beside it, as with `bars`.
pub fn area(title: &str, series: &Series, columns: &[Column]) -> Markup {
    let value = |column: &Column| column.values.first().copied().unwrap_or(0);
    let top = ceiling(columns.iter().map(value).max().unwrap_or(0));
    let plot = (HEIGHT - FOOT) as f64;
    let step = (WIDTH - LEFT) as f64 / columns.len().saturating_sub(1).max(1) as f64;
    let points: Vec<String> = columns.iter().enumerate().map(|(place, column)| format!("{},{}", short(LEFT as f64 + step * place as f64), short(plot - plot * value(column) as f64 / top as f64))).collect();
    let line = points.join(" ");
    let every = columns.len().div_ceil(LABELS_MAX).max(1);
    html! {
        figure.stack.tight {
            svg.chart viewBox={ "0 -8 " (WIDTH) " " (HEIGHT + 8) } role="img" aria-label=(title) {
                (grid(top))
                title { (title) ": " (series.name) }
                polygon.fill points={ (LEFT) "," (plot) " " (line) " " (WIDTH) "," (plot) } {}
                polyline.stroke points=(line) {}
                @for (place, column) in columns.iter().enumerate().filter(|(place, _)| place % every == 0) {
                    (label(LEFT as f64 + step * place as f64, place / every, &column.label))
                }
            }
        }
    }
}

/// Below the axis; on a narrow screen every other one goes. One at the edge ends there.
fn label(x: f64, place: usize, text: &str) -> Markup {
    let anchor = if x + HALF_LABEL > WIDTH as f64 { "end" } else { "middle" };
    html! { text class=[(!place.is_multiple_of(2)).then_some("minor")] x=(short(x)) y=(HEIGHT - 12) text-anchor=(anchor) { (text) } }
}

fn stacked(series: &[Series], column: &Column) -> Vec<(Tone, i64, i64)> {
    let mut base = 0;
    let mut parts = Vec::new();
    for (series, value) in series.iter().zip(&column.values).filter(|(_, value)| **value > 0) {
        parts.push((series.tone, base, *value));
        base += value;
    }
    parts
}

fn grid(top: i64) -> Markup {
    let plot = HEIGHT - FOOT;
    html! {
        @for part in 0..=2 {
            @let y = plot - plot * part / 2;
            line.grid x1=(LEFT) x2=(WIDTH) y1=(y) y2=(y) {}
            text x=(LEFT - 8) y=(y + 4) text-anchor="end" { (count(top * part / 2)) }
        }
    }
}

/// The axis ends at 2, 4 or 10 times a power of ten, so that its middle is a whole number.
fn ceiling(most: i64) -> i64 {
    let mut unit = 1;
    loop {
        for step in [2, 4, 10] {
            if step * unit >= most {
                return step * unit;
            }
        }
        unit *= 10;
    }
}

fn short(value: f64) -> String {
    format!("{value:.1}")
}

/// The rows of the table: the part that a live chart swaps.
pub fn rows(columns: &[Column]) -> Markup {
    html! { @for column in columns { tr { th scope="row" { (column.label) } @for value in &column.values { td.num { (count(*value)) } } } } }
}

/// The chart's twin for those who read numbers; `id` names the body when it is live.
pub fn table(title: &str, over: &str, series: &[Series], id: &str, rows: &Markup) -> Markup {
    html! {
        details.table {
            summary { "View as table" }
            div.scroll tabindex="0" role="group" aria-label=(title) { table {
                caption.unseen { (title) }
                thead { tr { th scope="col" { (over) } @for series in series { th.num scope="col" { (series.name) } } } }
                tbody id=[(!id.is_empty()).then_some(id)] { (rows) }
            } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_ends_at_a_round_number_and_never_at_nothing() {
        assert_eq!([0, 2, 3, 7, 11, 41, 99, 101].map(ceiling), [2, 2, 4, 10, 20, 100, 100, 200]);
    }

    #[test]
    fn a_label_at_the_edge_ends_there() {
        let columns: Vec<Column> = ["10:01:00", "10:01:30", "10:02:00"].map(|label| Column { label: label.into(), values: vec![2] }).into();
        let drawn = area("Calls a minute", &Series { name: "Calls a minute", tone: Tone::Info }, &columns).into_string();
        assert!(drawn.contains("text-anchor=\"middle\">10:01:30<") && drawn.contains("x=\"720.0\" y=\"168\" text-anchor=\"end\">10:02:00<"), "{drawn}");
    }

    #[test]
    fn the_table_says_what_the_bars_show() {
        let columns = [Column { label: "09:00".into(), values: vec![1_200] }];
        let drawn = bars("Sent", &[Series { name: "Delivered", tone: Tone::Good }], &columns).into_string();
        assert!(drawn.contains("Delivered 1,200") && drawn.contains("class=\"bar-good\""), "{drawn}");
        assert!(rows(&columns).into_string().contains("<td class=\"num\">1,200</td>"));
    }
}
