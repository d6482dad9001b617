//! The binary carries the web handset. Where that has not been built there is an empty directory, and `/` says so.

fn main() {
    let files = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/dist");
    if let Err(error) = std::fs::create_dir_all(&files) {
        println!("cargo::error=cannot make {}: {error}", files.display());
    }
    println!("cargo::rerun-if-changed=../../web/dist");
}
