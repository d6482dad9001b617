//! Keys of service accounts: made here, shown once, and only the public half kept.

use chatbot_api::bearer::key_id;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use rcs::Timestamp;
use rsa::PrivateKey;
use rsa::pkcs1::EncodeRsaPublicKey as _;
use rsa::pkcs8::{EncodePrivateKey as _, LineEnding};
use store::PublicKey;

/// What the client libraries that read key files sign with.
const BITS: usize = 2048;

/// A new key.
pub struct ServiceKey {
    /// To keep.
    pub public: PublicKey,
    /// To show: PKCS #8 in PEM.
    pub private_pem: String,
}

/// Draws a key, which takes a good part of a second: not on a thread that others wait for.
///
/// # Panics
/// If the system has no random numbers.
pub fn draw(now: Timestamp) -> ServiceKey {
    let private = PrivateKey::new(&mut UnwrapErr(SysRng), BITS).expect("2048 is a size that keys have");
    let der = private.to_public_key().to_pkcs1_der().expect("a public key has a DER form").into_vec();
    let pem = private.to_pkcs8_pem(LineEnding::LF).expect("a private key has a PEM form");
    ServiceKey { public: PublicKey { id: key_id(&der), der, created_at: now }, private_pem: pem.to_string() }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
    use chatbot_api::rbm::jwt::Jwt;
    use ring::rand::SystemRandom;
    use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};

    use super::*;

    #[test]
    fn what_the_private_half_signs_the_public_half_knows() {
        let key = draw(Timestamp::EPOCH);
        assert!(key.private_pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
        assert_eq!(key.public.id.len(), 40);
        let lines: String = key.private_pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let private = RsaKeyPair::from_pkcs8(&BASE64_STANDARD.decode(lines).unwrap()).unwrap();
        let part = |json: &str| BASE64_URL_SAFE_NO_PAD.encode(json);
        let claims = r#"{"iss":"weather@botplatform.hongyan.local","iat":1795530805,"exp":1795534405}"#;
        let signed = format!("{}.{}", part(r#"{"alg":"RS256"}"#), part(claims));
        let mut signature = vec![0; private.public().modulus_len()];
        private.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        let token = format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature));
        let jwt = Jwt::parse(&token).unwrap();
        assert!(jwt.is_signed_by(&key.public.der));
        assert!(!jwt.is_signed_by(&draw(Timestamp::EPOCH).public.der));
    }
}
