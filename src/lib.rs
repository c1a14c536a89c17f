//! pop3get.
