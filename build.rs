//! Compresses the files that `--generate` prints: the program holds them, and most of a man page or
//! a schema is repetition.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use miniz_oxide::deflate::compress_to_vec;

const FILES: [&str; 6] = [
    "completions/_pop3get",
    "completions/pop3get.bash",
    "completions/pop3get.fish",
    "man/pop3get.1",
    "man/pop3get.schema.json",
    "systemd/pop3get.units",
];

/// Of 0 to 10: the smallest result, at some tenths of a second once.
const LEVEL: u8 = 10;

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    println!("cargo::rerun-if-changed=build.rs");
    for file in FILES {
        println!("cargo::rerun-if-changed={file}");
        let name = Path::new(file).file_name().ok_or("a file without a name")?;
        fs::write(out.join(name), compress_to_vec(&fs::read(file)?, LEVEL))?;
    }
    Ok(())
}
