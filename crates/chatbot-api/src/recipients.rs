//! Lists of recipients as CSV (RFC 4180), read piece by piece as they arrive, in memory of a fixed size.
//!
//! The first line names the columns: one of them `number`, the others variables of the template. Every other line is one
//! recipient. Separators are commas, or semicolons or tabs if the first line has those instead; a byte order mark is skipped;
//! empty lines are no recipients. What is wrong with a line is told with its number, and the lines after it are read all the same.
//!
//! A list is UTF-8, or UTF-16 if it begins with the mark of that, or in the character set that the caller names: spreadsheets in
//! China write GBK, which cannot be told from other sets for sure.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8};
use rcs::address::{Address, AddressKind, Numbering};
use serde_json::{Map, Value};

use crate::Template;
use crate::template::MAX_VARIABLES;

/// Names of the column with the numbers, of which one must be there; the first is the documented one.
pub const NUMBER_COLUMNS: [&str; 4] = ["number", "phone", "msisdn", "to"];

/// Longest line, in bytes of its fields.
pub const LINE_BYTES_MAX: usize = 16 << 10;

/// Bytes that are decoded at once.
const PIECE_BYTES: usize = 8 << 10;

/// What is said of a list in another character set than it should be.
const NO_UTF_8: &str =
    "not UTF-8; save the list as \"CSV UTF-8\", or say in which character set it is (charset=gb18030)";

/// One recipient of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Whom.
    pub to: Address,
    /// The template's variables in their order ([`Template::values`]).
    pub values: Vec<String>,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct LineError {
    /// From 1; the line on which the row begins, if it has several.
    pub line: u64,
    /// The column and what is wrong, such as `price: missing`.
    pub what: String,
}

/// A list that cannot be read at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// The first line does not name the columns as it should.
    #[error("line 1: {0}")]
    Header(String),
    /// A line is too long, so that nothing after it can be told apart.
    #[error("line {line}: longer than {LINE_BYTES_MAX} bytes, or of more than {} columns; is a quote not closed?", MAX_VARIABLES + 1)]
    LineTooLong {
        /// From 1.
        line: u64,
    },
}

/// Reads a list for a template.
pub struct ListReader<'t> {
    template: &'t Template,
    numbering: &'t Numbering,
    decoder: Decoder,
    reader: Reader,
    /// Text before the end of the first line: the separator is not known before.
    begin: Option<Vec<u8>>,
    /// The fields of the line that is being read, and where they end.
    fields: Box<[u8]>,
    ends: [usize; MAX_VARIABLES + 1],
    fields_len: usize,
    ends_len: usize,
    /// Which column has the number, and which variable each of the others.
    columns: Option<Columns>,
}

struct Columns {
    number: usize,
    names: Vec<String>,
}

impl<'t> ListReader<'t> {
    /// A reader before the first byte.
    pub fn new(template: &'t Template, numbering: &'t Numbering) -> Self {
        Self {
            template,
            numbering,
            decoder: UTF_8.new_decoder(),
            reader: Reader::new(),
            begin: Some(Vec::new()),
            fields: vec![0; LINE_BYTES_MAX].into_boxed_slice(),
            ends: [0; MAX_VARIABLES + 1],
            fields_len: 0,
            ends_len: 0,
            columns: None,
        }
    }

    /// For a list in the character set of this name (WHATWG Encoding: `gbk`, `gb18030`, `big5`); `None` if there is no such set.
    pub fn in_charset(self, name: &str) -> Option<Self> {
        let decoder = Encoding::for_label(name.as_bytes())?.new_decoder();
        Some(Self { decoder, ..self })
    }

    /// Takes the next bytes of the list, and gives the rows that they end to `each`.
    ///
    /// # Errors
    /// If nothing further can be read.
    pub fn push(
        &mut self,
        bytes: &[u8],
        mut each: impl FnMut(Result<Row, LineError>),
    ) -> Result<(), ListError> {
        self.decode(bytes, false, &mut each)
    }

    /// The list has ended; a last line need not end itself.
    ///
    /// # Errors
    /// If the list has no first line, or the last line is too long.
    pub fn finish(mut self, mut each: impl FnMut(Result<Row, LineError>)) -> Result<(), ListError> {
        self.decode(&[], true, &mut each)?;
        if self.begin.is_some() {
            self.begin_with(&mut each)?;
        }
        // An empty input tells the reader that there is no more.
        self.read(&[], &mut each)?;
        match self.columns {
            Some(_) => Ok(()),
            None => Err(ListError::Header(
                "the list is empty; it begins with a line that names the columns".to_owned(),
            )),
        }
    }

    /// Reads the bytes as text. What is none becomes U+FFFD, by which the rows that have it are known.
    fn decode(
        &mut self,
        mut bytes: &[u8],
        is_last: bool,
        each: &mut impl FnMut(Result<Row, LineError>),
    ) -> Result<(), ListError> {
        let mut piece = [0; PIECE_BYTES];
        loop {
            let (result, read, written, _) = self.decoder.decode_to_utf8(bytes, &mut piece, is_last);
            bytes = &bytes[read..];
            self.take(&piece[..written], each)?;
            if result == CoderResult::InputEmpty {
                return Ok(());
            }
        }
    }

    fn take(&mut self, text: &[u8], each: &mut impl FnMut(Result<Row, LineError>)) -> Result<(), ListError> {
        let Some(begin) = &mut self.begin else {
            // An empty input would be taken for the end.
            return if text.is_empty() { Ok(()) } else { self.read(text, each) };
        };
        begin.extend_from_slice(text);
        match begin.contains(&b'\n') {
            true => self.begin_with(each),
            false if begin.len() > LINE_BYTES_MAX => Err(ListError::LineTooLong { line: 1 }),
            false => Ok(()),
        }
    }

    /// Chooses the separator by the first line, and reads what is there.
    fn begin_with(&mut self, each: &mut impl FnMut(Result<Row, LineError>)) -> Result<(), ListError> {
        let text = self.begin.take().unwrap_or_default();
        let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let separator = [b',', b';', b'\t'].into_iter().find(|separator| first.contains(separator));
        self.reader = ReaderBuilder::new().delimiter(separator.unwrap_or(b',')).build();
        self.take(&text, each)
    }

    fn read(
        &mut self,
        mut bytes: &[u8],
        each: &mut impl FnMut(Result<Row, LineError>),
    ) -> Result<(), ListError> {
        loop {
            let (result, read, written, ended) = self.reader.read_record(
                bytes,
                &mut self.fields[self.fields_len..],
                &mut self.ends[self.ends_len..],
            );
            let last = bytes[..read].last().copied();
            bytes = &bytes[read..];
            self.fields_len += written;
            self.ends_len += ended;
            match result {
                ReadRecordResult::InputEmpty => return Ok(()),
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    return Err(ListError::LineTooLong { line: self.row_line(None) });
                }
                ReadRecordResult::Record => {
                    self.row(self.row_line(last), each)?;
                    (self.fields_len, self.ends_len) = (0, 0);
                    if bytes.is_empty() {
                        return Ok(());
                    }
                }
                ReadRecordResult::End => return Ok(()),
            }
        }
    }

    /// The line on which the row begins that is being read, or that has just ended with the byte `last`: of `\r\n` the second
    /// is read with the row after it.
    fn row_line(&self, last: Option<u8>) -> u64 {
        let within = self.fields[..self.fields_len].iter().filter(|byte| **byte == b'\n').count();
        self.reader.line() - within as u64 - u64::from(last == Some(b'\n'))
    }

    /// A row is whole.
    fn row(&mut self, line: u64, each: &mut impl FnMut(Result<Row, LineError>)) -> Result<(), ListError> {
        let mut begin = 0;
        let fields = self.ends[..self.ends_len].iter().map(|end| {
            let field = &self.fields[begin..*end];
            begin = *end;
            std::str::from_utf8(field).ok().map(str::trim).filter(|field| !field.contains('\u{fffd}'))
        });
        let fields: Option<Vec<&str>> = fields.collect();
        match (&self.columns, fields) {
            (None, Some(fields)) => self.columns = Some(Columns::read(&fields, self.template)?),
            (None, None) => return Err(ListError::Header(self.no_text())),
            (Some(columns), Some(fields)) => {
                let row = columns.row(&fields, self.template, self.numbering);
                each(row.map_err(|what| LineError { line, what }));
            }
            (Some(_), None) => each(Err(LineError { line, what: self.no_text() })),
        }
        Ok(())
    }

    /// What is wrong with a row that is no text.
    fn no_text(&self) -> String {
        match self.decoder.encoding() {
            utf_8 if utf_8 == UTF_8 => NO_UTF_8.to_owned(),
            other => format!("not {}, in which the list should be", other.name()),
        }
    }
}

impl Columns {
    fn read(fields: &[&str], template: &Template) -> Result<Self, ListError> {
        let header = |what: String| Err(ListError::Header(what));
        let is_number = |field: &&str| NUMBER_COLUMNS.iter().any(|name| name.eq_ignore_ascii_case(field));
        let Some(number) = fields.iter().position(is_number) else {
            return header(format!("no column is called {}", NUMBER_COLUMNS[0]));
        };
        for (index, field) in fields.iter().enumerate().filter(|(index, _)| *index != number) {
            if fields[..index].contains(field) {
                return header(format!("two columns are called {}", clip(field)));
            }
            if !template.variables.iter().any(|variable| variable.name == *field) {
                return header(format!("{:?} is no variable of the template", clip(field)));
            }
        }
        let is_missing =
            |name: &str| !fields.iter().enumerate().any(|(at, field)| at != number && *field == name);
        let missing = template.variables.iter().find(|one| one.is_required() && is_missing(&one.name));
        match missing {
            Some(variable) => {
                header(format!("no column is called {}, which the template needs", variable.name))
            }
            None => Ok(Self { number, names: fields.iter().map(|field| (*field).to_owned()).collect() }),
        }
    }

    fn row(&self, fields: &[&str], template: &Template, numbering: &Numbering) -> Result<Row, String> {
        if fields.len() != self.names.len() {
            return Err(format!("{} columns where {} belong", fields.len(), self.names.len()));
        }
        let to = numbering
            .address(fields[self.number])
            .ok()
            .filter(|address| address.kind() == AddressKind::Subscriber)
            .ok_or_else(|| {
                format!("{}: {:?} is no phone number", self.names[self.number], clip(fields[self.number]))
            })?;
        let others = self.names.iter().zip(fields).enumerate().filter(|(index, _)| *index != self.number);
        let given: Map<String, Value> = others
            .map(|(_, (name, field))| (name.clone(), Value::String(field.replace("\r\n", "\n"))))
            .collect();
        let values = template.values("", given).map_err(|violations| {
            let all: Vec<String> =
                violations.iter().map(|one| one.to_string().trim_start_matches('.').to_owned()).collect();
            all.join("; ")
        })?;
        Ok(Row { to, values })
    }
}

fn clip(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcs::bot::Limits;

    use super::*;

    fn template() -> Template {
        let json = br#"{
            "variables": [
                { "name": "train", "type": "text", "maxChars": 20 },
                { "name": "price", "type": "money", "currency": "CNY", "default": "0" }
            ],
            "content": { "text": "{{train}}: {{price}}" }
        }"#;
        Template::parse(json, &Limits::RCC07).unwrap()
    }

    type Read = (Vec<Result<Row, LineError>>, Result<(), ListError>);

    fn read_in_pieces(bytes: &[u8], size: usize) -> Read {
        let (template, numbering) = (template(), Numbering::new("CN", "hongyan.local"));
        let mut reader = ListReader::new(&template, &numbering);
        let mut rows = Vec::new();
        for piece in bytes.chunks(size.max(1)) {
            if let Err(error) = reader.push(piece, |row| rows.push(row)) {
                return (rows, Err(error));
            }
        }
        let end = reader.finish(|row| rows.push(row));
        (rows, end)
    }

    fn row(number: &str, train: &str, price: &str) -> Result<Row, LineError> {
        Ok(Row { to: Address::subscriber(number).unwrap(), values: vec![train.to_owned(), price.to_owned()] })
    }

    fn wrong(line: u64, what: &str) -> Result<Row, LineError> {
        Err(LineError { line, what: what.to_owned() })
    }

    #[test]
    fn a_list_is_read_and_bad_lines_are_named() {
        let list = "\u{feff}number,train,price\r\n+8613800000001,G1,553\r\n\r\n13800000002,\"G2, \"\"fast\"\"\n(express)\",\
                    \n+8613800000003,,1\nnobody,G4,1\n+8613800000005,G5,1.234\n+8613800000006,G6\n+8613800000007,G7,7";
        let (rows, end) = read_in_pieces(list.as_bytes(), list.len());
        assert_eq!(end, Ok(()));
        let expected = [
            row("+8613800000001", "G1", "¥553.00"),
            row("+8613800000002", "G2, \"fast\"\n(express)", "¥0.00"),
            wrong(6, "train: missing"),
            wrong(7, "number: \"nobody\" is no phone number"),
            wrong(8, "price: \"1.234\" is no number with at most 2 decimals"),
            wrong(9, "2 columns where 3 belong"),
            row("+8613800000007", "G7", "¥7.00"),
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn lines_are_counted_however_they_end() {
        let rows = "number,train\n+8613800000001,\"G1\n(a)\"\nnobody,G2\n\n+8613800000003\n\"+8613800000004\",\"\"\n1,2";
        let lines = |list: &str, size| -> Vec<u64> {
            let (rows, end) = read_in_pieces(list.as_bytes(), size);
            assert_eq!(end, Ok(()));
            rows.into_iter().filter_map(|row| row.err().map(|error| error.line)).collect()
        };
        for size in [1, 2, 7, 1_000] {
            assert_eq!(lines(rows, size), [4, 6, 7, 8], "{size}");
            assert_eq!(lines(&rows.replace('\n', "\r\n"), size), [4, 6, 7, 8], "{size}");
        }
        let open = format!(
            "number,train\r\n+8613800000001,G1\r\n+8613800000002,\"{}",
            "x\r\n".repeat(LINE_BYTES_MAX)
        );
        assert_eq!(read_in_pieces(open.as_bytes(), 1000).1, Err(ListError::LineTooLong { line: 3 }));
    }

    #[test]
    fn spreadsheets_write_other_character_sets() {
        let (template, numbering) = (template(), Numbering::new("CN", "hongyan.local"));
        let list = "number,train\r\n+8613800000001,高铁\r\n+8613800000002,G2\r\n";
        let utf_16 = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
            "\u{feff}".encode_utf16().chain(list.replace(',', "\t").encode_utf16()).flat_map(bytes).collect()
        };
        let gbk = encoding_rs::GBK.encode(list).0.into_owned();
        let read = |bytes: &[u8], charset: Option<&str>| {
            let mut reader = ListReader::new(&template, &numbering);
            if let Some(charset) = charset {
                reader = reader.in_charset(charset).unwrap();
            }
            let mut rows = Vec::new();
            let mut end = bytes.chunks(3).try_for_each(|piece| reader.push(piece, |row| rows.push(row)));
            if end.is_ok() {
                end = reader.finish(|row| rows.push(row));
            }
            (rows, end)
        };
        let expected = vec![row("+8613800000001", "高铁", "¥0.00"), row("+8613800000002", "G2", "¥0.00")];
        for (bytes, charset) in [
            (list.as_bytes().to_vec(), None),
            (utf_16(u16::to_le_bytes), None),
            (utf_16(u16::to_be_bytes), None),
            (gbk.clone(), Some("gbk")),
            (gbk.clone(), Some("GB18030")),
            (list.as_bytes().to_vec(), Some("utf-8")),
        ] {
            assert_eq!(read(&bytes, charset), (expected.clone(), Ok(())), "{charset:?}");
        }
        // In which set a list is cannot be guessed; the rows that have no need of it are taken.
        assert_eq!(read(&gbk, None), (vec![wrong(2, NO_UTF_8), expected[1].clone()], Ok(())));
        let header = encoding_rs::GBK.encode("手机号,train\r\n").0.into_owned();
        assert_eq!(read(&header, None).1, Err(ListError::Header(NO_UTF_8.to_owned())));
        let cut = [&gbk[..], b"+8613800000003,\xff\n"].concat();
        assert_eq!(read(&cut, Some("gbk")).0.last(), Some(&wrong(4, "not GBK, in which the list should be")));
        assert!(ListReader::new(&template, &numbering).in_charset("ebcdic").is_none());
    }

    #[test]
    fn other_separators_and_column_orders_do() {
        for list in ["train;phone\nG1;+8613800000001\n", "train\tMSISDN\nG1\t+8613800000001"] {
            let (rows, end) = read_in_pieces(list.as_bytes(), 3);
            assert_eq!((rows, end), (vec![row("+8613800000001", "G1", "¥0.00")], Ok(())));
        }
    }

    #[test]
    fn a_first_line_that_is_none_is_refused() {
        for (list, what) in [
            ("", "line 1: the list is empty; it begins with a line that names the columns"),
            ("+8613800000001\n", "line 1: no column is called number"),
            ("number,train,trian\n", "line 1: \"trian\" is no variable of the template"),
            ("number,train,train\n", "line 1: two columns are called train"),
            ("number,price\n", "line 1: no column is called train, which the template needs"),
        ] {
            assert_eq!(read_in_pieces(list.as_bytes(), 100).1.unwrap_err().to_string(), what);
        }
    }

    #[test]
    fn an_open_quote_ends_the_list_and_not_the_memory() {
        let list = format!("number,train\n+8613800000001,\"{}", "x\n".repeat(LINE_BYTES_MAX));
        assert_eq!(read_in_pieces(list.as_bytes(), 1000).1, Err(ListError::LineTooLong { line: 2 }));
        let list = "x".repeat(LINE_BYTES_MAX + 1);
        assert_eq!(read_in_pieces(list.as_bytes(), 1000).1, Err(ListError::LineTooLong { line: 1 }));
        let list = format!("number,train\n1{}\n", ",".repeat(100));
        assert_eq!(read_in_pieces(list.as_bytes(), 1000).1, Err(ListError::LineTooLong { line: 2 }));
    }

    proptest! {
        #[test]
        fn how_a_list_is_cut_changes_nothing(
            lines in prop::collection::vec("[a-z0-9+,;\"\r\n字]{0,12}", 0..8),
            size in 1usize..20,
        ) {
            let list = format!("number,train\n{}", lines.join("\n"));
            prop_assert_eq!(read_in_pieces(list.as_bytes(), size), read_in_pieces(list.as_bytes(), list.len()));
        }

        #[test]
        fn what_a_spreadsheet_writes_is_read(trains in prop::collection::vec("[^\\p{Cc}\u{fffd}]{1,20}", 1..20)) {
            let trains: Vec<&str> = trains.iter().map(|train| train.trim()).filter(|train| !train.is_empty()).collect();
            let mut list = "number,train\r\n".to_owned();
            for (at, train) in trains.iter().enumerate() {
                list.push_str(&format!("+86138{at:08},\"{}\"\r\n", train.replace('"', "\"\"")));
            }
            let (rows, end) = read_in_pieces(list.as_bytes(), 7);
            prop_assert_eq!(end, Ok(()));
            let expected: Vec<_> =
                trains.iter().enumerate().map(|(at, train)| row(&format!("+86138{at:08}"), train, "¥0.00")).collect();
            prop_assert_eq!(rows, expected);
        }
    }
}
