//! Lists of recipients as CSV (RFC 4180), read piece by piece as they arrive, in memory of a fixed size.
//!
//! The first line names the columns: one of them `number`, the others variables of the template. Every other line is one
//! recipient. Separators are commas, or semicolons or tabs if the first line has those instead; a byte order mark is skipped;
//! empty lines are no recipients. What is wrong with a line is told with its number, and the lines after it are read all the same.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use rcs::address::{Address, AddressKind, Numbering};
use serde_json::{Map, Value};

use crate::Template;
use crate::template::MAX_VARIABLES;

/// Names of the column with the numbers, of which one must be there; the first is the documented one.
pub const NUMBER_COLUMNS: [&str; 4] = ["number", "phone", "msisdn", "to"];

/// Longest line, in bytes of its fields.
pub const LINE_BYTES_MAX: usize = 16 << 10;

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
    reader: Reader,
    /// Bytes before the end of the first line: the separator is not known before.
    begin: Option<Vec<u8>>,
    /// The fields of the line that is being read, and where they end.
    fields: Box<[u8]>,
    ends: [usize; MAX_VARIABLES + 1],
    fields_len: usize,
    ends_len: usize,
    /// The line on which the row that is being read begins.
    row_line: u64,
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
            reader: Reader::new(),
            begin: Some(Vec::new()),
            fields: vec![0; LINE_BYTES_MAX].into_boxed_slice(),
            ends: [0; MAX_VARIABLES + 1],
            fields_len: 0,
            ends_len: 0,
            row_line: 1,
            columns: None,
        }
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
        if let Some(begin) = &mut self.begin {
            begin.extend_from_slice(bytes);
            if !begin.contains(&b'\n') {
                return if begin.len() > LINE_BYTES_MAX {
                    Err(ListError::LineTooLong { line: 1 })
                } else {
                    Ok(())
                };
            }
            return self.begin_with(&mut each);
        }
        self.read(bytes, &mut each)
    }

    /// The list has ended; a last line need not end itself.
    ///
    /// # Errors
    /// If the list has no first line, or the last line is too long.
    pub fn finish(mut self, mut each: impl FnMut(Result<Row, LineError>)) -> Result<(), ListError> {
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

    /// Chooses the separator by the first line, and reads what is there.
    fn begin_with(&mut self, each: &mut impl FnMut(Result<Row, LineError>)) -> Result<(), ListError> {
        let bytes = self.begin.take().unwrap_or_default();
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let separator = [b',', b';', b'\t'].into_iter().find(|separator| first.contains(separator));
        self.reader = ReaderBuilder::new().delimiter(separator.unwrap_or(b',')).build();
        // An empty input would be taken for the end.
        if text.is_empty() { Ok(()) } else { self.read(text, each) }
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
            bytes = &bytes[read..];
            self.fields_len += written;
            self.ends_len += ended;
            match result {
                ReadRecordResult::InputEmpty => return Ok(()),
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    return Err(ListError::LineTooLong { line: self.row_line });
                }
                ReadRecordResult::Record => {
                    self.row(each)?;
                    (self.fields_len, self.ends_len) = (0, 0);
                    self.row_line = self.reader.line();
                    if bytes.is_empty() {
                        return Ok(());
                    }
                }
                ReadRecordResult::End => return Ok(()),
            }
        }
    }

    /// A row is whole.
    fn row(&mut self, each: &mut impl FnMut(Result<Row, LineError>)) -> Result<(), ListError> {
        let line = self.row_line;
        let mut begin = 0;
        let fields = self.ends[..self.ends_len].iter().map(|end| {
            let field = &self.fields[begin..*end];
            begin = *end;
            std::str::from_utf8(field).map(str::trim)
        });
        let fields: Result<Vec<&str>, _> = fields.collect();
        match (&self.columns, fields) {
            (None, Ok(fields)) => self.columns = Some(Columns::read(&fields, self.template)?),
            (None, Err(_)) => return Err(ListError::Header("no UTF-8".to_owned())),
            (Some(columns), Ok(fields)) => {
                let row = columns.row(&fields, self.template, self.numbering);
                each(row.map_err(|what| LineError { line, what }));
            }
            (Some(_), Err(_)) => each(Err(LineError { line, what: "no UTF-8".to_owned() })),
        }
        Ok(())
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
        let given: Map<String, Value> =
            others.map(|(_, (name, field))| (name.clone(), Value::String((*field).to_owned()))).collect();
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
        fn what_a_spreadsheet_writes_is_read(trains in prop::collection::vec("[^\\p{Cc}]{1,20}", 1..20)) {
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
