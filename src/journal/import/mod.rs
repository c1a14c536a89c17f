//! What other fetchers have written down of the messages that they fetched.
//!
//! A file is known by its content. Files that hold several accounts are asked for one.

mod error;
mod formats;
mod imported;

pub use error::ImportError;
pub use imported::Imported;
