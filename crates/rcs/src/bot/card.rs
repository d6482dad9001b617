//! Cards and carousels: the document under `message` (RCC.07 chatbot JSON, bot to user).

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{
    Document, Extra, Limits, Suggestion, Violation,
    reader::{Faults, Members, words},
    rule, suggestion,
};

/// A card or a carousel: `{"message":{…}}`.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "one lives for the time of one message, never in bulk")]
pub enum BotMessage {
    /// `generalPurposeCard`
    Card(Card),
    /// `generalPurposeCardCarousel`
    Carousel(Carousel),
}

/// One card.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Card {
    /// How it is drawn.
    pub layout: CardLayout,
    /// What it says.
    pub content: CardContent,
    /// Members that we have no name for.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Several cards side by side; legal with 2 to 12.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Carousel {
    /// How they are drawn.
    pub layout: CarouselLayout,
    /// The cards from left to right.
    pub content: Vec<CardContent>,
    /// Members that we have no name for.
    #[serde(flatten)]
    pub extra: Extra,
}

/// How a single card is drawn.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CardLayout {
    /// Whether media and text are stacked or side by side.
    pub card_orientation: Orientation,
    /// The side of the media; there if and only if the card is horizontal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_alignment: Option<ImageAlignment>,
    /// Fonts and style sheet.
    #[serde(flatten)]
    pub style: Style,
}

/// How the cards of a carousel are drawn.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CarouselLayout {
    /// Width of each card.
    pub card_width: CardWidth,
    /// Fonts and style sheet.
    #[serde(flatten)]
    pub style: Style,
}

/// The part of a layout that cards and carousels share.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Style {
    /// Empty for the handset's own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub title_font_style: Vec<FontStyle>,
    /// Empty for the handset's own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub description_font_style: Vec<FontStyle>,
    /// URL of a CSS file that overrides the chatbot's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub style: Option<String>,
    /// Members that we have no name for.
    #[serde(flatten)]
    pub extra: Extra,
}

/// What a card says; at least one of media, title and description.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CardContent {
    /// Picture, video or sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media: Option<Media>,
    /// 1 to 200 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// 1 to 2000 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Up to 4 buttons.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub suggestions: Vec<Suggestion>,
    /// Members that we have no name for.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A card's picture, video or sound.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Media {
    /// Where it is fetched.
    pub media_url: String,
    /// Its MIME type.
    pub media_content_type: String,
    /// Bytes.
    pub media_file_size: u64,
    /// How tall it is drawn.
    pub height: MediaHeight,
    /// A small picture to show before the media is fetched.
    #[serde(flatten)]
    pub thumbnail: Option<Thumbnail>,
    /// Alternative text, 1 to 200 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_description: Option<String>,
    /// Members that we have no name for.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The thumbnail of [`Media`]; on the wire its members stand beside those of the media.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Thumbnail {
    /// Where it is fetched.
    #[serde(rename = "thumbnailUrl")]
    pub url: String,
    /// Its MIME type.
    #[serde(rename = "thumbnailContentType")]
    pub content_type: String,
    /// Bytes.
    #[serde(rename = "thumbnailFileSize")]
    pub file_size: u64,
}

words! {
    /// Direction in which a card's media and text follow each other.
    Orientation {
        /// Media above the text.
        Vertical = "VERTICAL",
        /// Media beside the text.
        Horizontal = "HORIZONTAL",
    }
}

words! {
    /// The side of a horizontal card's media.
    ImageAlignment {
        /// Before the text.
        Left = "LEFT",
        /// After the text.
        Right = "RIGHT",
    }
}

words! {
    /// Width of a carousel's cards.
    CardWidth {
        /// 120 dp on known clients; no tall media.
        Small = "SMALL_WIDTH",
        /// 232 dp on known clients.
        Medium = "MEDIUM_WIDTH",
    }
}

words! {
    /// Height of a card's media.
    MediaHeight {
        /// 112 dp on known clients.
        Short = "SHORT_HEIGHT",
        /// 168 dp on known clients.
        Medium = "MEDIUM_HEIGHT",
        /// 264 dp on known clients.
        Tall = "TALL_HEIGHT",
    }
}

words! {
    /// A font style; others are dropped when read.
    FontStyle {
        /// `italics`
        Italics = "italics",
        /// `bold`
        Bold = "bold",
        /// `underline`
        Underline = "underline",
    }
}

impl BotMessage {
    /// The contents of the cards, one for a single card.
    pub fn cards(&self) -> &[CardContent] {
        match self {
            Self::Card(card) => std::slice::from_ref(&card.content),
            Self::Carousel(carousel) => &carousel.content,
        }
    }
}

impl Document for BotMessage {
    fn from_value(value: Value) -> Result<Self, Vec<Violation>> {
        let mut faults = Faults::default();
        let message = read_root(value, &mut faults);
        faults.finish(message)
    }

    fn validate(&self, limits: &Limits) -> Vec<Violation> {
        super::validate::message(self, limits)
    }
}

impl Serialize for BotMessage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Root<'a> {
            message: Message<'a>,
        }
        #[derive(Serialize)]
        enum Message<'a> {
            #[serde(rename = "generalPurposeCard")]
            Card(&'a Card),
            #[serde(rename = "generalPurposeCardCarousel")]
            Carousel(&'a Carousel),
        }
        let message = match self {
            Self::Card(card) => Message::Card(card),
            Self::Carousel(carousel) => Message::Carousel(carousel),
        };
        Root { message }.serialize(serializer)
    }
}

fn read_root(value: Value, faults: &mut Faults) -> Option<BotMessage> {
    let mut root = Members::of("", value, faults)?;
    let mut message = root.required("message", faults, Members::object)?;
    match (message.has("generalPurposeCard"), message.has("generalPurposeCardCarousel")) {
        (true, false) => {
            let card = message.object("generalPurposeCard", faults)?;
            read_card(card, faults).map(BotMessage::Card)
        }
        (false, true) => {
            let carousel = message.object("generalPurposeCardCarousel", faults)?;
            read_carousel(carousel, faults).map(BotMessage::Carousel)
        }
        (true, true) => {
            faults.add(message.path, rule::ONE_OF, "both generalPurposeCard and generalPurposeCardCarousel");
            None
        }
        (false, false) => {
            faults.add(
                message.path,
                rule::REQUIRED,
                "neither generalPurposeCard nor generalPurposeCardCarousel",
            );
            None
        }
    }
}

// The readers below read every member before `?`, so that all faults are listed and not the first only.

fn read_card(mut card: Members, faults: &mut Faults) -> Option<Card> {
    let layout = card.required("layout", faults, Members::object).and_then(|m| read_card_layout(m, faults));
    let content = card.required("content", faults, Members::object).and_then(|m| read_content(m, faults));
    Some(Card { layout: layout?, content: content?, extra: card.rest() })
}

fn read_carousel(mut carousel: Members, faults: &mut Faults) -> Option<Carousel> {
    let layout = carousel.required("layout", faults, Members::object).and_then(|mut layout| {
        let card_width = layout.required("cardWidth", faults, Members::word);
        let style = read_style(layout, faults);
        Some(CarouselLayout { card_width: card_width?, style })
    });
    let content = carousel.required("content", faults, |m, key, faults| m.list(key, faults, read_content));
    Some(Carousel { layout: layout?, content: content?, extra: carousel.rest() })
}

fn read_card_layout(mut layout: Members, faults: &mut Faults) -> Option<CardLayout> {
    let card_orientation = layout.required("cardOrientation", faults, Members::word);
    let image_alignment = layout.word("imageAlignment", faults);
    match (card_orientation, image_alignment) {
        (Some(Orientation::Horizontal), None) => {
            faults.add(layout.at("imageAlignment"), rule::REQUIRED, "missing beside HORIZONTAL");
        }
        (Some(Orientation::Vertical), Some(_)) => {
            faults.add(layout.at("imageAlignment"), rule::EXTRA, "must be absent beside VERTICAL");
        }
        _ => {}
    }
    let style = read_style(layout, faults);
    Some(CardLayout { card_orientation: card_orientation?, image_alignment, style })
}

fn read_style(mut layout: Members, faults: &mut Faults) -> Style {
    let title_font_style = read_fonts(layout.value("titleFontStyle"));
    let description_font_style = read_fonts(layout.value("descriptionFontStyle"));
    let style = layout.string("style", faults);
    Style { title_font_style, description_font_style, style, extra: layout.rest() }
}

/// Known styles, each once; a mistake in a font never costs the card.
fn read_fonts(value: Option<Value>) -> Vec<FontStyle> {
    use super::reader::Word;
    let words = match value {
        Some(Value::Array(words)) => words,
        Some(word @ Value::String(_)) => vec![word],
        _ => Vec::new(),
    };
    let mut fonts = Vec::new();
    for font in words.iter().filter_map(Value::as_str).filter_map(FontStyle::from_word) {
        if !fonts.contains(&font) {
            fonts.push(font);
        }
    }
    fonts
}

fn read_content(mut content: Members, faults: &mut Faults) -> Option<CardContent> {
    // A media of the wrong shape has its own fault and still counts as there.
    let has_media = content.has("media");
    let media = content.object("media", faults).and_then(|media| read_media(media, faults));
    let title = content.string("title", faults);
    let description = content.string("description", faults);
    if !has_media && title.is_none() && description.is_none() {
        faults.add(content.path.as_str(), rule::REQUIRED, "none of media, title, description");
    }
    let suggestions = content.list("suggestions", faults, suggestion::read).unwrap_or_default();
    Some(CardContent { media, title, description, suggestions, extra: content.rest() })
}

fn read_media(mut media: Members, faults: &mut Faults) -> Option<Media> {
    let media_url = media.text("mediaUrl", faults);
    let media_content_type = media.text("mediaContentType", faults);
    let media_file_size = media.required("mediaFileSize", faults, Members::size);
    let height = media.required("height", faults, Members::word);
    let thumbnail = read_thumbnail(&mut media, faults);
    let content_description = media.string("contentDescription", faults);
    Some(Media {
        media_url: media_url?,
        media_content_type: media_content_type?,
        media_file_size: media_file_size?,
        height: height?,
        thumbnail,
        content_description,
        extra: media.rest(),
    })
}

fn read_thumbnail(media: &mut Members, faults: &mut Faults) -> Option<Thumbnail> {
    let Some(url) = media.string("thumbnailUrl", faults) else {
        // Type and size without a thumbnail say nothing.
        media.value("thumbnailContentType");
        media.value("thumbnailFileSize");
        return None;
    };
    let content_type = media.text("thumbnailContentType", faults);
    let file_size = media.required("thumbnailFileSize", faults, Members::size);
    Some(Thumbnail { url, content_type: content_type?, file_size: file_size? })
}
