//! Credentials from any bytes: nothing panics, and nothing but the password opens.

use std::time::Duration;

use sip::Uri;
use sip::digest::{Authorization, Challenge, Ha1s, NonceCounter, Verifier};

const NOW: Duration = Duration::from_secs(1_795_000_000);

#[test]
fn sip_digest_garbage() {
    bolero::check!().with_type::<(Vec<u8>, String)>().for_each(|(bytes, text)| {
        let _ = (Authorization::parse(bytes), Challenge::parse(bytes));
        let value = format!(
            "Digest username=\"a\", realm=\"r\", nonce=\"{text}\", uri=\"sip:h\", response=\"{text}\""
        );
        let Ok(authorization) = Authorization::parse(value.as_bytes()) else {
            return;
        };
        let verifier = Verifier::new("r", [1; 32], Duration::from_secs(300));
        let uri = Uri::parse("sip:h").expect("a URI");
        let stored = Ha1s::of("a", "r", "secret");
        let mut seen = NonceCounter::new(10, NOW);
        assert!(verifier.verify(NOW, &authorization, "REGISTER", &uri, Some(&stored), &mut seen).is_err());
    });
}

/// An answer opens if and only if its password is right and its count rises.
#[test]
fn sip_digest_counts() {
    bolero::check!().with_type::<Vec<(u8, u8, bool)>>().for_each(|attempts| {
        let verifier = Verifier::new("r", [1; 32], Duration::from_secs(300));
        let stored = Ha1s::of("a", "r", "secret");
        let uri = Uri::parse("sip:h").expect("a URI");
        let mut seen = NonceCounter::new(1000, NOW);
        let mut highest = [0; 4];
        for (salt, count, right) in attempts {
            let (salt, count) = (usize::from(salt % 4), u32::from(*count));
            let offered = verifier.challenges(NOW, salt as u64, false);
            let challenge = Challenge::best(offered.iter().map(|value| value.as_bytes())).expect("an offer");
            let password = if *right { "secret" } else { "guess" };
            let answer = challenge.answer("REGISTER", "sip:h", "a", password, "c", count);
            let authorization = Authorization::parse(answer.as_bytes()).expect("our answer");
            let opened =
                verifier.verify(NOW, &authorization, "REGISTER", &uri, Some(&stored), &mut seen).is_ok();
            assert_eq!(opened, *right && count > highest[salt]);
            if opened {
                highest[salt] = count;
            }
        }
    });
}
