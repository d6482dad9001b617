//! Inputs that are nearly right: real bytes with a few bytes changed get further into a parser than noise does.

/// The first byte of `recipe` picks a seed, the others say in groups of four what to change: how, where (two bytes),
/// and to which byte. One byte value picks no seed: then the rest of the recipe is the input itself.
pub fn mutated(seeds: &[&[u8]], recipe: &[u8]) -> Vec<u8> {
    let Some((&pick, recipe)) = recipe.split_first() else {
        return Vec::new();
    };
    if pick == u8::MAX {
        return recipe.to_vec();
    }
    let mut bytes = seeds[usize::from(pick) % seeds.len()].to_vec();
    for change in recipe.chunks_exact(4) {
        let at = usize::from(u16::from_be_bytes([change[1], change[2]])) % (bytes.len() + 1);
        let byte = change[3];
        match change[0] % 6 {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, byte),
            2 if at < bytes.len() => bytes[at] = byte,
            3 if at < bytes.len() => drop(bytes.remove(at)),
            4 => {
                // A stretch again: nested, repeated and interleaved lines.
                let stretch = bytes[at..bytes.len().min(at + usize::from(byte))].to_vec();
                bytes.splice(at..at, stretch);
            }
            5 => bytes.splice(at..at, *b"\r\n\r\n").for_each(drop),
            _ => {}
        }
    }
    bytes
}

/// The same as text, for the parsers that take text.
#[allow(dead_code)] // not every target does
pub fn mutated_text(seeds: &[&str], recipe: &[u8]) -> String {
    let seeds: Vec<&[u8]> = seeds.iter().map(|seed| seed.as_bytes()).collect();
    String::from_utf8_lossy(&mutated(&seeds, recipe)).into_owned()
}
