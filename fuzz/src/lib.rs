//! Fuzz targets, one file per parser in `tests/`; they run on stable as random tests and under `cargo bolero` as coverage-guided fuzzers.
