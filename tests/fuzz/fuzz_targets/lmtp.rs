#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| pop3get_fuzz::check("lmtp", input));
