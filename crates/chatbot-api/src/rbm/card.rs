//! Rich cards: one, or a carousel.
//!
//! What is left open takes a default: cards are vertical, a horizontal card has its picture at the left, media and the cards
//! of a carousel are of medium size. Where the picture of a vertical card would stand is ignored, as it is where this
//! interface comes from.

use rcs::bot::{
    BotMessage, Card, CardContent, CardLayout, CardWidth, Carousel, CarouselLayout, Extra, ImageAlignment,
    Media, MediaHeight, Orientation, Style,
    reader::{Faults, Members},
    rule,
};

use super::message::{FileSource, FileUse};
use super::reading::{choice, one_of};
use super::suggestion;

/// Reads `richCard`. The media of its cards have neither URL nor size yet: what they refer to is added to `files`, in the
/// order of the cards.
pub(super) fn read(
    mut rich_card: Members,
    files: &mut Vec<FileUse>,
    faults: &mut Faults,
) -> Option<BotMessage> {
    match one_of(&rich_card, &["standaloneCard", "carouselCard"], faults)? {
        "standaloneCard" => {
            let card = rich_card.object("standaloneCard", faults)?;
            read_standalone(card, files, faults).map(BotMessage::Card)
        }
        _ => {
            let carousel = rich_card.object("carouselCard", faults)?;
            read_carousel(carousel, files, faults).map(BotMessage::Carousel)
        }
    }
}

fn read_standalone(mut card: Members, files: &mut Vec<FileUse>, faults: &mut Faults) -> Option<Card> {
    let orientations = [("VERTICAL", Orientation::Vertical), ("HORIZONTAL", Orientation::Horizontal)];
    let card_orientation =
        choice(&mut card, "cardOrientation", faults, &orientations).unwrap_or(Orientation::Vertical);
    let sides = [("LEFT", ImageAlignment::Left), ("RIGHT", ImageAlignment::Right)];
    let side = choice(&mut card, "thumbnailImageAlignment", faults, &sides);
    let image_alignment =
        (card_orientation == Orientation::Horizontal).then_some(side.unwrap_or(ImageAlignment::Left));
    let content = card
        .required("cardContent", faults, Members::object)
        .and_then(|content| read_content(content, files, faults));
    let layout = CardLayout { card_orientation, image_alignment, style: Style::default() };
    Some(Card { layout, content: content?, extra: Extra::new() })
}

fn read_carousel(mut carousel: Members, files: &mut Vec<FileUse>, faults: &mut Faults) -> Option<Carousel> {
    let widths = [("SMALL", CardWidth::Small), ("MEDIUM", CardWidth::Medium)];
    let card_width = choice(&mut carousel, "cardWidth", faults, &widths).unwrap_or(CardWidth::Medium);
    let files = std::cell::RefCell::new(files);
    let content = carousel.required("cardContents", faults, |m, key, faults| {
        m.list(key, faults, |content, faults| read_content(content, &mut files.borrow_mut(), faults))
    });
    let layout = CarouselLayout { card_width, style: Style::default() };
    Some(Carousel { layout, content: content?, extra: Extra::new() })
}

fn read_content(mut content: Members, files: &mut Vec<FileUse>, faults: &mut Faults) -> Option<CardContent> {
    let has_media = content.has("media");
    let media = content.object("media", faults).and_then(|media| read_media(media, files, faults));
    let title = content.string("title", faults);
    let description = content.string("description", faults);
    if !has_media && title.is_none() && description.is_none() {
        faults.add(content.path.as_str(), rule::REQUIRED, "none of media, title, description");
    }
    let suggestions = content.list("suggestions", faults, suggestion::read).unwrap_or_default();
    Some(CardContent { media, title, description, suggestions, extra: Extra::new() })
}

fn read_media(mut media: Members, files: &mut Vec<FileUse>, faults: &mut Faults) -> Option<Media> {
    let heights =
        [("SHORT", MediaHeight::Short), ("MEDIUM", MediaHeight::Medium), ("TALL", MediaHeight::Tall)];
    let height = choice(&mut media, "height", faults, &heights).unwrap_or(MediaHeight::Medium);
    let file = FileSource::read(&mut media, faults)?;
    files.push(file);
    Some(Media {
        media_url: String::new(),
        media_content_type: String::new(),
        media_file_size: 0,
        height,
        thumbnail: None,
        content_description: None,
        extra: Extra::new(),
    })
}
