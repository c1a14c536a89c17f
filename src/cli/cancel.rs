//! Whether the run has to end.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

/// Set to a signal's number when the run has to end.
pub type Cancel = Arc<AtomicUsize>;
