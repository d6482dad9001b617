//! Drawing: a sky, hills, a train in profile, and a dot-matrix board, as an RGB picture and a PNG of it.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

/// Picture size in pixels: twice the size at which phones show a card picture.
pub const WIDTH: usize = 480;
const HEIGHT: usize = 232;

/// Where the board is: within what is seen of the picture when it fills a card of 232 to 320 by 112 or 168 dp,
/// which cuts off the sides or the top and bottom. So are the sun and the nose of the train.
const BOARD_AT: (usize, usize) = (90, 40);

/// What is drawn behind the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scene {
    /// The greeting: a white train at dawn.
    Dawn,
    HighSpeed,
    MultipleUnit,
    /// A night train with lit windows.
    Night,
    Payment,
}

/// Red, green and blue, each from 0 to 255.
pub type Colour = [f32; 3];

struct Palette {
    sky_top: Colour,
    sky_low: Colour,
    hill_far: Colour,
    hill_near: Colour,
    sun: Colour,
    body: Colour,
    stripe: Colour,
    window: Colour,
    /// A sleek nose, or a locomotive's flat one.
    sleek: bool,
}

impl Scene {
    /// The scene for a train number such as `G1`; `None` if it is no train number.
    pub fn of_train(number: &str) -> Option<Self> {
        let (prefix, digits) = number.split_at_checked(1)?;
        if digits.is_empty() || digits.len() > 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        match prefix {
            "G" | "C" => Some(Self::HighSpeed),
            "D" => Some(Self::MultipleUnit),
            "Z" | "T" | "K" => Some(Self::Night),
            _ => None,
        }
    }

    fn palette(self) -> Palette {
        let white = rgb(0xf7f9fc);
        match self {
            Self::Dawn => Palette {
                sky_top: rgb(0x2b5fb8),
                sky_low: rgb(0xffc98f),
                hill_far: rgb(0x6f7fb0),
                hill_near: rgb(0x3e4f86),
                sun: rgb(0xfff0c8),
                body: white,
                stripe: rgb(0xd8342b),
                window: rgb(0x22304f),
                sleek: true,
            },
            Self::HighSpeed => Palette {
                sky_top: rgb(0x1268c4),
                sky_low: rgb(0xbfe3fb),
                hill_far: rgb(0x7fb2d8),
                hill_near: rgb(0x3f86b4),
                sun: rgb(0xf2fbff),
                body: white,
                stripe: rgb(0x0a66c2),
                window: rgb(0x1c2b45),
                sleek: true,
            },
            Self::MultipleUnit => Palette {
                sky_top: rgb(0x0f8b8d),
                sky_low: rgb(0xd8f3dc),
                hill_far: rgb(0x7cc0a8),
                hill_near: rgb(0x40916c),
                sun: rgb(0xfdfff0),
                body: white,
                stripe: rgb(0x1f9d73),
                window: rgb(0x1d3b36),
                sleek: true,
            },
            Self::Night => Palette {
                sky_top: rgb(0x0b1030),
                sky_low: rgb(0x4a3f78),
                hill_far: rgb(0x2b2a55),
                hill_near: rgb(0x1a1b3c),
                sun: rgb(0xf5f0d0),
                body: rgb(0x2f6b45),
                stripe: rgb(0xf0c14b),
                window: rgb(0xffe9a3),
                sleek: false,
            },
            Self::Payment => Palette {
                sky_top: rgb(0x5b2a86),
                sky_low: rgb(0xf6b3a4),
                hill_far: rgb(0xb57bb0),
                hill_near: rgb(0x7a4a94),
                sun: rgb(0xfff1e0),
                body: white,
                stripe: rgb(0xe0664f),
                window: rgb(0x33264d),
                sleek: true,
            },
        }
    }
}

/// The picture without a board: three bytes a pixel, rows from the top.
pub fn scene(scene: Scene) -> Vec<u8> {
    let palette = scene.palette();
    painted(WIDTH, HEIGHT, |x, y| colour_at(&palette, x, y))
}

/// Asks for the colour of every point: three bytes a pixel, rows from the top.
pub fn painted(width: usize, height: usize, colour_at: impl Fn(f32, f32) -> Colour) -> Vec<u8> {
    let mut pixels = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            // Four samples a pixel smooth the edges.
            let mut sum = [0.0; 3];
            for (dx, dy) in [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)] {
                let sample = colour_at(x as f32 + dx, y as f32 + dy);
                sum.iter_mut().zip(sample).for_each(|(sum, part)| *sum += part / 4.0);
            }
            pixels.extend(sum.map(|part| part as u8));
        }
    }
    pixels
}

/// A copy of the picture with a departure board in the corner that shows `text` (capitals and digits).
pub fn with_board(scene: &[u8], text: &str) -> Vec<u8> {
    const PITCH: usize = 5;
    let mut pixels = scene.to_vec();
    let columns = text.chars().count() * 6 - 1;
    let (left, top) = BOARD_AT;
    let (board_width, board_height) = ((columns + 4) * PITCH, 11 * PITCH);
    for y in top..top + board_height {
        for x in left..(left + board_width).min(WIDTH) {
            blend(&mut pixels, x, y, rgb(0x10131a), 0.88);
        }
    }
    for (nth, character) in text.chars().enumerate() {
        for (row, bits) in glyph(character).into_iter().enumerate() {
            for column in 0..5 {
                let lit = bits & (0x10 >> column) != 0;
                let (x, y) = (left + (2 + nth * 6 + column) * PITCH, top + (2 + row) * PITCH);
                let (colour, strength) = if lit { (rgb(0xffb52e), 1.0) } else { (rgb(0x2a2e38), 0.7) };
                dot(&mut pixels, x, y, colour, strength);
            }
        }
    }
    pixels
}

/// A picture as a PNG (W3C PNG, 8-bit RGB, each row as the difference to the one above); `width` in pixels.
pub fn png(pixels: &[u8], width: usize) -> Vec<u8> {
    let stride = width * 3;
    let height = pixels.len() / stride;
    let mut compressed = ZlibEncoder::new(Vec::new(), Compression::default());
    for y in 0..height {
        let row = &pixels[y * stride..(y + 1) * stride];
        let mut filtered = vec![2];
        match y {
            0 => filtered.extend_from_slice(row),
            _ => {
                let above = &pixels[(y - 1) * stride..y * stride];
                filtered.extend(row.iter().zip(above).map(|(byte, above)| byte.wrapping_sub(*above)));
            }
        }
        compressed.write_all(&filtered).expect("a Vec takes all");
    }
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = Vec::new();
    header.extend((width as u32).to_be_bytes());
    header.extend((height as u32).to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    chunk(&mut out, b"IHDR", &header);
    chunk(&mut out, b"IDAT", &compressed.finish().expect("a Vec takes all"));
    chunk(&mut out, b"IEND", &[]);
    out
}

fn colour_at(palette: &Palette, x: f32, y: f32) -> Colour {
    if let Some(train) = train_at(palette, x, y) {
        return train;
    }
    if y > 196.0 {
        // Ballast and two rails.
        let rail = (199.0..202.0).contains(&y) || (212.0..216.0).contains(&y);
        return if rail { rgb(0xb9bec8) } else { mix(palette.hill_near, rgb(0x22262e), 0.55) };
    }
    let near = 158.0 - 16.0 * (x / 97.0).sin() - 7.0 * (x / 31.0 + 1.3).sin();
    if y > near {
        return palette.hill_near;
    }
    let far = 128.0 - 24.0 * (x / 140.0 + 2.1).sin() - 9.0 * (x / 45.0).sin();
    if y > far {
        return mix(palette.hill_far, palette.sky_low, (y - far) / 160.0);
    }
    let sky = mix(palette.sky_top, palette.sky_low, (y / 165.0).min(1.0));
    let distance = ((x - 350.0).powi(2) + (y - 66.0).powi(2)).sqrt();
    if distance < 25.0 {
        return palette.sun;
    }
    mix(palette.sun, sky, (0.72 + (distance - 25.0) / 260.0).clamp(0.0, 1.0))
}

/// The colour of the train at a point, if the train is there.
fn train_at(palette: &Palette, x: f32, y: f32) -> Option<Colour> {
    let (roof, floor) = (132.0, 192.0);
    if !(roof..floor).contains(&y) {
        return None;
    }
    let down = (y - roof) / (floor - roof);
    let nose = match palette.sleek {
        true => 398.0 - 128.0 * (1.0 - down).powf(2.4) - 16.0 * (down - 0.8).max(0.0) * 5.0,
        false => 384.0 - 6.0 * (1.0 - down),
    };
    if x > nose {
        return None;
    }
    let shade = |colour: Colour| mix(colour, [0.0; 3], 0.22 * (down - 0.45).max(0.0));
    if palette.sleek {
        let windscreen = (142.0..156.0).contains(&y) && x > nose - 34.0 && x < nose - 6.0;
        let windows = (146.0..157.0).contains(&y) && x < 272.0 && (x % 24.0) > 5.0;
        if windscreen || windows {
            return Some(palette.window);
        }
    } else {
        let carriage = x % 136.0;
        if carriage < 4.0 {
            return Some(shade(rgb(0x16181f)));
        }
        if (146.0..160.0).contains(&y) && (x % 27.2) > 9.0 {
            return Some(palette.window);
        }
    }
    if (168.0..173.0).contains(&y) {
        return Some(palette.stripe);
    }
    if down > 0.88 {
        return Some(rgb(0x3a3f4a));
    }
    Some(shade(palette.body))
}

fn dot(pixels: &mut [u8], left: usize, top: usize, colour: Colour, strength: f32) {
    const COVER: [[f32; 4]; 4] =
        [[0.3, 0.9, 0.9, 0.3], [0.9, 1.0, 1.0, 0.9], [0.9, 1.0, 1.0, 0.9], [0.3, 0.9, 0.9, 0.3]];
    for (dy, row) in COVER.iter().enumerate() {
        for (dx, cover) in row.iter().enumerate() {
            blend(pixels, left + dx, top + dy, colour, cover * strength);
        }
    }
}

fn blend(pixels: &mut [u8], x: usize, y: usize, colour: Colour, strength: f32) {
    if x >= WIDTH || y >= HEIGHT {
        return;
    }
    let at = (y * WIDTH + x) * 3;
    for (byte, part) in pixels[at..at + 3].iter_mut().zip(colour) {
        *byte = (f32::from(*byte) * (1.0 - strength) + part * strength) as u8;
    }
}

fn chunk(out: &mut Vec<u8>, name: &[u8; 4], body: &[u8]) {
    out.extend((body.len() as u32).to_be_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(name);
    crc.update(body);
    out.extend(name);
    out.extend(body);
    out.extend(crc.sum().to_be_bytes());
}

pub fn mix(one: Colour, other: Colour, share: f32) -> Colour {
    let share = share.clamp(0.0, 1.0);
    std::array::from_fn(|at| one[at] * (1.0 - share) + other[at] * share)
}

pub fn rgb(hex: u32) -> Colour {
    [(hex >> 16 & 0xff) as f32, (hex >> 8 & 0xff) as f32, (hex & 0xff) as f32]
}

/// Five by seven dots; rows from the top, the leftmost dot in bit 4.
fn glyph(character: char) -> [u8; 7] {
    match character {
        '0' => [14, 17, 19, 21, 25, 17, 14],
        '1' => [4, 12, 4, 4, 4, 4, 14],
        '2' => [14, 17, 1, 2, 4, 8, 31],
        '3' => [31, 2, 4, 2, 1, 17, 14],
        '4' => [2, 6, 10, 18, 31, 2, 2],
        '5' => [31, 16, 30, 1, 1, 17, 14],
        '6' => [6, 8, 16, 30, 17, 17, 14],
        '7' => [31, 1, 2, 4, 8, 8, 8],
        '8' => [14, 17, 17, 14, 17, 17, 14],
        '9' => [14, 17, 17, 15, 1, 2, 12],
        'A' => [14, 17, 17, 31, 17, 17, 17],
        'C' => [14, 17, 16, 16, 16, 17, 14],
        'D' => [30, 17, 17, 17, 17, 17, 30],
        'G' => [14, 17, 16, 23, 17, 17, 15],
        'K' => [17, 18, 20, 24, 20, 18, 17],
        'P' => [30, 17, 17, 30, 16, 16, 16],
        'T' => [31, 4, 4, 4, 4, 4, 4],
        'Y' => [17, 17, 10, 4, 4, 4, 4],
        'Z' => [31, 1, 2, 4, 8, 16, 31],
        _ => [0; 7],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_board_is_seen_whole_in_every_card() {
        let plain = scene(Scene::HighSpeed);
        // The longest of them.
        let with_board = with_board(&plain, "G9999");
        let changed =
            (0..WIDTH * HEIGHT).filter(|at| plain[at * 3..at * 3 + 3] != with_board[at * 3..at * 3 + 3]);
        let changed: Vec<(usize, usize)> = changed.map(|at| (at % WIDTH, at / WIDTH)).collect();
        assert!(changed.len() > 5000, "a board of {} pixels", changed.len());
        for (card_width, card_height) in [(232, 112), (320, 112), (232, 168), (320, 168)] {
            // The picture fills the card, its middle in the middle: either all of its width is seen or all of its height.
            let seen_width = WIDTH.min(HEIGHT * card_width / card_height);
            let seen_height = HEIGHT.min(WIDTH * card_height / card_width);
            let (left, top) = ((WIDTH - seen_width) / 2, (HEIGHT - seen_height) / 2);
            for (x, y) in &changed {
                let is_seen = (left..left + seen_width).contains(x) && (top..top + seen_height).contains(y);
                assert!(is_seen, "{x},{y} in a card of {card_width} by {card_height}");
            }
        }
    }
}
