//! Small pictures of pictures that come without one (RCC.07: a thumbnail has at most ten KiB or so).

use std::io::{BufRead, BufReader, Cursor, Seek};
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageDecoder as _, ImageReader, Limits, Rgb, RgbImage};

/// The media type of what [`make`] gives.
pub const CONTENT_TYPE: &str = "image/jpeg";

/// Longest edge.
const EDGE_PIXELS: u32 = 256;

/// What a thumbnail should not exceed.
const BYTES_WANTED: usize = 10 * 1024;

/// Tried in this order until the result is small enough; the last is taken as it is.
const QUALITIES: [u8; 3] = [75, 55, 35];

/// Bytes of a decoded pixel, at most: four channels of sixteen bits.
const PIXEL_BYTES_MAX: u64 = 8;

/// A JPEG of the picture at `path`, upright; `None` if it is no picture that we read, or has more than `pixels_max`.
///
/// Takes as much memory as the decoded picture, and a tenth of a second of a processor for a photograph.
pub fn make(path: &Path, pixels_max: u32) -> Option<Vec<u8>> {
    small(BufReader::new(std::fs::File::open(path).ok()?), pixels_max)
}

/// The same of a picture in memory.
pub fn make_of(picture: &[u8], pixels_max: u32) -> Option<Vec<u8>> {
    small(Cursor::new(picture), pixels_max)
}

fn small(picture: impl BufRead + Seek, pixels_max: u32) -> Option<Vec<u8>> {
    let mut reader = ImageReader::new(picture).with_guessed_format().ok()?;
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(PIXEL_BYTES_MAX * u64::from(pixels_max));
    reader.limits(limits);
    let mut decoder = reader.into_decoder().ok()?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > u64::from(pixels_max) {
        return None;
    }
    let orientation = decoder.orientation().ok()?;
    let picture = DynamicImage::from_decoder(decoder).ok()?;
    let mut small = match width.max(height) <= EDGE_PIXELS {
        true => picture,
        false => picture.thumbnail(EDGE_PIXELS, EDGE_PIXELS),
    };
    small.apply_orientation(orientation);
    encode(&on_white(&small))
}

/// JPEG knows no transparency: what shines through is white, as the paper that handsets show pictures on.
fn on_white(picture: &DynamicImage) -> RgbImage {
    let picture = picture.to_rgba8();
    let mut flat = RgbImage::new(picture.width(), picture.height());
    for (pixel, flat) in picture.pixels().zip(flat.pixels_mut()) {
        let [red, green, blue, alpha] = pixel.0.map(u32::from);
        *flat = Rgb([red, green, blue].map(|colour| ((colour * alpha + 255 * (255 - alpha)) / 255) as u8));
    }
    flat
}

fn encode(picture: &RgbImage) -> Option<Vec<u8>> {
    let mut encoded = Vec::new();
    for quality in QUALITIES {
        encoded.clear();
        picture.write_with_encoder(JpegEncoder::new_with_quality(Cursor::new(&mut encoded), quality)).ok()?;
        if encoded.len() <= BYTES_WANTED {
            break;
        }
    }
    Some(encoded)
}

#[cfg(test)]
mod tests {
    use image::{ImageFormat, Rgba, RgbaImage};

    use super::*;

    fn saved(picture: &RgbaImage, format: ImageFormat) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let picture = DynamicImage::from(picture.clone());
        match format {
            ImageFormat::Jpeg => picture.to_rgb8().save_with_format(file.path(), format).unwrap(),
            _ => picture.save_with_format(file.path(), format).unwrap(),
        }
        file
    }

    #[test]
    fn pictures_of_every_kind_become_small() {
        let noise = |x: u32, y: u32| (x.wrapping_mul(7919) ^ y.wrapping_mul(104_729)) as u8;
        let picture =
            RgbaImage::from_fn(300, 150, |x, y| Rgba([noise(x, y), noise(y, x), (x / 4) as u8, 255]));
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP] {
            let file = saved(&picture, format);
            let made = make(file.path(), 45_000).expect("a thumbnail");
            let small = image::load_from_memory_with_format(&made, ImageFormat::Jpeg).unwrap();
            assert_eq!((small.width(), small.height()), (256, 128), "{format:?}");
            assert!(made.len() < 20 * 1024, "{format:?}: {} bytes", made.len());
            assert_eq!(make(file.path(), 44_999), None, "too many pixels");
            assert_eq!(make_of(&std::fs::read(file.path()).unwrap(), 45_000), Some(made));
        }
    }

    #[test]
    fn what_shines_through_is_white() {
        let file = saved(&RgbaImage::from_pixel(10, 10, Rgba([0, 0, 0, 0])), ImageFormat::Png);
        let made = make(file.path(), 1000).unwrap();
        let small = image::load_from_memory(&made).unwrap().to_rgb8();
        assert_eq!((small.dimensions(), small.get_pixel(5, 5).0), ((10, 10), [255; 3]));
    }

    #[test]
    fn what_is_no_picture_gets_none() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for bytes in [&b""[..], b"hello", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0\0\x10JFIF"] {
            std::fs::write(file.path(), bytes).unwrap();
            assert_eq!(make(file.path(), 1000), None);
        }
    }
}
