//! Compresses the files that `--generate` prints: the program holds them, and most of a man page or
//! a schema is repetition. `Generate::text` names each of them.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use miniz_oxide::deflate::compress_to_vec;

/// Every file in them is checked in for `--generate`.
const DIRECTORIES: [&str; 3] = ["completions", "man", "systemd"];

/// Of 0 to 10: the smallest result, at some tenths of a second once.
const LEVEL: u8 = 10;

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    println!("cargo::rerun-if-changed=build.rs");
    for directory in DIRECTORIES {
        println!("cargo::rerun-if-changed={directory}");
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            fs::write(
                out.join(entry.file_name()),
                compress_to_vec(&fs::read(entry.path())?, LEVEL),
            )?;
        }
    }
    Ok(())
}
