//! The terminal as bars see it: somewhat narrower than it is.
//!
//! A terminal echoes `^C` behind the last bar. Where that bar fills its line, the echo
//! begins a new line, and the bars, counted from the cursor, are each taken away one line
//! too low: the first one stays.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressDrawTarget, TermLike};
use rustix::termios::{Winsize, tcgetwinsize};
use unicode_width::UnicodeWidthChar as _;

/// Room for `^C`, and the column that makes a terminal wrap.
const ECHO: u16 = 3;

/// Draws on standard error, if that is a terminal.
pub(super) fn target() -> ProgressDrawTarget {
    const PER_SECOND: u8 = 20;
    if io::stderr().is_terminal() {
        ProgressDrawTarget::term_like_with_hz(Box::<Narrower>::default(), PER_SECOND)
    } else {
        ProgressDrawTarget::hidden()
    }
}

/// The columns that bars may take.
pub(super) fn columns() -> u16 {
    // What a terminal has that does not know.
    const COLUMNS: u16 = 80;
    let known = size().map(|size| size.ws_col).filter(|columns| *columns > ECHO);
    known.unwrap_or(COLUMNS) - ECHO
}

fn size() -> Option<Winsize> {
    tcgetwinsize(io::stderr()).ok()
}

/// indicatif fills each line, and lets the terminal wrap: here lines are wrapped.
#[derive(Debug, Default)]
struct Narrower {
    /// The column of the cursor.
    column: AtomicUsize,
    /// What is drawn next, all at once.
    drawn: Mutex<String>,
}

impl Narrower {
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

    fn flush(&self) -> io::Result<()> {
        let drawn = std::mem::take(&mut *self.drawn.lock().unwrap_or_else(PoisonError::into_inner));
        io::stderr().write_all(drawn.as_bytes())
    }
}
