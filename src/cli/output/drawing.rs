//! The terminal as bars see it: somewhat narrower than it is.
//!
//! A terminal echoes `^C` behind the last bar. Where that bar fills its line, the echo
//! begins a new line, and the bars, counted from the cursor, are each taken away one line
//! too low: the first one stays.

use std::io::{self, IsTerminal as _, Stderr, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressDrawTarget, TermLike};
use rustix::termios::{Winsize, tcgetwinsize};
use unicode_width::UnicodeWidthChar as _;

use crate::stop::Stop;

use super::stream_writer::StreamWriter;

/// Room for `^C`, and the column that makes a terminal wrap.
const ECHO: u16 = 3;

/// Draws on standard error, if that is a terminal.
pub(super) fn target(stop: &Stop) -> ProgressDrawTarget {
    const PER_SECOND: u8 = 20;
    if io::stderr().is_terminal() {
        ProgressDrawTarget::term_like_with_hz(Box::new(Narrower::new(stop)), PER_SECOND)
    } else {
        ProgressDrawTarget::hidden()
    }
}

/// The columns that bars may take.
pub(super) fn columns() -> u16 {
    usable(size().map_or(0, |size| size.ws_col))
}

/// The columns that bars may take of those that a terminal has.
fn usable(columns: u16) -> u16 {
    // What a terminal has that does not know.
    const COLUMNS: u16 = 80;
    // indicatif subtracts the cells of a character, which may be two.
    const LEAST: u16 = 2;
    let columns = if columns == 0 { COLUMNS } else { columns };
    columns.saturating_sub(ECHO).max(LEAST)
}

fn size() -> Option<Winsize> {
    tcgetwinsize(io::stderr()).ok()
}

/// indicatif fills each line, and lets the terminal wrap: here lines are wrapped.
#[derive(Debug)]
struct Narrower {
    /// Draws, and gives up where the terminal is stopped and the run has to end.
    terminal: Mutex<StreamWriter<Stderr>>,
    /// The column of the cursor.
    column: AtomicUsize,
    /// What is drawn next, all at once.
    drawn: Mutex<String>,
}

impl Narrower {
    fn new(stop: &Stop) -> Self {
        let terminal = Mutex::new(StreamWriter::new(io::stderr, stop));
        Self { terminal, column: AtomicUsize::default(), drawn: Mutex::default() }
    }

    fn add(&self, text: &str) -> io::Result<()> {
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
        Ok(())
    }

    fn steer(&self, cells: usize, direction: char) -> io::Result<()> {
        if cells == 0 { Ok(()) } else { self.add(&format!("\x1b[{cells}{direction}")) }
    }

    /// A text, with a line end wherever a line is full.
    fn wrapped(&self, text: &str) -> String {
        let (width, mut column) = (columns().into(), self.column.load(Ordering::Relaxed));
        let mut wrapped = String::with_capacity(text.len() + 1);
        for c in text.chars() {
            if c == '\r' {
                column = 0;
            }
            let cells = c.width().unwrap_or(0);
            if column + cells > width {
                wrapped.push('\n');
                column = 0;
            }
            wrapped.push(c);
            column += cells;
        }
        self.column.store(column, Ordering::Relaxed);
        wrapped
    }
}

impl TermLike for Narrower {
    fn width(&self) -> u16 {
        columns()
    }

    fn height(&self) -> u16 {
        const ROWS: u16 = 24;
        size().map_or(ROWS, |size| size.ws_row)
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.steer(n, 'A')
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.steer(n, 'B')
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.steer(n, 'C')
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.steer(n, 'D')
    }

    fn write_line(&self, s: &str) -> io::Result<()> {
        let line = self.wrapped(s);
        self.column.store(0, Ordering::Relaxed);
        self.add(&format!("{line}\n"))
    }

    fn write_str(&self, s: &str) -> io::Result<()> {
        self.add(&self.wrapped(s))
    }

    fn clear_line(&self) -> io::Result<()> {
        self.column.store(0, Ordering::Relaxed);
        self.add("\r\x1b[2K")
    }

    /// A terminal that has gone is no failure: indicatif would panic.
    fn flush(&self) -> io::Result<()> {
        let drawn = std::mem::take(&mut *self.drawn.lock().unwrap_or_else(PoisonError::into_inner));
        if !drawn.is_empty() {
            let mut terminal = self.terminal.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = terminal.write_all(drawn.as_bytes());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_of_two_cells_has_room_on_every_terminal() {
        let usable: Vec<_> = [0, 1, 3, 4, 5, 6, 80].map(usable).into();
        assert_eq!(usable, [77, 2, 2, 2, 2, 3, 77]);
    }
}
