//! Digest against published examples, and the stories of a nonce.

use std::time::Duration;

use sip::Uri;
use sip::digest::{Algorithm, Authorization, Challenge, Denied, Ha1s, NonceCounter, Target, Verifier};

const NOW: Duration = Duration::from_secs(1_795_000_000);
const LIFE: Duration = Duration::from_secs(300);

struct Scene {
    verifier: Verifier,
    stored: Ha1s,
    seen: NonceCounter,
}

impl Scene {
    fn new() -> Self {
        Scene {
            verifier: Verifier::new("hongyan.local", [1; 32], LIFE),
            stored: Ha1s::of("alice", "hongyan.local", "wonderland"),
            seen: NonceCounter::new(100, NOW),
        }
    }

    fn challenge(&self, algorithm: Algorithm, salt: u64) -> Challenge {
        let offered = self.verifier.challenges(NOW, salt, false);
        let chosen = offered.iter().filter_map(|value| Challenge::parse(value.as_bytes()));
        chosen.into_iter().find(|challenge| challenge.algorithm == algorithm).expect("both are offered")
    }

    fn verify(&mut self, now: Duration, answer: &str) -> Result<(), Denied> {
        let authorization = Authorization::parse(answer.as_bytes()).expect(answer);
        let uri = Uri::parse("sip:hongyan.local").expect("a URI");
        self.verifier.verify(now, &authorization, "REGISTER", &uri, Some(&self.stored), &mut self.seen)
    }
}

fn answer(challenge: &Challenge, password: &str, nc: u32) -> String {
    challenge.answer("REGISTER", "sip:hongyan.local", "alice", password, "c0ffee", nc)
}

#[test]
fn the_examples_of_rfc_7616_and_2617_come_out() {
    let challenge = |algorithm: &str| {
        let value = format!(
            "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
             nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
        );
        let challenge = Challenge::parse(value.as_bytes()).unwrap();
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        challenge.answer("GET", "/dir/index.html", "Mufasa", "Circle of Life", cnonce, 1)
    };
    assert!(challenge("MD5").contains("response=\"8ca523f5e9506fed4657c9700eebdbec\""));
    assert!(
        challenge("SHA-256")
            .contains("response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\"")
    );
    assert!(challenge("MD5").contains("opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""));
}

#[test]
fn sha_256_is_offered_before_md5_and_either_is_accepted() {
    let mut scene = Scene::new();
    let offered = scene.verifier.challenges(NOW, 1, false);
    assert!(offered[0].contains("algorithm=SHA-256") && offered[1].contains("algorithm=MD5"));
    assert!(offered.iter().all(|value| value.contains("qop=\"auth\"") && !value.contains("stale")));
    for (salt, algorithm) in [(1, Algorithm::Sha256), (2, Algorithm::Md5)] {
        let challenge = scene.challenge(algorithm, salt);
        assert_eq!(scene.verify(NOW, &answer(&challenge, "wonderland", 1)), Ok(()), "{algorithm:?}");
    }
}

#[test]
fn a_wrong_password_and_an_unknown_user_look_alike() {
    let mut scene = Scene::new();
    let challenge = scene.challenge(Algorithm::Sha256, 1);
    assert_eq!(scene.verify(NOW, &answer(&challenge, "guess", 1)), Err(Denied::Wrong));
    let right = answer(&challenge, "wonderland", 1);
    let authorization = Authorization::parse(right.as_bytes()).unwrap();
    let uri = Uri::parse("sip:hongyan.local").unwrap();
    let unknown = scene.verifier.verify(NOW, &authorization, "REGISTER", &uri, None, &mut scene.seen);
    assert_eq!(unknown, Err(Denied::Wrong));
    assert_eq!(Denied::Wrong.challenge_stale(), Some(false));
    assert!(scene.seen.is_empty(), "a failed attempt takes no room");
}

#[test]
fn a_count_must_rise() {
    let mut scene = Scene::new();
    let challenge = scene.challenge(Algorithm::Sha256, 1);
    for (nc, outcome) in [
        (1, Ok(())),
        (1, Err(Denied::Stale)),
        (2, Ok(())),
        (9, Ok(())),
        (8, Err(Denied::Stale)),
        (9, Err(Denied::Stale)),
        (10, Ok(())),
    ] {
        assert_eq!(scene.verify(NOW, &answer(&challenge, "wonderland", nc)), outcome, "nc {nc}");
    }
    let zero = scene.challenge(Algorithm::Sha256, 2);
    assert_eq!(scene.verify(NOW, &answer(&zero, "wonderland", 0)), Err(Denied::Stale));
}

#[test]
fn an_old_nonce_with_the_right_password_is_stale() {
    let mut scene = Scene::new();
    let challenge = scene.challenge(Algorithm::Md5, 1);
    assert_eq!(scene.verify(NOW + LIFE, &answer(&challenge, "wonderland", 1)), Ok(()));
    let late = NOW + LIFE + Duration::from_secs(1);
    assert_eq!(scene.verify(late, &answer(&challenge, "wonderland", 2)), Err(Denied::Stale));
    assert_eq!(scene.verify(late, &answer(&challenge, "guess", 2)), Err(Denied::Wrong));
    let next = scene.verifier.challenges(late, 2, true);
    assert!(Challenge::parse(next[0].as_bytes()).unwrap().stale);
}

#[test]
fn an_http_request_is_named_by_its_path_and_query_or_by_the_whole_url() {
    let mut scene = Scene::new();
    let target = Target::Http("/content/?tid=7&get_upload_info");
    for (salt, (uri, outcome)) in [
        ("/content/?tid=7&get_upload_info", Ok(())),
        ("http://rcs.example:8080/content/?tid=7&get_upload_info", Ok(())),
        ("/content/?tid=8&get_upload_info", Err(Denied::UriMismatch)),
        ("/content/", Err(Denied::UriMismatch)),
        ("http://rcs.example", Err(Denied::UriMismatch)),
        ("", Err(Denied::UriMismatch)),
    ]
    .into_iter()
    .enumerate()
    {
        let challenge = scene.challenge(Algorithm::Sha256, salt as u64);
        let answer = challenge.answer("GET", uri, "alice", "wonderland", "c0ffee", 1);
        let offered = Authorization::parse(answer.as_bytes()).unwrap();
        let stored = Some(&scene.stored);
        let verdict = scene.verifier.verify(NOW, &offered, "GET", target, stored, &mut scene.seen);
        assert_eq!(verdict, outcome, "{uri}");
        let verdict = scene.verifier.verify(NOW, &offered, "PUT", target, stored, &mut scene.seen);
        assert!(verdict.is_err(), "the method counts");
    }
}

#[test]
fn a_forged_nonce_is_never_accepted() {
    let mut scene = Scene::new();
    let genuine = scene.challenge(Algorithm::Sha256, 1);
    let foreign = Verifier::new("hongyan.local", [2; 32], LIFE).challenges(NOW, 1, false);
    let foreign = Challenge::parse(foreign[0].as_bytes()).unwrap();
    let mut swapped = genuine.clone();
    swapped.nonce.replace_range(0..1, if genuine.nonce.starts_with('A') { "B" } else { "A" });
    let mut made_up = genuine.clone();
    made_up.nonce = "abc".to_owned();
    for forged in [foreign, swapped, made_up] {
        assert_eq!(scene.verify(NOW, &answer(&forged, "wonderland", 1)), Err(Denied::Stale));
        assert_eq!(scene.verify(NOW, &answer(&forged, "guess", 1)), Err(Denied::Wrong));
    }
}

#[test]
fn nonces_from_before_a_restart_are_stale() {
    let mut scene = Scene::new();
    let challenge = scene.challenge(Algorithm::Sha256, 1);
    assert_eq!(scene.verify(NOW, &answer(&challenge, "wonderland", 1)), Ok(()));
    scene.seen = NonceCounter::new(100, NOW + Duration::from_secs(1));
    assert_eq!(
        scene.verify(NOW + Duration::from_secs(2), &answer(&challenge, "wonderland", 1)),
        Err(Denied::Stale)
    );
}

#[test]
fn a_full_counter_makes_room_without_letting_a_repeat_in() {
    let mut scene = Scene::new();
    scene.seen = NonceCounter::new(2, NOW);
    let challenges: Vec<_> = (0..4).map(|salt| scene.challenge(Algorithm::Sha256, salt)).collect();
    for challenge in &challenges[..2] {
        assert_eq!(scene.verify(NOW, &answer(challenge, "wonderland", 1)), Ok(()));
    }
    // The third pushes the first out; all were issued in the same millisecond.
    assert_eq!(scene.verify(NOW, &answer(&challenges[2], "wonderland", 1)), Ok(()));
    assert_eq!(scene.seen.len(), 2);
    assert_eq!(scene.verify(NOW, &answer(&challenges[0], "wonderland", 1)), Err(Denied::Stale), "a repeat");
    assert_eq!(scene.verify(NOW, &answer(&challenges[0], "wonderland", 2)), Err(Denied::Stale));
    assert_eq!(scene.verify(NOW, &answer(&challenges[1], "wonderland", 2)), Ok(()), "still remembered");
    assert_eq!(scene.verify(NOW, &answer(&challenges[3], "wonderland", 1)), Err(Denied::Stale), "as old");
}

#[test]
fn the_digest_uri_must_mean_the_request_uri() {
    let mut scene = Scene::new();
    let challenge = scene.challenge(Algorithm::Sha256, 1);
    let equivalent = challenge.answer("REGISTER", "SIP:HONGYAN.local", "alice", "wonderland", "c", 1);
    assert_eq!(scene.verify(NOW, &equivalent), Ok(()));
    let other = challenge.answer("REGISTER", "sip:elsewhere.local", "alice", "wonderland", "c", 2);
    assert_eq!(scene.verify(NOW, &other), Err(Denied::UriMismatch));
    let method = challenge.answer("MESSAGE", "sip:hongyan.local", "alice", "wonderland", "c", 2);
    assert_eq!(scene.verify(NOW, &method), Err(Denied::Wrong));
}

#[test]
fn clients_without_qop_use_a_nonce_once() {
    let mut scene = Scene::new();
    let mut challenge = scene.challenge(Algorithm::Md5, 1);
    challenge.qop_auth = false;
    let plain = answer(&challenge, "wonderland", 1);
    assert!(!plain.contains("qop") && !plain.contains("nc="));
    assert_eq!(scene.verify(NOW, &plain), Ok(()));
    assert_eq!(scene.verify(NOW, &plain), Err(Denied::Stale));
}

#[test]
fn what_is_not_understood_is_challenged_again() {
    let mut scene = Scene::new();
    let good = answer(&scene.challenge(Algorithm::Sha256, 1), "wonderland", 1);
    for (from, to, denied) in [
        ("algorithm=SHA-256", "algorithm=SHA-512-256", Denied::Wrong),
        ("qop=auth", "qop=auth-int", Denied::Wrong),
        ("realm=\"hongyan.local\"", "realm=\"other\"", Denied::Wrong),
        ("nc=00000001", "nc=1", Denied::Malformed),
        ("nc=00000001", "nc=0000000g", Denied::Malformed),
        ("nc=00000001, ", "", Denied::Malformed),
    ] {
        assert!(good.contains(from), "{good}");
        assert_eq!(scene.verify(NOW, &good.replace(from, to)), Err(denied), "{to}");
    }
    assert!(Authorization::parse(b"Basic YWxpY2U6").is_err());
    assert!(Authorization::parse(b"Digest username=\"a\"").is_err());
    assert!(Authorization::parse(format!("Digest username=\"{}\"", "x".repeat(2000)).as_bytes()).is_err());
}

#[test]
fn quotes_in_names_survive() {
    let verifier = Verifier::new("a \"quoted\" realm", [1; 32], LIFE);
    let challenge = Challenge::parse(verifier.challenges(NOW, 1, false)[0].as_bytes()).unwrap();
    assert_eq!(challenge.realm, "a \"quoted\" realm");
    let stored = Ha1s::of("al\\ice", "a \"quoted\" realm", "p");
    let answer = challenge.answer("REGISTER", "sip:h", "al\\ice", "p", "c", 1);
    let authorization = Authorization::parse(answer.as_bytes()).unwrap();
    assert_eq!(authorization.username(), "al\\ice");
    let mut seen = NonceCounter::new(1, NOW);
    let uri = Uri::parse("sip:h").unwrap();
    assert_eq!(verifier.verify(NOW, &authorization, "REGISTER", &uri, Some(&stored), &mut seen), Ok(()));
    assert_eq!(format!("{stored:?}"), "Ha1s(…)", "not in logs");
}
