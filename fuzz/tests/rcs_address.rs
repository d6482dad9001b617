//! Addresses, and through them the phone-number library: any text gives a canonical address or a refusal.

mod rcs_seeds;

use bolero::check;
use rcs::Address;
use rcs::address::Numbering;

const SEEDS: &[&str] = &[
    "\"Alice <3\" <sip:+8613800000001;phone-context=x@hongyan.local:5060;user=phone?a=b>;tag=1",
    "tel:13800000001;phone-context=+86",
    "sips:%31%32306@botplatform.hongyan.local",
    "0086 (138) 0000-0001",
    "13800000001",
    "sip:13800000001@hongyan.local",
    "021 6329 1234",
];

const COUNTRIES: [&str; 6] = ["CN", "US", "DE", "IT", "AR", "XX"];

#[test]
fn rcs_address() {
    let numberings = COUNTRIES.map(|country| Numbering::new(country, "hongyan.local"));
    check!().for_each(|recipe: &[u8]| {
        let text = rcs_seeds::mutated_text(SEEDS, recipe);
        let numbering = &numberings[recipe.len() % numberings.len()];
        check_address(numbering, &text);
        // Digits alone reach the library most often.
        let digits: String = recipe.iter().take(20).map(|byte| char::from(b'0' + byte % 10)).collect();
        check_address(numbering, &digits);
    });
}

fn check_address(numbering: &Numbering, text: &str) {
    if let Ok(address) = numbering.address(text) {
        assert_eq!(address.as_str().parse::<Address>().as_ref(), Ok(&address));
        assert_eq!(numbering.address(address.as_str()).as_ref(), Ok(&address));
        assert_eq!(numbering.address(&address.sip_uri(&numbering.domain)).as_ref(), Ok(&address));
        _ = (address.kind(), address.user(), address.host(), address.e164());
    }
}
