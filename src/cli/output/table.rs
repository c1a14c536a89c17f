//! Tables that fit a terminal: cells are shortened column by column, and no line wraps.
//!
//! A table's cells are never held together: each pass over the rows makes them anew, so
//! that a million rows cost no more memory than the caller's data.

use std::io::{self, Write};

use anstyle::Style;
use unicode_width::UnicodeWidthStr as _;

/// What stands for text that was cut off.
const CUT: &str = "\u{2026}";

/// In a narrower terminal one blank stands between two columns.
const NARROW: usize = 60;

/// A column's head, and how its cells are aligned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) head: &'static str,
    /// The head where there is no room.
    pub(super) short_head: &'static str,
    pub(super) is_right: bool,
}

impl Column {
    pub(super) const fn left(head: &'static str) -> Self {
        Self { head, short_head: head, is_right: false }
    }

    pub(super) const fn right(head: &'static str, short_head: &'static str) -> Self {
        Self { head, short_head, is_right: true }
    }
}

/// A cell: its text, and shorter texts that say the same with less.
#[derive(Clone, Debug, Default)]
pub(super) struct Cell {
    pub(super) forms: Vec<String>,
    pub(super) style: Style,
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { forms: vec![text], style: Style::new() }
    }
}

impl Cell {
    fn width(&self) -> usize {
        self.forms.first().map_or(0, |text| text.width())
    }

    /// The longest form that fits, or the last one cut.
    fn fitted(&self, width: usize) -> String {
        let fits = self.forms.iter().find(|text| text.width() <= width);
        fits.cloned().unwrap_or_else(|| cut(self.forms.last().map_or("", |text| text), width))
    }
}

/// One step on the way to a narrower table: these columns, the widest first, down to
/// that width.
pub(super) type Round<'r> = &'r [(usize, usize)];

/// A table.
#[derive(Debug)]
pub(super) struct Table<R> {
    pub(super) columns: Vec<Column>,
    /// The cells of each row. A clone is gone through for each pass.
    pub(super) rows: R,
}

impl<R: Iterator<Item = Vec<Cell>> + Clone> Table<R> {
    /// Writes the lines, at most so wide, if there is a limit. The rounds are taken one
    /// after another until the lines fit; what is too wide then is cut at the end.
    pub(super) fn write(
        &self,
        out: &mut dyn Write,
        limit: Option<usize>,
        rounds: &[Round<'_>],
        colours: bool,
    ) -> io::Result<()> {
        let (widths, gap) = self.widths(limit, rounds);
        let heads = self.columns.iter().map(|it| Cell {
            forms: vec![it.head.into(), it.short_head.into()],
            style: Style::new(),
        });
        for row in std::iter::once(heads.collect()).chain(self.rows.clone()) {
            writeln!(out, "{}", self.line(&row, &widths, gap, limit, colours))?;
        }
        Ok(())
    }

    /// The width of each column, and of what stands between two.
    fn widths(&self, limit: Option<usize>, rounds: &[Round<'_>]) -> (Vec<usize>, usize) {
        let mut widths: Vec<usize> = self.columns.iter().map(|it| it.head.width()).collect();
        for row in self.rows.clone() {
            for (width, cell) in widths.iter_mut().zip(&row) {
                *width = cell.width().max(*width);
            }
        }
        let gaps = widths.len().saturating_sub(1);
        let Some(limit) = limit else { return (widths, 2) };
        let gap = if limit < NARROW { 1 } else { 2 };
        let room = limit.saturating_sub(gaps * gap);
        if widths.iter().sum::<usize>() <= room {
            return (widths, gap);
        }
        for round in rounds {
            while widths.iter().sum::<usize>() > room {
                let above =
                    |(at, least): &&(usize, usize)| widths.get(*at).is_some_and(|it| it > least);
                let most = |(at, _): &&(usize, usize)| widths.get(*at).copied();
                let Some(&(at, _)) = round.iter().filter(above).max_by_key(most) else { break };
                widths.iter_mut().skip(at).take(1).for_each(|width| *width -= 1);
            }
        }
        (self.used(&widths), gap)
    }

    /// The widths that cells need when they are shortened.
    fn used(&self, widths: &[usize]) -> Vec<usize> {
        let head = |(column, width): (&Column, &usize)| {
            let heads = [column.head.width(), column.short_head.width()];
            heads.into_iter().find(|head| head <= width).unwrap_or(*width)
        };
        let mut used: Vec<usize> = self.columns.iter().zip(widths).map(head).collect();
        for row in self.rows.clone() {
            for ((used, width), cell) in used.iter_mut().zip(widths).zip(&row) {
                *used = cell.fitted(*width).width().max(*used);
            }
        }
        used
    }

    fn line(
        &self,
        row: &[Cell],
        widths: &[usize],
        gap: usize,
        limit: Option<usize>,
        colours: bool,
    ) -> String {
        let mut pieces: Vec<(String, Style)> = Vec::new();
        for (at, ((cell, width), column)) in row.iter().zip(widths).zip(&self.columns).enumerate() {
            let text = cell.fitted(*width);
            let room = " ".repeat(width.saturating_sub(text.width()));
            let between = if at == 0 { String::new() } else { " ".repeat(gap) };
            let (before, after) =
                if column.is_right { (room, String::new()) } else { (String::new(), room) };
            pieces.push((between + &before, Style::new()));
            pieces.push((text, cell.style));
            pieces.push((after, Style::new()));
        }
        while pieces.pop_if(|(text, _)| text.trim_end().is_empty()).is_some() {}
        let plain: String = pieces.iter().map(|(text, _)| &**text).collect();
        match limit {
            Some(limit) if plain.width() > limit => cut(&plain, limit),
            _ if colours => {
                let painted = pieces.iter().map(|(text, style)| paint(text, *style));
                painted.collect::<String>()
            }
            _ => plain,
        }
    }
}

/// Text in a colour.
fn paint(text: &str, style: Style) -> String {
    format!("{style}{text}{style:#}")
}

/// As much of a text as has room, and an ellipsis where something is missing.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(CUT.width());
    let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
    let fitting =
        ends.take_while(|end| text.get(..*end).is_some_and(|start| start.width() <= room));
    let start = text.get(..fitting.last().unwrap_or(0)).unwrap_or_default();
    if width == 0 { String::new() } else { format!("{}{CUT}", start.trim_end()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(cut("\u{30c6}\u{30b9}\u{30c8}", 6), "\u{30c6}\u{30b9}\u{30c8}");
        assert_eq!(cut("\u{30c6}\u{30b9}\u{30c8}", 5), "\u{30c6}\u{30b9}\u{2026}");
        assert_eq!(cut("\u{30c6}\u{30b9}\u{30c8}", 4), "\u{30c6}\u{2026}");
        assert_eq!(cut("ab cd", 4), "ab\u{2026}");
        assert_eq!((cut("ab", 1), cut("ab", 0)), ("\u{2026}".into(), String::new()));
    }

    #[test]
    fn rounds_shorten_one_column_before_the_next() {
        let cell = |text: &str| Cell::from(text.to_owned());
        let table = Table {
            columns: vec![Column::left("A"), Column::left("B")],
            rows: std::iter::once(vec![cell("aaaaaaaaaa"), cell("bbbbbbbbbb")]),
        };
        let rounds: &[Round<'_>] = &[&[(0, 4)], &[(1, 4)]];
        let row = |limit| {
            let mut text = Vec::new();
            table.write(&mut text, Some(limit), rounds, false).unwrap();
            String::from_utf8(text).unwrap().lines().nth(1).unwrap().to_owned()
        };
        assert_eq!(row(30), "aaaaaaaaaa bbbbbbbbbb");
        assert_eq!(row(18), "aaaaaa\u{2026} bbbbbbbbbb");
        assert_eq!(row(12), "aaa\u{2026} bbbbbb\u{2026}");
        assert_eq!(row(9), "aaa\u{2026} bbb\u{2026}");
        assert_eq!(row(5), "aaa\u{2026}\u{2026}");
    }
}
