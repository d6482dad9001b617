//! Scripts of `hongyan converse`: any text gives a script within its ceilings, or says what is wrong in which file.

use std::path::Path;

use bolero::check;
use hongyan::cli::converse::script::Script;

/// Scripts of every kind of step, to be spoilt.
const SEEDS: [&str; 3] = [
    "name: a\nchatbot: '12306'\nwithin: 20s\nusers: [a, b]\nvariables: {x: y}\nsteps:\n  - say: ${x}\n  - as: b\n    tap: {contains: [a, b], \
     lacks: c}\n    on: d\n  - expect_report: displayed\n  - expect_nothing: 500ms\n",
    "steps:\n  - expect: {says: {matches: '^a${x}(b)'}, carousel: {least: 2, card: {title: {starts: G}, buttons: [a]}}, has_chips: true, capture: \
     {p: '(\\d+)'}, capture_url: {u: b}}\n",
    "to: x\nsteps:\n  - visit: {url: '${url}', form: {a: b}, status: 200, page: a, capture: {x: y}}\n  - location: {latitude: 1, longitude: 2}\n  \
     - menu: a\n  - start: true\n  - set: {a: b}\n  - note: a\n  - file: a.png\n  - read: true\n",
];

#[test]
fn hongyan_converse() {
    // What a script includes is not there.
    let path = Path::new("/nonexistent/script.yaml");
    for seed in SEEDS {
        Script::parse(seed, path).expect("a script");
    }
    check!().for_each(|bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        // Alone, and over the end of a script that is right.
        for seed in ["", SEEDS[0], SEEDS[1], SEEDS[2]] {
            let cut = bytes.first().map_or(0, |first| usize::from(*first) * seed.len() / 256);
            let cut = (0..=cut).rev().find(|at| seed.is_char_boundary(*at)).unwrap_or_default();
            match Script::parse(&format!("{}{text}", &seed[..cut]), path) {
                Ok(script) => assert!(!script.users.is_empty() && script.steps.len() <= 1_000),
                Err(error) => assert!(error.0.starts_with("/nonexistent/script.yaml:"), "{error:?}"),
            }
        }
    });
}
