//! A POP3 server for tests.
