//! Media types and their parameters, and the ids of peers: any text is taken apart or has nothing.

mod rcs_seeds;

use bolero::check;
use rcs::{content_type, ids};

const SEEDS: &[&str] =
    &["multipart/mixed; boundary=\"a;b\\\"c\";charset=utf-8", "text/*;q=0.5, message/cpim *"];

#[test]
fn rcs_content_type() {
    check!().for_each(|recipe: &[u8]| {
        let text = rcs_seeds::mutated_text(SEEDS, recipe);
        assert!(content_type::is(&text, content_type::essence(&text)));
        if let Some(value) = content_type::parameter(&text, "boundary") {
            assert!(value.len() <= text.len());
        }
        _ = content_type::is_accepted(&text, "message/cpim");
        assert!(!ids::is_valid(&text) || text.len() <= ids::ID_BYTES_MAX);
    });
}
