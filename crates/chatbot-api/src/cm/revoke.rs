//! `PUT …/requests/{messageId}/status`: takes a message back. The body is `messageStatusReport{address, status}`; what came of
//! it is pushed ([`super::push::revoked`]).

use rcs::{Address, address::Numbering};

use super::{RequestError, error::Exception, send::Document};
use crate::read;

/// Who is to lose the message: the `address` of the body. `status` must ask for a revoke if it is there.
pub fn parse(body: &[u8], numbering: &Numbering) -> Result<Address, RequestError> {
    let document = Document::parse(body)?;
    if document.text("status").is_some_and(|status| !status.eq_ignore_ascii_case("RevokeRequested")) {
        return Err(RequestError::invalid("status", "not RevokeRequested"));
    }
    let address = document.text("address").or_else(|| document.text("destinationAddress"));
    let address = address.ok_or_else(|| RequestError::invalid("address", "missing"))?;
    read::user(address, numbering)
        .ok_or_else(|| RequestError::new(400, Exception::NoValidAddress, "address: no phone number"))
}
