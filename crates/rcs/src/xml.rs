//! The small XML documents inside messages, read under ceilings and written exactly.
//!
//! A document becomes a tree of [`Element`]s; names are matched by their local part, since peers differ in prefixes
//! and even in namespaces. Document types and entities of their own are refused: nothing in RCS needs them.

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// Longest document. Real ones have hundreds of bytes.
pub const DOCUMENT_BYTES_MAX: usize = 64 * 1024;

/// Deepest nesting.
pub const DEPTH_MAX: usize = 32;

/// Most elements in a document.
pub const ELEMENTS_MAX: usize = 2048;

/// Most attributes on an element.
pub const ATTRIBUTES_MAX: usize = 32;

/// An element with all that is in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Element>,
    text: String,
}

/// Why bytes are not the document that was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// One of the ceilings of this module is exceeded.
    #[error("XML has too many {0}")]
    TooMany(&'static str),
    /// Not UTF-8, not well-formed, or not complete.
    #[error("XML is not well-formed: {0}")]
    Malformed(String),
    /// A document type, or an entity that XML itself does not define.
    #[error("XML with a document type or its own entities is refused")]
    Entity,
    /// Another document than expected.
    #[error("XML root is {found:?}, not {expected:?}")]
    Root {
        /// The local name there ought to be.
        expected: &'static str,
        /// The local name there is.
        found: String,
    },
    /// An element or attribute that must be there is not.
    #[error("XML lacks {0}")]
    Missing(&'static str),
    /// An element or attribute holds what it cannot hold.
    #[error("XML has a bad value in {0}")]
    Invalid(&'static str),
}

impl Element {
    /// Reads a document, whose root must have the local name `root`.
    pub fn parse(document: &[u8], root: &'static str) -> Result<Self, XmlError> {
        let element = Self::parse_any(document)?;
        if element.name == root {
            Ok(element)
        } else {
            Err(XmlError::Root { expected: root, found: element.name })
        }
    }

    /// Reads a document, whatever its root.
    pub fn parse_any(document: &[u8]) -> Result<Self, XmlError> {
        let mut roots = read(document, DOCUMENT_BYTES_MAX, 1)?;
        Ok(roots.swap_remove(0))
    }

    /// Reads what may be several elements side by side, which XML does not allow and some peers send: an element without
    /// a name that has them, at least one, as its children. `bytes_max` stands in for [`DOCUMENT_BYTES_MAX`] where documents
    /// carry more than a few lines.
    pub fn parse_forest(document: &[u8], bytes_max: usize) -> Result<Self, XmlError> {
        read(document, bytes_max, ELEMENTS_MAX).map(|children| Self { children, ..Self::default() })
    }

    /// The local name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The local name in small letters and without `-` and `_`, for documents whose writers differ in such things.
    pub fn plain_name(&self) -> String {
        self.name.chars().filter(|c| !matches!(c, '-' | '_')).map(|c| c.to_ascii_lowercase()).collect()
    }

    /// The texts of all elements in it, at any depth and in order, whose [`Element::plain_name`] is one of `names`; empty
    /// ones are passed over.
    pub fn plain_texts(&self, names: &[&str]) -> Vec<&str> {
        let mut texts = Vec::new();
        for child in &self.children {
            if names.contains(&child.plain_name().as_str()) && !child.text().is_empty() {
                texts.push(child.text());
            }
            texts.extend(child.plain_texts(names));
        }
        texts
    }

    /// The text directly in it, without the blanks around it; empty if there is none.
    pub fn text(&self) -> &str {
        self.text.trim()
    }

    /// The value of the attribute with this local name.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The value of such an attribute, without the blanks around it; it must be there, and have no more than `bytes_max` bytes.
    pub fn required_attribute(&self, name: &'static str, bytes_max: usize) -> Result<String, XmlError> {
        let value = self.attribute(name).map(str::trim).filter(|value| !value.is_empty());
        bounded(value.ok_or(XmlError::Missing(name))?, name, bytes_max)
    }

    /// All elements directly in it, in order.
    pub fn children(&self) -> &[Element] {
        &self.children
    }

    /// The first element directly in it with this local name.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first such element; `None` also if that is empty.
    pub fn child_text(&self, name: &str) -> Option<&str> {
        self.child(name).map(Element::text).filter(|text| !text.is_empty())
    }

    /// The text of the first such element, which must be there.
    pub fn required_text(&self, name: &'static str) -> Result<&str, XmlError> {
        self.child_text(name).ok_or(XmlError::Missing(name))
    }

    /// The first element in it at any depth with this local name.
    pub fn descendant(&self, name: &str) -> Option<&Element> {
        self.children.iter().find_map(
            |child| {
                if child.name == name { Some(child) } else { child.descendant(name) }
            },
        )
    }
}

/// Writes a document element by element, without indentation.
///
/// Characters that XML cannot hold are left out of texts and attributes.
#[derive(Debug)]
pub struct Writer {
    document: String,
    open: Vec<&'static str>,
}

impl Writer {
    /// A document with its XML declaration.
    #[allow(clippy::new_without_default)] // an empty document is nothing to default to
    pub fn new() -> Self {
        Self { document: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n".to_owned(), open: Vec::new() }
    }

    /// Opens an element; the names are the writer's own and are not escaped.
    pub fn open(&mut self, name: &'static str, attributes: &[(&str, &str)]) -> &mut Self {
        self.tag(name, attributes);
        self.document.push('>');
        self.open.push(name);
        self
    }

    /// Closes the element opened last.
    pub fn close(&mut self) -> &mut Self {
        let name = self.open.pop().expect("every close follows its open");
        self.document.push_str("</");
        self.document.push_str(name);
        self.document.push('>');
        self
    }

    /// An element with nothing but text.
    pub fn text(&mut self, name: &'static str, attributes: &[(&str, &str)], text: &str) -> &mut Self {
        self.open(name, attributes);
        escape(&mut self.document, text, false);
        self.close()
    }

    /// An element with nothing in it.
    pub fn empty(&mut self, name: &'static str, attributes: &[(&str, &str)]) -> &mut Self {
        self.tag(name, attributes);
        self.document.push_str("/>");
        self
    }

    /// The document, with everything closed that is still open.
    pub fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.document
    }

    fn tag(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.document.push('<');
        self.document.push_str(name);
        for (name, value) in attributes {
            self.document.push(' ');
            self.document.push_str(name);
            self.document.push_str("=\"");
            escape(&mut self.document, value, true);
            self.document.push('"');
        }
    }
}

/// Reads a document of up to `roots_max` elements, at least one.
fn read(document: &[u8], bytes_max: usize, roots_max: usize) -> Result<Vec<Element>, XmlError> {
    if document.len() > bytes_max {
        return Err(XmlError::TooMany("bytes"));
    }
    let text = std::str::from_utf8(document).map_err(|_| malformed(not_utf8(document)))?;
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}').trim());
    let mut tree = Tree { roots_max, ..Tree::default() };
    loop {
        match reader.read_event().map_err(malformed)? {
            Event::Start(start) => tree.open(element(&start)?)?,
            Event::Empty(start) => {
                tree.open(element(&start)?)?;
                tree.close()?;
            }
            Event::End(_) => tree.close()?,
            Event::Text(text) => tree.text(&text.xml10_content())?,
            Event::CData(text) => tree.text(&text.xml10_content())?,
            Event::GeneralRef(name) => match name.resolve_char_ref().map_err(malformed)? {
                Some(character) => tree.text(character.encode_utf8(&mut [0; 4]))?,
                None => tree.text(resolve_predefined_entity(&name).ok_or(XmlError::Entity)?)?,
            },
            Event::DocType(_) => return Err(XmlError::Entity),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => return tree.finish(),
        }
    }
}

/// That a document is not in UTF-8, and what it says that it is in.
fn not_utf8(document: &[u8]) -> String {
    let declared = document.utf8_chunks().next().map(|chunk| chunk.valid()).and_then(|text| {
        let (_, after) = text.split_once("<?xml")?.1.split_once("?>")?.0.split_once("encoding")?;
        after.split(['"', '\'']).nth(1)
    });
    match declared {
        Some(other) if !other.eq_ignore_ascii_case("UTF-8") => format!("it is in {other}, and not in UTF-8"),
        _ => "it is not in UTF-8".to_owned(),
    }
}

/// The tree as far as it has been read.
#[derive(Default)]
struct Tree {
    open: Vec<Element>,
    roots: Vec<Element>,
    roots_max: usize,
    elements: usize,
}

impl Tree {
    fn open(&mut self, element: Element) -> Result<(), XmlError> {
        self.elements += 1;
        if self.elements > ELEMENTS_MAX {
            return Err(XmlError::TooMany("elements"));
        }
        if self.open.len() == DEPTH_MAX {
            return Err(XmlError::TooMany("levels"));
        }
        if self.open.is_empty() && self.roots.len() == self.roots_max {
            return Err(malformed("more than one root"));
        }
        self.open.push(element);
        Ok(())
    }

    fn close(&mut self) -> Result<(), XmlError> {
        let element = self.open.pop().ok_or_else(|| malformed("an end without a start"))?;
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.roots.push(element),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), XmlError> {
        check_characters(text)?;
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim().is_empty() => {}
            None => return Err(malformed("text outside of the root")),
        }
        Ok(())
    }

    fn finish(self) -> Result<Vec<Element>, XmlError> {
        if !self.open.is_empty() {
            return Err(malformed("it ends inside an element"));
        }
        if self.roots.is_empty() { Err(malformed("there is no element")) } else { Ok(self.roots) }
    }
}

fn element(start: &BytesStart<'_>) -> Result<Element, XmlError> {
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(malformed)?;
        if attributes.len() == ATTRIBUTES_MAX {
            return Err(XmlError::TooMany("attributes"));
        }
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| XmlError::Entity)?;
        check_characters(&value)?;
        let name = attribute.key.as_ref();
        // A namespace declaration must not pass for an attribute of the prefix it binds.
        if name != "xmlns" && !name.starts_with("xmlns:") {
            attributes.push((local(name).to_owned(), value.into_owned()));
        }
    }
    Ok(Element { name: local(start.name().as_ref()).to_owned(), attributes, ..Element::default() })
}

/// A name without its prefix.
fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// The characters that a document may hold (XML 1.0 §2.2).
fn is_xml_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

fn check_characters(text: &str) -> Result<(), XmlError> {
    if text.chars().all(is_xml_character) { Ok(()) } else { Err(malformed("a control character")) }
}

fn escape(document: &mut String, text: &str, is_attribute: bool) {
    for character in text.chars().filter(|c| is_xml_character(*c)) {
        match character {
            '<' => document.push_str("&lt;"),
            '>' => document.push_str("&gt;"),
            '&' => document.push_str("&amp;"),
            '"' => document.push_str("&quot;"),
            '\r' => document.push_str("&#13;"),
            '\n' if is_attribute => document.push_str("&#10;"),
            '\t' if is_attribute => document.push_str("&#9;"),
            _ => document.push(character),
        }
    }
}

/// A text from an element or attribute of this name, if it is no longer than it may be.
pub(crate) fn bounded(text: &str, name: &'static str, bytes_max: usize) -> Result<String, XmlError> {
    if text.len() > bytes_max { Err(XmlError::Invalid(name)) } else { Ok(text.to_owned()) }
}

/// What a word stands for in a table of values and their words.
pub(crate) fn known<T: Copy>(words: &[(T, &'static str)], text: &str) -> Option<T> {
    words.iter().find(|(_, word)| *word == text).map(|(value, _)| *value)
}

/// The word for a value of such a table, which has one for every value.
pub(crate) fn word<T: Copy + PartialEq>(words: &[(T, &'static str)], value: T) -> &'static str {
    words.iter().find(|(known, _)| *known == value).map(|(_, word)| *word).expect("every value has a word")
}

fn malformed(reason: impl ToString) -> XmlError {
    XmlError::Malformed(reason.to_string().chars().take(120).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_document_reads_as_a_tree_of_local_names() {
        let root = Element::parse(
            b"\xef\xbb\xbf<?xml version='1.0'?><!-- c --><a:x xmlns:a='u' a:k='1&#10;&lt;2' xmlns:k='no'>\
              <y> one &amp; <![CDATA[<two>]]> </y><y/><b:z>deep</b:z></a:x>",
            "x",
        )
        .unwrap();
        assert_eq!(root.attribute("k"), Some("1\n<2"));
        assert_eq!(root.child_text("y"), Some("one & <two>"));
        assert_eq!(root.children().len(), 3);
        assert_eq!(root.descendant("z").map(Element::text), Some("deep"));
    }

    #[test]
    fn entities_and_document_types_are_refused() {
        let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><x>&b;</x>";
        for document in [bomb, "<x>&b;</x>", "<x k='&b;'/>", "<!DOCTYPE x SYSTEM 'file:///etc/passwd'><x/>"] {
            assert_eq!(Element::parse(document.as_bytes(), "x"), Err(XmlError::Entity), "{document}");
        }
    }

    #[test]
    fn a_forest_is_read_where_it_is_allowed() {
        let forest = b"<?xml version='1.0'?><a>1</a>\n<p:b xmlns:p='u'><c/></p:b>";
        let read = Element::parse_forest(forest, 1000).unwrap();
        assert_eq!(read.children().iter().map(Element::name).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(read.child_text("a"), Some("1"));
        assert!(Element::parse_any(forest).is_err());
        assert_eq!(Element::parse_forest(forest, 20), Err(XmlError::TooMany("bytes")));
        assert!(Element::parse_forest(b"<a/>text", 1000).is_err());
        assert!(Element::parse_forest(b" ", 1000).is_err());
        let many = "<y/>".repeat(ELEMENTS_MAX + 1);
        assert_eq!(Element::parse_forest(many.as_bytes(), 1 << 20), Err(XmlError::TooMany("elements")));
    }

    #[test]
    fn ceilings_hold() {
        let deep = "<x>".repeat(DEPTH_MAX + 1) + &"</x>".repeat(DEPTH_MAX + 1);
        assert_eq!(Element::parse_any(deep.as_bytes()), Err(XmlError::TooMany("levels")));
        let many = format!("<x>{}</x>", "<y/>".repeat(ELEMENTS_MAX));
        assert_eq!(Element::parse_any(many.as_bytes()), Err(XmlError::TooMany("elements")));
        let wide: String = (0..=ATTRIBUTES_MAX).map(|at| format!(" a{at}=''")).collect();
        assert_eq!(
            Element::parse_any(format!("<x{wide}/>").as_bytes()),
            Err(XmlError::TooMany("attributes"))
        );
        assert_eq!(Element::parse_any(&[b' '; DOCUMENT_BYTES_MAX + 1]), Err(XmlError::TooMany("bytes")));
    }

    #[test]
    fn what_is_not_one_whole_element_is_refused() {
        for document in [
            "",
            "text",
            "<x>",
            "<x></y>",
            "</x>",
            "<x/><x/>",
            "<x/>text",
            "<x a='1' a='2'/>",
            "<x a=1/>",
            "<x>&#0;</x>",
            "<x>&#1;</x>",
            "<x>\u{1}</x>",
            "<x>&</x>",
            "<x",
            "<?xml version='1.0'?>",
        ] {
            assert!(Element::parse_any(document.as_bytes()).is_err(), "{document}");
        }
        assert!(Element::parse_any(b"<x>\xff</x>").is_err());
        let gbk = b"<?xml version='1.0' encoding='GBK'?><x>\xc4\xe3</x>";
        let error = Element::parse_any(gbk).unwrap_err();
        assert_eq!(error.to_string(), "XML is not well-formed: it is in GBK, and not in UTF-8");
    }

    proptest! {
        #[test]
        fn any_text_and_attribute_read_back(text in "(\\PC|[<>&\"'\t\n\r\u{1}\u{ffff}])*", value in "(\\PC|[<>&\"'\t\n\r\u{1}])*") {
            let mut writer = Writer::new();
            writer.open("x", &[("k", &value)]).text("y", &[], &text).empty("z", &[]);
            let root = Element::parse(writer.finish().as_bytes(), "x").unwrap();
            let kept = |text: &str| text.chars().filter(|c| is_xml_character(*c)).collect::<String>();
            let (text, value) = (kept(&text), kept(&value));
            prop_assert_eq!(root.attribute("k"), Some(value.as_str()));
            prop_assert_eq!(root.child("y").unwrap().text(), text.trim());
        }

        #[test]
        fn any_bytes_are_read_or_refused(text in "([<>/&;=\"'!?x-]|\\[CDATA\\[|\\]\\]|&#x|\\PC)*") {
            let one = Element::parse_any(text.as_bytes());
            let several = Element::parse_forest(text.as_bytes(), DOCUMENT_BYTES_MAX);
            prop_assert!(one.is_err() || several.map(|forest| forest.children) == one.map(|root| vec![root]));
        }
    }
}
