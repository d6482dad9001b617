//! Upload forms: in how many pieces one arrives makes no difference, and nothing but a beginning of a delimiter is held back.

mod rcs_seeds;

use bolero::check;
use bytes::Bytes;
use rcs::file_transfer::form::{Event, Field, Form};
use rcs::multipart::MultipartError;

const SEEDS: &[&[u8]] = &[
    include_bytes!("../../fixtures/rcs/file-transfer/upload.form"),
    include_bytes!("../../fixtures/rcs/file-transfer/upload-untidy.form"),
];

/// Fields with their bodies, as far as they came.
type Fields = Vec<(Field, Vec<u8>)>;

/// The fields, and how it ended.
fn read(body: &[u8], piece_bytes: usize) -> (Fields, Result<bool, MultipartError>) {
    let mut form = Form::new("multipart/form-data;boundary=\"Boundary+1\"").expect("a boundary");
    let mut fields = Fields::new();
    for piece in body.chunks(piece_bytes) {
        form.handle(Bytes::copy_from_slice(piece));
        loop {
            match form.poll_event() {
                Ok(Some(Event::Part(part))) => fields.push((Field::of(&part), Vec::new())),
                Ok(Some(Event::Data(data))) => fields.last_mut().expect("a part").1.extend_from_slice(&data),
                Ok(Some(Event::End)) => assert!(form.is_complete()),
                Ok(None) => break,
                Err(error) => return (fields, Err(error)),
            }
        }
    }
    (fields, Ok(form.is_complete()))
}

#[test]
fn rcs_upload_form() {
    check!().for_each(|recipe: &[u8]| {
        let body = rcs_seeds::mutated(SEEDS, recipe);
        let (whole, ended) = read(&body, usize::MAX);
        let (pieces, ended_in_pieces) = read(&body, 1 + recipe.len() % 11);
        match (ended, ended_in_pieces) {
            (Ok(_), _) => assert_eq!((pieces, ended_in_pieces), (whole, ended)),
            (Err(_), in_pieces) => assert!(in_pieces.is_err()),
        }
    });
}
