use super::*;

#[test]
fn the_example_of_the_module_parses() {
    let raw = Bytes::from_static(
        "From: <sip:anonymous@anonymous.invalid>\r\nTo: <tel:+8613800000002>\r\nNS: i <urn:ietf:params:imdn>\r\n\
         i.Message-ID: Msg34jk324j\r\n\r\nContent-type: text/plain;charset=UTF-8\r\n\r\n明天见"
            .as_bytes(),
    );
    let cpim = Cpim::parse(raw).unwrap();
    assert_eq!(cpim.message_id(), Some("Msg34jk324j"));
    assert_eq!(cpim.payload(), "明天见");
}
