//! URIs from any text: nothing panics, and equivalence behaves like one.

use sip::Uri;
use sip::uri::{percent_decode, percent_encode_user};

#[test]
fn sip_uri() {
    bolero::check!().with_type::<(String, String)>().for_each(|(one, other)| {
        for (one, other) in [(one.clone(), other.clone()), (format!("sip:{one}"), format!("sip:{other}"))] {
            let (Ok(one), Ok(other)) = (Uri::parse(&one), Uri::parse(&other)) else {
                continue;
            };
            assert_eq!(one.is_equivalent(&other), other.is_equivalent(&one));
            let _ = (one.user_name(), one.user_params().iter().count(), one.gruu(), one.is_phone());
        }
    });
}

#[test]
fn sip_uri_user_part() {
    bolero::check!().with_type::<String>().for_each(|user| {
        let encoded = percent_encode_user(user);
        assert_eq!(percent_decode(&encoded), user.as_str());
        let text = format!("sip:{encoded}@hongyan.local;user=phone");
        match Uri::parse(&text) {
            Ok(uri) => assert_eq!(
                (uri.host(), percent_decode(uri.user().unwrap_or_default())),
                ("hongyan.local", user.into())
            ),
            Err(error) => assert!(user.is_empty(), "{text}: {error}"),
        }
    });
}
