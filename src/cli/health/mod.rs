//! How each account has fared: one small file for each, what a run makes of it, and
//! which failures are worth a word.

pub(crate) mod login_files;
pub(crate) mod next_login;
pub(crate) mod patience;
pub(crate) mod record;
pub(crate) mod report;
