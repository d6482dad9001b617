//! `PUT …/requests/{messageId}/status`: takes a message back. The body is `messageStatusReport{address, status}`; what came of
//! it is pushed ([`super::push::revoked`]).

use rcs::{Address, address::Numbering};

use super::{
    RequestError,
    error::Exception,
    send::{self, Document},
};

/// Who is to lose the message: the `address` of the body, or the several that stand there. `status` must ask for a revoke if it is
/// there.
///
/// # Errors
/// One of them is no phone number: then nobody loses it.
pub fn parse(body: &[u8], numbering: &Numbering) -> Result<Vec<Address>, RequestError> {
    let document = Document::parse(body)?;
    if document.text("status").is_some_and(|status| !status.eq_ignore_ascii_case("RevokeRequested")) {
        return Err(RequestError::invalid("status", "not RevokeRequested"));
    }
    match send::destinations(&document, numbering)? {
        (users, impossible) if impossible.is_empty() => Ok(users),
        (_, impossible) => {
            let text = format!("address: no phone number: {}", impossible.join(", "));
            Err(RequestError::new(400, Exception::NoValidAddress, text))
        }
    }
}
