//! Deep links that open a conversation with a chatbot (maap-api §5.6), and QR codes of them.

use image::{GrayImage, ImageFormat, Luma};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use qrcode::render::{svg, unicode};
use qrcode::{Color, EcLevel, QrCode};
use rcs::address::Numbering;
use serde::Serialize;
use store::Chatbot;
use utoipa::ToSchema;

/// Longest link of which a code is made: what people's cameras still read well.
pub const LINK_BYTES_MAX: usize = 600;

/// Longest text that a link may bring along, in characters.
pub const BODY_CHARS_MAX: usize = 160;

/// What stands around a code, in modules (ISO/IEC 18004 §6.3.8).
const QUIET_MODULES: u32 = 4;

/// Pixels of a module in a PNG.
const MODULE_PIXELS: u32 = 8;

/// RFC 3986 §2.3: what needs no escape anywhere.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The links of one chatbot. Whoever follows one sends nothing by it: the text is for them to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Links {
    /// For everybody: opens the conversation in the web handset.
    pub web: String,
    /// For handsets: `sms:` with the chatbot's address, or with its number for SMS and the address as `service_id`.
    pub sms: String,
    /// For handsets that open addresses.
    pub sip: String,
}

impl Links {
    /// Links to `chatbot` that bring `body` along; `public_url` has no slash at its end. A chatbot of our own domain goes by its
    /// name, which makes a smaller code.
    pub fn new(chatbot: &Chatbot, body: Option<&str>, public_url: &str, numbering: &Numbering) -> Self {
        let address = chatbot.address.as_str();
        let is_ours = numbering.chatbot(chatbot.address.user()).is_ok_and(|ours| ours == chatbot.address);
        let name = if is_ours { chatbot.address.user() } else { address };
        let id = address.strip_prefix("sip:").unwrap_or(address).replace('@', "%40");
        let body = body.filter(|body| !body.is_empty()).map(|body| format!("body={}", escaped(body)));
        let query = |parts: [Option<String>; 2]| {
            let parts: Vec<String> = parts.into_iter().flatten().collect();
            if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
        };
        let sms = match &chatbot.extras.sms_number {
            Some(number) => {
                format!("sms:{number}{}", query([Some(format!("service_id={id}")), body.clone()]))
            }
            None => format!("sms:{id}{}", query([None, body.clone()])),
        };
        Self {
            web: format!("{public_url}/open/{}{}", escaped(name), query([None, body])),
            sms,
            sip: address.to_owned(),
        }
    }

    /// Where `/open/…` leads: the web handset, which reads the `sms:` link from the part that servers never see.
    pub fn in_web_handset(&self) -> String {
        format!("/#/open?uri={}", escaped(&self.sms))
    }
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// A QR code.
pub struct Code(QrCode);

impl Code {
    /// Of a link; `None` if it is too long. A seventh of it may be unreadable.
    pub fn of(link: &str) -> Option<Self> {
        let fits = link.len() <= LINK_BYTES_MAX;
        fits.then(|| QrCode::with_error_correction_level(link, EcLevel::M).ok()).flatten().map(Self)
    }

    /// As SVG.
    pub fn svg(&self) -> String {
        self.0.render::<svg::Color>().min_dimensions(256, 256).build()
    }

    /// As PNG.
    pub fn png(&self) -> Vec<u8> {
        let modules = self.0.width() as u32;
        let edge = (modules + 2 * QUIET_MODULES) * MODULE_PIXELS;
        let picture = GrayImage::from_fn(edge, edge, |x, y| {
            let module = |at: u32| (at / MODULE_PIXELS).checked_sub(QUIET_MODULES).filter(|at| *at < modules);
            let is_dark = module(x)
                .zip(module(y))
                .is_some_and(|(x, y)| self.0[(x as usize, y as usize)] == Color::Dark);
            Luma([if is_dark { 0 } else { 255 }])
        });
        let mut png = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut png, ImageFormat::Png).expect("memory takes any number of bytes");
        png.into_inner()
    }

    /// For a terminal, dark on light.
    pub fn text(&self) -> String {
        self.0.render::<unicode::Dense1x2>().build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_drawn_with_quiet_around_it() {
        let code = Code::of("https://rcs.example/open/12306").unwrap();
        assert!(code.svg().starts_with("<?xml") && code.text().lines().count() > 10);
        let picture = image::load_from_memory(&code.png()).unwrap().to_luma8();
        let quiet = QUIET_MODULES * MODULE_PIXELS;
        assert!((0..picture.width()).all(|x| picture.get_pixel(x, quiet - 1).0 == [255]));
        // The finder pattern begins dark.
        assert_eq!(picture.get_pixel(quiet, quiet).0, [0]);
        assert!(Code::of(&"a".repeat(LINK_BYTES_MAX + 1)).is_none());
        assert!(Code::of(&"a".repeat(LINK_BYTES_MAX)).is_some());
    }
}
