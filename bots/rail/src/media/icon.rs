//! The chatbot's icon: a train that comes out of the blue, seen from the front, on its rails. A square that loses nothing
//! when it is shown as a circle.

use super::draw::{self, Colour, mix, rgb};

/// Pixels on each side.
const SIDE: usize = 256;

/// The icon as a PNG.
pub fn png() -> Vec<u8> {
    draw::png(&draw::painted(SIDE, SIDE, colour_at), SIDE)
}

/// In a square of 256 by 256; the train is symmetric about the middle.
fn colour_at(x: f32, y: f32) -> Colour {
    let beside = (x - 128.0).abs();
    train_at(beside, y).or_else(|| track_at(beside, y)).unwrap_or_else(|| {
        let sky = mix(rgb(0x1f86e0), rgb(0x0a3f86), y / 256.0);
        // A glow behind the roof.
        let distance = ((x - 128.0).powi(2) + (y - 96.0).powi(2)).sqrt();
        mix(rgb(0x8fd0ff), sky, (0.45 + distance / 200.0).min(1.0))
    })
}

/// Two rails that come nearer, and the sleepers under them.
fn track_at(beside: f32, y: f32) -> Option<Colour> {
    if y < 176.0 {
        return None;
    }
    let near = (y - 176.0) / 80.0;
    let rail = 30.0 + 46.0 * near;
    if (beside - rail).abs() < 3.0 + 3.0 * near {
        return Some(rgb(0xe8eef7));
    }
    let sleeper = [192.0, 210.0, 234.0].into_iter().any(|top| (top..top + 4.0 + 5.0 * near).contains(&y));
    (sleeper && beside < rail + 14.0).then(|| rgb(0x0a2f66))
}

/// The front of the train: body, windscreen, stripe and lamps.
fn train_at(beside: f32, y: f32) -> Option<Colour> {
    let (top, bottom) = (46.0, 190.0);
    if !(top..bottom).contains(&y) {
        return None;
    }
    // A round roof, and below it walls that draw in towards the coupling.
    let half_width = match y {
        y if y < 112.0 => 58.0 * (1.0 - ((112.0 - y) / 66.0).powi(2)).max(0.0).sqrt(),
        y if y < 158.0 => 58.0,
        y => 58.0 - 20.0 * ((y - 158.0) / 32.0).powi(2),
    };
    if beside > half_width {
        return None;
    }
    let windscreen = 44.0 - 14.0 * ((y - 92.0) / 26.0).powi(2);
    if (68.0..116.0).contains(&y) && beside < windscreen {
        let shine = (0.9 - (y - 68.0) / 48.0).max(0.0) * 0.35;
        return Some(mix(rgb(0x13233f), rgb(0x7fb6ea), shine));
    }
    let lamp = ((beside - 36.0).powi(2) + (y - 146.0).powi(2)).sqrt();
    if lamp < 9.0 {
        return Some(if lamp < 6.0 { rgb(0xffd35c) } else { rgb(0x13233f) });
    }
    if (126.0..132.0).contains(&y) {
        return Some(rgb(0xff8a1f));
    }
    if y > 176.0 {
        return Some(rgb(0x26344f));
    }
    Some(mix(rgb(0xffffff), rgb(0xc3d3e8), beside / 90.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_icon_is_a_square_with_a_train_in_the_middle() {
        let png = png();
        assert_eq!(png[16..24], [0, 0, 1, 0, 0, 0, 1, 0], "256 by 256");
        assert!(png.len() < 50_000, "{} bytes", png.len());
        assert_ne!(colour_at(128.0, 140.0), colour_at(20.0, 140.0));
        // Nothing but sky where a circle cuts off.
        for (x, y) in [(4.0, 4.0), (252.0, 4.0), (30.0, 225.0), (226.0, 225.0)] {
            assert!(
                train_at((x - 128.0_f32).abs(), y).is_none() && track_at((x - 128.0_f32).abs(), y).is_none()
            );
        }
    }
}
