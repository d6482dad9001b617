//! What a [`Violation`] means for whoever wrote the document: why the rule is there, and what to do.

use super::{Violation, rule};

impl Violation {
    /// Why the rule is there.
    pub fn reason(&self) -> &'static str {
        let member = self.member();
        match (self.rule, member) {
            (rule::REQUIRED, "imageAlignment") => {
                "A horizontal card has its media beside the text, and must say on which side."
            }
            (rule::REQUIRED, "content") => "A card without media, title and description would be empty.",
            (rule::REQUIRED, "displayText") => {
                "A button or chip without a text cannot be read, and not be answered by typing."
            }
            (
                rule::REQUIRED,
                "thumbnailContentType" | "thumbnailFileSize" | "mediaContentType" | "mediaFileSize",
            ) => "Handsets decide by type and size whether they fetch a file, before they do.",
            (rule::REQUIRED, _) => {
                "The specification requires it; handsets do not show a document without it."
            }
            (rule::TYPE, _) => "The specification gives this member another JSON type.",
            (rule::WORD, "height") => {
                "Cards of SMALL_WIDTH are 120 dp wide: media of TALL_HEIGHT, 264 dp, has no place in them. Other words than the three of the specification are unknown to handsets."
            }
            (rule::WORD, _) => "Handsets know the words of the specification only, in exactly this spelling.",
            (rule::ONE_OF, _) => {
                "The specification allows one of these at a time; handsets could not tell which is meant."
            }
            (rule::EXTRA, "imageAlignment") => {
                "A vertical card has its media above the text: there is no side to choose."
            }
            (rule::EXTRA, _) => "The specification does not allow it here.",
            (rule::LENGTH, "displayText") => {
                "Buttons and chips have room for 25 characters (Unicode characters, not bytes)."
            }
            (rule::LENGTH, "data") => "Postback data travels with every tap; the specification bounds it.",
            (rule::LENGTH, _) => {
                "The specification bounds it, in Unicode characters: what is longer has no place on a handset's screen."
            }
            (rule::COUNT, "suggestions") if self.is_in_card() => {
                "A card has room for a few buttons; more choices belong under the message, as chips."
            }
            (rule::COUNT, "suggestions") => {
                "Chips stand in one row that users scroll; the specification bounds it."
            }
            (rule::COUNT, "content") => {
                "A carousel shows cards side by side: one card is no carousel, and beyond the limit nobody scrolls."
            }
            (rule::COUNT, _) => "The specification bounds how many there may be.",
            (rule::RANGE, _) => "There is no such place on earth.",
            (rule::URL, _) => {
                "Handsets open absolute URLs; schemes that would run or reveal something inside the messaging application are refused."
            }
            (rule::TIME, _) => "Calendars need a moment: date, time and offset from UTC (RFC 3339).",
            (rule::ACTION, _) if self.path.starts_with("menu") => {
                "Not every action may stand in a menu of this dialect."
            }
            (rule::ACTION, _) => "Handsets do what they know; the specification names twelve actions.",
            (rule::JSON, _) => "Nothing that is not well formed can be read.",
            (rule::FORM, _) => "The checker knows a document by the members at its root.",
            (rule::FILE_SIZE, _) => {
                "Media is uploaded to the platform first, and larger files are refused there."
            }
            (rule::MEDIA_TYPE, _) if self.detail.contains("uploaded") => {
                "Media is uploaded to the platform first, which takes certain types only."
            }
            (rule::INSECURE_MEDIA, _) => {
                "Handsets and platforms refuse media over plain HTTP, or warn: anybody on the way could read and change it."
            }
            (rule::MEDIA_SCHEME, _) => "Handsets fetch media over https and http; it stays blank otherwise.",
            (rule::ALTERNATIVE_TEXT, _) => "Users who cannot see the media hear nothing of it.",
            (rule::TOLERATED, _) => "It is read here as it was meant; other platforms may refuse it.",
            (rule::UNKNOWN_MEMBER, _) => "It is passed on as it is, and handsets ignore it.",
            (rule::NO_POSTBACK, _) => {
                "Without postback data the chatbot is not told of a tap on this action."
            }
            (rule::SAME_TEXT, _) => {
                "Two suggestions that read alike cannot be told apart by whoever reads or types them."
            }
            (rule::ORDER, _) => "An event that ends before it begins is put into no calendar.",
            (rule::MEDIA_TYPE, _) => "Cards show pictures, videos and sound; anything else may stay blank.",
            (rule::EMPTY_FILE, _) => {
                "A file of 0 bytes says that the size isn't known; handsets that ask before fetching then ask in vain."
            }
            _ => "The specification requires it.",
        }
    }

    /// What to do about it.
    pub fn fix(&self) -> String {
        let member = self.member();
        let limit = self.detail.rsplit_once(" > ").map(|(_, most)| most);
        match (self.rule, limit) {
            (rule::REQUIRED, _) if member == "content" => {
                "Give it a title, a description or media.".to_owned()
            }
            (rule::REQUIRED, _) if member == "imageAlignment" => {
                "Add \"imageAlignment\": \"LEFT\" or \"RIGHT\".".to_owned()
            }
            (rule::REQUIRED, _) if self.detail.starts_with("none of ") => {
                format!("Add one of {}.", self.detail.trim_start_matches("none of "))
            }
            (rule::REQUIRED, _) if self.detail.starts_with("neither ") => {
                format!(
                    "Add one of {}.",
                    self.detail.trim_start_matches("neither ").replace(" nor ", " and ")
                )
            }
            (rule::REQUIRED, _) => format!("Add {member}."),
            (rule::TYPE, _) => match self.detail.rsplit_once(" where ") {
                Some((_, wanted)) => format!("Write {} here.", wanted.trim_end_matches(" belongs")),
                None => "Write a value of the type that the specification gives it.".to_owned(),
            },
            (rule::WORD, _) if self.detail.starts_with("TALL_HEIGHT") => {
                "Use SHORT_HEIGHT or MEDIUM_HEIGHT, or cards of MEDIUM_WIDTH.".to_owned()
            }
            (rule::WORD, _) => match self.detail.rsplit_once("is not one of ") {
                Some((_, words)) => format!("Use one of {words}."),
                None => "Use a word of the specification.".to_owned(),
            },
            (rule::ONE_OF, _) => "Keep one of them.".to_owned(),
            (rule::EXTRA, _) => format!("Remove {member}."),
            (rule::LENGTH, Some(most)) => format!("Shorten it to at most {most} characters."),
            (rule::COUNT, Some(most)) if member == "suggestions" && self.is_in_card() => {
                format!("Keep {most} and send the others as chips.")
            }
            (rule::COUNT, Some(most)) if self.detail.starts_with("level ") => {
                format!("Keep to {most} levels: move the entries up.")
            }
            (rule::COUNT, Some(most)) => format!("Keep at most {most}, or send several messages."),
            (rule::COUNT, None) => match self.detail.rsplit_once(" < ") {
                Some((_, "2")) if member == "content" => {
                    "Add cards, or send a single card as generalPurposeCard.".to_owned()
                }
                Some((_, least)) => format!("Add some: at least {least}."),
                None => "Change how many there are.".to_owned(),
            },
            (rule::RANGE, _) => {
                "Write degrees: latitude from -90 to 90, longitude from -180 to 180.".to_owned()
            }
            (rule::URL, _) => "Write a whole URL such as https://host/path, with blanks as %20.".to_owned(),
            (rule::TIME, _) => "Write a time such as 2026-11-24T09:00:00+08:00.".to_owned(),
            (rule::ACTION, _) => match self.detail.strip_prefix("none of ") {
                Some(known) => format!("Add one of {known}."),
                None => "Use another action, such as openUrl or dialPhoneNumber, or a reply.".to_owned(),
            },
            (rule::JSON, _) => {
                "Look at the place that is named, and just before it: a comma, quote or bracket.".to_owned()
            }
            (rule::FORM, _) if self.detail.contains("around it") => {
                "Write {\"message\": {…}} around it.".to_owned()
            }
            (rule::FORM, _) if self.detail.contains("menu") => {
                "Have the operator set it: hongyan chatbot update NAME --menu FILE.".to_owned()
            }
            (rule::FORM, _) => {
                "Give it {\"message\": …}, {\"suggestions\": …}, {\"menu\": …}, or a whole send call."
                    .to_owned()
            }
            (rule::FILE_SIZE, Some(most)) => format!("Make the file smaller: at most {most}."),
            (rule::MEDIA_TYPE, _) if self.detail.contains("uploaded") => {
                "Convert it: pictures to JPEG or PNG, videos to MP4, sound to MP3.".to_owned()
            }
            (rule::INSECURE_MEDIA | rule::MEDIA_SCHEME, _) => "Serve it over https.".to_owned(),
            (rule::ALTERNATIVE_TEXT, _) => {
                "Add \"contentDescription\": what there is to see, in up to 200 characters.".to_owned()
            }
            (rule::TOLERATED, _) => "Write it as the specification does.".to_owned(),
            (rule::UNKNOWN_MEMBER, _) => match self.detail.rsplit_once("did you mean ") {
                Some((_, name)) => format!("Write {}.", name.trim_end_matches('?')),
                None => format!("Remove {member}, or check its spelling."),
            },
            (rule::NO_POSTBACK, _) => {
                "Add \"postback\": {\"data\": …} if the chatbot is to hear of it.".to_owned()
            }
            (rule::SAME_TEXT, _) => "Give each its own text.".to_owned(),
            (rule::ORDER, _) => "Let endTime be after startTime.".to_owned(),
            (rule::MEDIA_TYPE, _) => {
                "Use an image/…, video/… or audio/… type, and say which one the file has.".to_owned()
            }
            (rule::EMPTY_FILE, _) => "Write the file's size in bytes.".to_owned(),
            _ => "Write it as the specification does.".to_owned(),
        }
    }

    /// Whether the last member of the path is one of a card's, and not of the message around it.
    fn is_in_card(&self) -> bool {
        let parent = self.path.rsplit('.').nth(1).unwrap_or_default();
        let parent = parent.split('[').next().unwrap_or_default();
        ["content", "cardContent", "cardContents"].contains(&parent)
    }

    /// The last member of the path, without an index; empty for the root.
    fn member(&self) -> &str {
        let last = self.path.rsplit('.').next().unwrap_or_default();
        last.split('[').next().unwrap_or_default()
    }
}
