//! The key file of a service account: what client libraries read to speak as an agent. Made once, with the private key in
//! it; we keep the public one.

use rcs::{Address, address::Numbering};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use super::account;

/// The key file, members in the order in which they are usually written.
#[derive(Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ServiceAccountKeyFile)]
pub struct KeyFile {
    /// `service_account`
    pub r#type: &'static str,
    /// A name for the deployment.
    pub project_id: String,
    /// Names the key: tokens say in `kid` which one signed them.
    pub private_key_id: String,
    /// PKCS #8 in PEM.
    pub private_key: String,
    /// The account: `iss` of its tokens.
    pub client_email: String,
    /// Twenty-one digits that stand for the account.
    pub client_id: String,
    /// Where people would log in; libraries want it to be there.
    pub auth_uri: String,
    /// Where tokens are exchanged.
    pub token_uri: String,
    /// Where certificates would be; libraries want it to be there.
    pub auth_provider_x509_cert_url: String,
    /// As above.
    pub client_x509_cert_url: String,
    /// The domain that libraries think themselves in: without this one they refuse to work with the usual host names.
    pub universe_domain: &'static str,
}

impl std::fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyFile")
            .field("private_key_id", &self.private_key_id)
            .field("client_email", &self.client_email)
            .finish_non_exhaustive()
    }
}

impl KeyFile {
    /// The file for `chatbot`. `private_key` is PKCS #8 in PEM, `public_url` our root without a slash at the end.
    pub fn new(
        chatbot: &Address,
        numbering: &Numbering,
        public_url: &str,
        key_id: &str,
        private_key: &str,
    ) -> Self {
        let email = account(chatbot);
        Self {
            r#type: "service_account",
            project_id: numbering.domain.replace('.', "-"),
            private_key_id: key_id.to_owned(),
            private_key: private_key.to_owned(),
            client_email: email.to_owned(),
            client_id: client_id(email),
            auth_uri: format!("{public_url}/o/oauth2/auth"),
            token_uri: format!("{public_url}/token"),
            auth_provider_x509_cert_url: format!("{public_url}/oauth2/v1/certs"),
            client_x509_cert_url: format!(
                "{public_url}/robot/v1/metadata/x509/{}",
                email.replace('@', "%40")
            ),
            universe_domain: "googleapis.com",
        }
    }
}

fn client_id(email: &str) -> String {
    let hash = Sha256::digest(email);
    let number = hash.iter().take(8).fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    format!("1{number:020}")
}
