//! Accept-Contact: which of the called user's devices a request wants (RFC 3841 §7.2, §9.2).

use super::contact::is_feature_tag;
use super::{Features, HeaderError, Params};

/// One Accept-Contact element: `*;feature;feature="value";require;explicit`.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct AcceptContact<'a> {
    params: Params<'a>,
}

/// How a device fits one Accept-Contact element.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// `require` is there and the device does not match: it must not be tried.
    Discard,
    /// The device may be tried; 0 to 1000, higher first (the score of RFC 3841 §7.2.4).
    Score(u16),
}

impl<'a> AcceptContact<'a> {
    /// Reads one element.
    ///
    /// # Errors
    /// It does not begin with `*`, or is not UTF-8.
    pub fn parse(value: &'a [u8]) -> Result<Self, HeaderError> {
        let text =
            std::str::from_utf8(value).ok().and_then(|text| text.strip_prefix('*')).map(str::trim_start);
        match text {
            Some(text) if text.is_empty() || text.starts_with(';') => {
                Ok(AcceptContact { params: Params::of(text) })
            }
            _ => Err(HeaderError::malformed("Accept-Contact", "not * and feature parameters")),
        }
    }

    /// A device that does not match must not be tried.
    pub fn require(&self) -> bool {
        self.params.has("require")
    }

    /// Only a device that named a feature counts as having it.
    pub fn explicit(&self) -> bool {
        self.params.has("explicit")
    }

    /// The features asked for.
    pub fn features(&self) -> Features<'a> {
        Features::of(self.params)
    }

    /// How a device with these features fits.
    pub fn fit(&self, device: Features<'_>) -> Fit {
        let (mut asked, mut met, mut all) = (0u32, 0u32, true);
        for (tag, wanted) in self.params.iter().filter(|(name, _)| is_feature_tag(name)) {
            asked += 1;
            if !device.has(tag) {
                // RFC 3841 §7.2.4: without `explicit`, silence about a feature matches but scores nothing.
                all &= !self.explicit();
            } else if matches(device, tag, wanted) {
                met += 1;
            } else {
                all = false;
            }
        }
        if self.require() && !all {
            return Fit::Discard;
        }
        Fit::Score((met * 1000).checked_div(asked).unwrap_or(1000) as u16)
    }
}

/// Whether the device's values for a tag overlap what is wanted: `,` means or, `!` not, `<…>` an exact string,
/// `#` a number or range (RFC 3840 §9).
fn matches(device: Features<'_>, tag: &str, wanted: Option<&str>) -> bool {
    let Some(wanted) = wanted else {
        // A flag is TRUE; the device says otherwise only with FALSE.
        return !device.has_value(tag, "FALSE");
    };
    Features::of(Params::of(&format!("{tag}=\"{wanted}\""))).values(tag).any(|wanted| {
        match wanted.strip_prefix('!') {
            Some(unwanted) => !device.has_value(tag, unwanted),
            None if wanted.eq_ignore_ascii_case("TRUE") => !device.has_value(tag, "FALSE"),
            None => device.values(tag).any(|offered| overlaps(&offered, &wanted)),
        }
    })
}

fn overlaps(offered: &str, wanted: &str) -> bool {
    match (range(offered), range(wanted)) {
        (Some((low, high)), Some((from, to))) => low <= to && from <= high,
        _ => offered.eq_ignore_ascii_case(wanted),
    }
}

/// `#=n`, `#>=n`, `#<=n`, `#a:b`, as low and high end.
fn range(text: &str) -> Option<(f64, f64)> {
    let text = text.strip_prefix('#')?;
    let number = |text: &str| text.trim().parse::<f64>().ok();
    if let Some(text) = text.strip_prefix(">=") {
        return Some((number(text)?, f64::INFINITY));
    }
    if let Some(text) = text.strip_prefix("<=") {
        return Some((f64::NEG_INFINITY, number(text)?));
    }
    if let Some(text) = text.strip_prefix('=') {
        return number(text).map(|number| (number, number));
    }
    let (low, high) = text.split_once(':')?;
    Some((number(low)?, number(high)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(wanted: &str, device: &str) -> Fit {
        AcceptContact::parse(wanted.as_bytes()).expect(wanted).fit(Features::of(Params::of(device)))
    }

    const MSG: &str = r#";+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.session,urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg";expires=60"#;

    #[test]
    fn a_service_is_found_among_the_values_of_its_tag() {
        let wanted =
            r#"*;+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg";require;explicit"#;
        assert_eq!(fit(wanted, MSG), Fit::Score(1000));
        assert_eq!(
            fit(wanted, r#";+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.largemsg""#),
            Fit::Discard
        );
        assert_eq!(fit(wanted, ";expires=60"), Fit::Discard);
    }

    #[test]
    fn without_require_nobody_is_discarded() {
        assert_eq!(fit(r#"*;+g.3gpp.icsi-ref="x";text"#, ";text"), Fit::Score(500));
        assert_eq!(fit("*;video;explicit", ";text"), Fit::Score(0));
        assert_eq!(fit("*", ";text"), Fit::Score(1000));
    }

    #[test]
    fn silence_matches_unless_explicit() {
        assert_eq!(fit("*;video;require", ";text"), Fit::Score(0));
        assert_eq!(fit("*;video;require;explicit", ";text"), Fit::Discard);
    }

    #[test]
    fn numbers_ranges_and_negation() {
        assert_eq!(
            fit(r##"*;+g.gsma.rcs.botversion="#=1";require"##, r##";+g.gsma.rcs.botversion="#=1,#=2""##),
            Fit::Score(1000)
        );
        assert_eq!(
            fit(r##"*;+g.gsma.rcs.botversion="#>=3";require"##, r##";+g.gsma.rcs.botversion="#=1,#=2""##),
            Fit::Discard
        );
        assert_eq!(fit(r#"*;mobility="!fixed";require"#, r#";mobility="mobile""#), Fit::Score(1000));
        assert_eq!(fit(r#"*;mobility="!fixed";require"#, r#";mobility="fixed""#), Fit::Discard);
        assert_eq!(fit("*;audio;require", r#";audio="FALSE""#), Fit::Discard);
    }
}
